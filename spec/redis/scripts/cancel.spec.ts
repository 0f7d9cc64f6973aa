/** cancel: a task that has not started never will; of one that runs, its worker is told. */

import { it } from 'node:test'
import type { FrameItem } from '../../../lib/redis/frame.ts'
import { callOf, hash, lane, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

/** The record stays for 120 s. */
const cancel = (id: string, reason = 'not needed'): FrameItem[] => [id, reason, 120_000]

const error = (reason = 'not needed') => `TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: ${reason}`
const ended = (fields: Record<string, string>) =>
  hash({ end: 'c 0 0 <now> ', error: error(), ...fields }, '120 s')

const rows: Row[] = [
  {
    name: 'a queued task ends with its call kept, everybody is told, and its entry stays until its turn comes',
    seed: (s) => s.queued('a', { lane: 'high', client: 'c1', record: { clients: 'c1 c2' } }).queued('b'),
    args: cancel('a'),
    answer: 'cancelled',
    published: {
      control: ['void'],
      c1: [['a', 'cancelled', error()]],
      c2: [['a', 'cancelled', error()]],
    },
    keyspace: {
      'task:a': ended({ entry: 'high/1-0', call: callOf('a', 'c1') }),
      'void:high': { set: ['1-0'] },
    },
  },
  {
    name: 'without a reason it is cancelled as well',
    seed: (s) => s.queued('a'),
    args: cancel('a', ''),
    answer: 'cancelled',
    published: { control: ['void'] },
    keyspace: { 'task:a': ended({ entry: '1-0', call: callOf('a'), error: error('') }) },
  },
  {
    name: 'a scheduled task is not due any more, neither by its time nor by its deadline, and its key is free',
    seed: (s) =>
      s
        .scheduled('a', 30_000, {
          more: { attempt: '2', failures: '2' },
          record: { key: 'k', deadline: s.at(40_000) },
        })
        .expiring('a', 40_000)
        .scheduled('b', 50_000)
        .holdsKey('a'),
    args: cancel('a'),
    answer: 'cancelled',
    keyspace: {
      'task:a': ended({
        ...{ entry: 'scheduled/normal', end: 'c 2 0 <now> ', created: '50', call: callOf('a') },
        ...{ attempt: '2', failures: '2', key: 'k', deadline: '<now+40s>' },
      }),
      scheduled: zset({ b: '<now+50s>' }),
      expiring: null,
      'key:k': null,
    },
  },
  {
    name: 'a parked task waits for nobody any more',
    seed: (s) => s.parked('a', 'add').expiring('a', 60_000).parked('b', 'add'),
    args: cancel('a'),
    answer: 'cancelled',
    keyspace: {
      'task:a': ended({
        ...{ entry: 'parked/normal', created: '50', call: callOf('a') },
        ...{ unknown: 'add' },
      }),
      parked: zset({ 'add/b': '0' }),
      expiring: null,
    },
  },
  {
    name: 'a key that is held for a time is free as well',
    seed: (s) => s.queued('a', { record: { key: 'k' } }).holdsKey('a', 60_000),
    args: cancel('a'),
    answer: 'cancelled',
    published: { control: ['void'] },
    keyspace: { 'task:a': ended({ entry: '1-0', key: 'k', call: callOf('a') }), 'key:k': null },
  },
  {
    name: 'a key that another task holds by now is left alone',
    seed: (s) => s.queued('a', { record: { key: 'k' } }).holdsKey('b'),
    args: cancel('a'),
    answer: 'cancelled',
    published: { control: ['void'] },
    keyspace: { 'task:a': ended({ entry: '1-0', key: 'k', call: callOf('a') }) },
  },
  {
    name: 'the task that waits for its end takes its place, and the workers hear when that one expires',
    seed: (s) =>
      s
        .queued('a', { record: { key: 'k' } })
        .holdsKey('a')
        .waiting('b', 'a', { record: { deadline: s.at(60_000) } }),
    args: cancel('a'),
    answer: 'cancelled',
    published: { control: ['void', 'due 60000'] },
    keyspace: {
      'task:a': ended({ entry: '1-0', key: 'k', next: 'b', call: callOf('a') }),
      'task:b': hash({ entry: 'e1', created: '50', key: 'k', deadline: '<now+60s>' }),
      'key:k': { string: 'b' },
      expiring: zset({ b: '<now+60s>' }),
      'stream:normal': lane('0-0', { '1-0': 'a', e1: ['b', callOf('b'), 'deadline', '<now+60s>'] }),
    },
  },
  {
    name: 'a task that waits for the end of another never takes its place',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { key: 'k' } })
        .holdsKey('a')
        .waiting('b', 'a'),
    args: cancel('b'),
    answer: 'cancelled',
    keyspace: {
      'task:b': ended({ entry: 'waiting/normal', created: '50', key: 'k', call: callOf('b') }),
    },
  },
  {
    name: 'of a task that runs the record says so, and its worker is told, each time',
    seed: (s) => s.running('a', 'w1', { lane: 'first', record: { clients: 'c1' } }),
    args: cancel('a', 'not needed any more'),
    answer: 'running',
    published: { control: ['cancel first/1-0 not needed any more'] },
    keyspace: {
      'task:a': hash({ entry: 'first/1-0', clients: 'c1', cancel: 'not needed any more' }),
      cancelling: zset({ 'first/1-0': '<now>' }, '3600 s'),
    },
    again: { published: { control: ['cancel first/1-0 not needed any more'] } },
  },
  {
    name: 'places of tasks that were to be aborted more than an hour ago are forgotten',
    seed: (s) =>
      s
        .running('a', 'w1')
        .command('ZADD', 'P:cancelling', s.now - 3_700_000, '8-0', s.now - 3_500_000, '9-0'),
    args: cancel('a'),
    answer: 'running',
    published: { control: ['cancel 1-0 not needed'] },
    keyspace: {
      'task:a': hash({ entry: '1-0', cancel: 'not needed' }),
      cancelling: zset({ '9-0': '<now-3500s>', '1-0': '<now>' }, '3600 s'),
    },
    again: { published: { control: ['cancel 1-0 not needed'] } },
  },
  {
    name: 'of a long reason the workers hear the beginning',
    seed: (s) => s.running('a', 'w1'),
    args: cancel('a', 'x'.repeat(600)),
    answer: 'running',
    published: { control: [`cancel 1-0 ${'x'.repeat(500)}`] },
    keyspace: {
      'task:a': hash({ entry: '1-0', cancel: 'xxxx… (600 bytes)' }),
      cancelling: zset({ '1-0': '<now>' }, '3600 s'),
    },
    again: { published: { control: [`cancel 1-0 ${'x'.repeat(500)}`] } },
  },
  {
    name: 'for one that has succeeded it is too late',
    seed: (s) => s.ended('a', 'succeeded', 'value'),
    args: cancel('a'),
    answer: 'ended',
  },
  {
    name: 'and for one that has failed, wherever it waited when it did',
    seed: (s) => s.ended('a', 'failed', 'error', { entry: 'parked/normal' }),
    args: cancel('a'),
    answer: 'ended',
  },
  {
    name: 'one that was cancelled before is cancelled, for the reason that was given first',
    seed: (s) => s.ended('a', 'cancelled', 'error'),
    args: cancel('a', 'another reason'),
    answer: 'cancelled',
  },
  { name: 'of an unknown task there is none to cancel', args: cancel('a'), answer: 'none' },
  {
    name: 'nor of a key of another type',
    seed: (s) => s.command('SET', 'P:task:a', 'junk'),
    args: cancel('a'),
    answer: 'none',
  },
  {
    name: 'nor of a record that is none of ours',
    seed: (s) => s.record('a', { note: 'junk' }),
    args: cancel('a'),
    answer: 'none',
  },
  {
    name: 'a task whose entry was deleted by hand is none any more',
    seed: (s) => s.queued('a').command('XDEL', 'P:stream:normal', '1-0'),
    args: cancel('a'),
    answer: 'none',
  },
  {
    name: 'one that runs and whose entry was deleted by hand has its worker still, which is told',
    seed: (s) => s.running('a', 'w1').command('XDEL', 'P:stream:normal', '1-0'),
    args: cancel('a'),
    answer: 'running',
    published: { control: ['cancel 1-0 not needed'] },
    keyspace: {
      'task:a': hash({ entry: '1-0', cancel: 'not needed' }),
      cancelling: zset({ '1-0': '<now>' }, '3600 s'),
    },
    again: { published: { control: ['cancel 1-0 not needed'] } },
  },
  {
    name: 'before any worker has made the groups a task is cancelled',
    bare: true,
    seed: (s) => s.queued('a'),
    args: cancel('a'),
    answer: 'cancelled',
    published: { control: ['void'] },
    keyspace: { 'task:a': ended({ entry: '1-0', call: callOf('a') }) },
  },
  {
    name: 'at maxmemory a task is cancelled',
    full: true,
    seed: (s) => s.queued('a'),
    args: cancel('a'),
    answer: 'cancelled',
    published: { control: ['void'] },
    keyspace: { 'task:a': ended({ entry: '1-0', call: callOf('a') }) },
  },
  {
    name: 'one that waits for others ends; those that wait for it are left to promote, and its flow is told',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { tied: '1' } })
        .child('b', ['a'], { record: { tied: '1', flow: 'f' } })
        .child('c', ['b'])
        .command('HSET', 'P:flow:f', 'b', 'a', 'open', 1),
    args: ['b', 'enough', 120_000],
    answer: 'cancelled',
    keyspace: {
      'task:b': hash({
        ...{ entry: 'waiting/normal', call: callOf('b'), created: '50', after: 'a', policy: 'f', needs: '1' },
        ...{ tied: '1', flow: 'f', end: 'c 0 0 <now> ' },
        error: 'TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: enough',
      }),
      'flow:f': hash({ b: 'a', open: '0', until: '<now+120s>' }, '120 s'),
      releasing: hash({ b: 'c <now+120s>' }),
    },
    published: { control: ['due 0'] },
  },
]

for (const [name, test] of table('cancel', rows)) it(name, test)
