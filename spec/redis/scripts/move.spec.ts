/** move: a task that waits goes to the end of another lane, wherever it waits. */

import { it } from 'node:test'
import { callOf, hash, lane, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const rows: Row[] = [
  {
    name: 'a queued task becomes the last of the lane; its old entry stays until its turn comes',
    seed: (s) => s.queued('a').queued('b', { lane: 'high' }),
    args: ['a', 'high'],
    answer: 'moved',
    published: { control: ['void'] },
    keyspace: {
      'task:a': hash({ entry: 'high/e1', created: '1' }),
      'stream:high': lane('0-0', { '2-0': 'b', e1: 'a' }),
      'void:normal': { set: ['1-0'] },
    },
    again: { answer: 'there' },
  },
  {
    name: 'what else is known of it goes along, and since when it is there stays; home is where it was put',
    seed: (s) =>
      s
        .queued('a', {
          ...{ lane: 'first', client: 'c1' },
          more: { attempt: '2', failures: '1', crashes: '1', deadline: s.at(60_000) },
          record: { created: '50', home: 'low', progress: '10 %', clients: 'c2' },
        })
        .expiring('a', 60_000),
    args: ['a', 'low'],
    answer: 'moved',
    published: { control: ['void'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'low/e1', created: '50', progress: '10 %', clients: 'c2' },
        ...{ attempt: '2', failures: '1', crashes: '1', deadline: '<now+60s>' },
      }),
      'stream:low': lane('0-0', {
        e1: [
          ...['a', callOf('a', 'c1'), 'attempt', '2', 'failures', '1', 'crashes', '1'],
          ...['deadline', '<now+60s>'],
        ],
      }),
    },
    again: { answer: 'there' },
  },
  {
    name: 'moved ahead of all lanes and back again, it has left an entry in each',
    seed: (s) => s.entry('normal', 'a', callOf('a')).queued('a', { lane: 'first', record: { created: '1' } }),
    args: ['a', 'normal'],
    answer: 'moved',
    published: { control: ['void'] },
    keyspace: {
      'task:a': hash({ entry: 'e1', created: '1' }),
      'stream:normal': lane('0-0', { '1-0': 'a', e1: 'a' }),
    },
    again: { answer: 'there' },
  },
  ...(['scheduled', 'parked', 'waiting'] as const).map(
    (state): Row => ({
      name: `a ${state} task will go to that lane when its time comes`,
      seed: (s) => {
        if (state === 'scheduled') s.scheduled('a', 30_000)
        else if (state === 'parked') s.parked('a', 'add')
        else s.running('b', 'w1', { record: { key: 'k' } }).waiting('a', 'b')
      },
      args: ['a', 'low'],
      answer: 'moved',
      keyspace: {
        'task:a': hash({
          ...{ entry: `${state}/low`, call: callOf('a'), created: '50' },
          ...(state === 'parked' ? { unknown: 'add' } : {}),
          ...(state === 'waiting' ? { key: 'k' } : {}),
        }),
      },
      again: { answer: 'there' },
    }),
  ),
  {
    name: 'a task that is in that lane keeps its place',
    seed: (s) => s.queued('a', { lane: 'low' }).queued('b', { lane: 'low' }),
    args: ['a', 'low'],
    answer: 'there',
  },
  {
    name: 'a scheduled task that will go to that lane anyway stays as it is',
    seed: (s) => s.scheduled('a', 30_000),
    args: ['a', 'normal'],
    answer: 'there',
  },
  {
    name: 'a task that runs does not wait',
    seed: (s) => s.running('a', 'w1'),
    args: ['a', 'high'],
    answer: 'running',
  },
  {
    name: 'nor does one that has ended, in line or out of it',
    seed: (s) => s.ended('a', 'failed', 'error', { entry: 'parked/normal' }),
    args: ['a', 'high'],
    answer: 'ended',
  },
  { name: 'an unknown task is none', args: ['a', 'high'], answer: 'none' },
  {
    name: 'a key of another type is none',
    seed: (s) => s.command('SET', 'P:task:a', 'junk'),
    args: ['a', 'high'],
    answer: 'none',
  },
  {
    name: 'a record that is none of ours is none',
    seed: (s) => s.record('a', { note: 'junk' }),
    args: ['a', 'high'],
    answer: 'none',
  },
  {
    name: 'a task whose entry was deleted by hand is none any more',
    seed: (s) => s.queued('a').command('XDEL', 'P:stream:normal', '1-0'),
    args: ['a', 'high'],
    answer: 'none',
  },
  {
    name: 'a task that waits for a worker is moved before any has made the groups',
    bare: true,
    seed: (s) => s.queued('a'),
    args: ['a', 'high'],
    answer: 'moved',
    published: { control: ['void'] },
    keyspace: {
      'task:a': hash({ entry: 'high/e1', created: '1' }),
      'stream:high': { entries: [['e1', 'a', callOf('a')]] },
    },
    again: { answer: 'there' },
  },
  {
    name: 'at maxmemory a task is moved',
    full: true,
    seed: (s) => s.queued('a', { more: { expires: s.at(60_000) } }).expiring('a', 60_000),
    args: ['a', 'high'],
    answer: 'moved',
    published: { control: ['void'] },
    keyspace: {
      'task:a': hash({ entry: 'high/e1', created: '1', expires: '<now+60s>' }),
      expiring: zset({ a: '<now+60s>' }),
      'stream:high': lane('0-0', { e1: ['a', callOf('a'), 'expires', '<now+60s>'] }),
    },
    again: { answer: 'there' },
  },
]

for (const [name, test] of table('move', rows)) it(name, test)
