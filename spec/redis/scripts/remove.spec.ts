/** remove: tasks go with all that is known of them; nobody waits in vain for one that never runs. */

import { it } from 'node:test'
import type { FrameItem } from '../../../lib/redis/frame.ts'
import { callOf, hash, lane, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const remove = (...ids: string[]): FrameItem[] => ['not needed', 120_000, ...ids]

const error = 'TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: not needed'
/** For a last look. */
const going = (fields: Record<string, string>) => hash({ end: 'c 0 0 <now> ', error, ...fields }, '30 s')

const rows: Row[] = [
  {
    name: 'one that has ended goes at once, also from the dead letters',
    seed: (s) => s.failed('a', 1).failed('b', 2).ended('c', 'succeeded', 'value'),
    args: remove('a', 'c'),
    answer: ['removed', 'removed'],
    keyspace: { 'task:a': null, 'task:c': null, failed: zset({ b: '2' }) },
    again: { answer: ['none', 'none'] },
  },
  {
    name: 'with the key that it kept; that of another is left alone',
    seed: (s) =>
      s
        .ended('a', 'failed', 'error', { key: 'k' })
        .holdsKey('a', 60_000)
        .ended('b', 'failed', 'error', { key: 'j' })
        .command('SET', 'P:key:j', 'other'),
    args: remove('a', 'b'),
    answer: ['removed', 'removed'],
    keyspace: { 'task:a': null, 'task:b': null, 'key:k': null },
    again: { answer: ['none', 'none'] },
  },
  {
    name: 'one that waits is cancelled first: who waits for it is told, and finds it for a while',
    seed: (s) =>
      s
        .queued('a', { client: 'c1' })
        .scheduled('b', 30_000, { record: { clients: 'c2' } })
        .parked('c', 'add'),
    args: remove('a', 'b', 'c'),
    answer: ['removed', 'removed', 'removed'],
    published: {
      control: ['void'],
      c1: [['a', 'cancelled', error]],
      c2: [['b', 'cancelled', error]],
    },
    keyspace: {
      'task:a': going({ entry: '1-0', call: callOf('a', 'c1') }),
      'task:b': going({ entry: 'scheduled/normal', call: callOf('b'), created: '50' }),
      'task:c': going({
        ...{ entry: 'parked/normal', call: callOf('c'), created: '50' },
        ...{ unknown: 'add' },
      }),
      scheduled: null,
      parked: null,
    },
  },
  {
    name: 'the task that waits for its end takes its place',
    seed: (s) =>
      s
        .queued('a', { record: { key: 'k' } })
        .holdsKey('a')
        .waiting('b', 'a'),
    args: remove('a'),
    answer: ['removed'],
    published: { control: ['void'] },
    keyspace: {
      'task:a': going({ entry: '1-0', call: callOf('a'), key: 'k', next: 'b' }),
      'task:b': hash({ entry: 'e1', created: '50', key: 'k' }),
      'key:k': { string: 'b' },
      'stream:normal': lane('0-0', { '1-0': 'a', e1: 'b' }),
    },
  },
  {
    name: 'one that runs stays, and is not asked to end',
    seed: (s) => s.running('a', 'w1'),
    args: remove('a'),
    answer: ['running'],
  },
  {
    name: 'unknown ones, and what is none of ours, are none',
    seed: (s) => s.command('SET', 'P:task:b', 'junk').record('c', { note: 'junk' }),
    args: remove('a', 'b', 'c'),
    answer: ['none', 'none', 'none'],
  },
  {
    name: 'of a dead letter whose record is gone the last trace goes',
    seed: (s) => s.command('ZADD', 'P:failed', 1, 'a'),
    args: remove('a'),
    answer: ['none'],
    keyspace: { failed: null },
  },
  { name: 'nothing to remove is nothing done', args: remove(), answer: [] },
  {
    name: 'at maxmemory tasks are removed',
    full: true,
    seed: (s) => s.failed('a', 1),
    args: remove('a'),
    answer: ['removed'],
    keyspace: { 'task:a': null, failed: null },
    again: { answer: ['none'] },
  },
  {
    name: 'one that others wait for is told to them by promote, and stays as long; then it goes',
    seed: (s) =>
      s
        .scheduled('a', 30_000, { record: { tied: '1' } })
        .child('b', ['a'])
        .failed('c', 1)
        .child('d', ['c'])
        .command('PERSIST', 'P:task:c')
        .command('HSET', 'P:releasing', 'c', `f ${s.at(60_000)}`),
    args: remove('a', 'c'),
    answer: ['removed', 'removed'],
    keyspace: {
      'task:a': hash({
        ...{ entry: 'scheduled/normal', call: callOf('a'), created: '50', tied: '1' },
        ...{ end: 'c 0 0 <now> ', error },
      }),
      scheduled: null,
      failed: null,
      releasing: hash({ a: 'c <now+30s>', c: 'f <now>' }),
    },
    published: { control: ['due 0'] },
  },
]

for (const [name, test] of table('remove', rows)) it(name, test)
