/** several: calls for two queues, accepted all or none, each once however often they are sent. */

import { it } from 'node:test'
import type { FrameItem } from '../../../lib/redis/frame.ts'
import { Keys } from '../../../lib/redis/keys.ts'
import { callOf, hash, lane, P, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const OTHER = new Keys('spec', 'r').prefix
const prefixes = [P, OTHER]

/** Lanes of their own, so that entries of the two have names of their own. */
const a = ['normal', 'a', callOf('a')]
const b = ['high', 'b', callOf('b')]
const c = ['high', 'c', callOf('c')]
const wishing = (id: string, ...wishes: FrameItem[]): FrameItem[] => [['high', ...wishes], id, callOf(id)]

const batch = (cap: string | number, ...calls: FrameItem[][]): FrameItem[] => ['0', cap, '1', ...calls.flat()]
const of = (...calls: FrameItem[][]): FrameItem[] => batch('', ...calls)
const resent = ([, ...rest]: FrameItem[]): FrameItem[] => ['1', ...rest]

/** Streams of the other queue have no group. */
const entries = (...ids: string[]) => ({
  entries: ids.map((id, index) => [`e${index + 1}`, id, callOf(id)]),
})
const bothThere = {
  'task:a': hash({ entry: 'e1' }),
  'stream:normal': lane('0-0', { e1: 'a' }),
  [`${OTHER}:task:b`]: hash({ entry: 'high/e1' }),
  [`${OTHER}:stream:high`]: entries('b'),
  [`${OTHER}:settings`]: hash({ lanes: '1' }),
}
const none = { answer: [0, 0] }

const accepted: Row[] = [
  {
    name: 'calls of both become tasks of their queues; a second copy changes nothing',
    prefixes,
    args: [of(a), of(b)],
    answer: [1, 1],
    keyspace: bothThere,
    again: none,
  },
  {
    name: 'each by the wishes of its call and the cap of its queue',
    prefixes,
    seed: (s) => s.queued('x').queued('y'),
    args: [batch(3, a), batch(1, wishing('b', 'in', 60_000))],
    answer: [1, 1],
    keyspace: {
      'task:a': hash({ entry: 'e1' }),
      'stream:normal': lane('0-0', { '1-0': 'x', '2-0': 'y', e1: 'a' }),
      [`${OTHER}:task:b`]: hash({ entry: 'scheduled/high', call: callOf('b'), created: '<now>' }),
      [`${OTHER}:scheduled`]: zset({ b: '<now+60s>' }),
    },
    again: none,
  },
  {
    name: 'of those that were accepted before, nothing twice, and where there is no room any more neither',
    prefixes,
    seed: (s) =>
      s
        .running('a', 'w1')
        .command('HSET', `${OTHER}:task:b`, 'entry', 'scheduled/high')
        .command('ZADD', `${OTHER}:scheduled`, 1, 'b'),
    args: [resent(batch(1, a)), resent(batch(1, b))],
    answer: [0, 0],
    keyspace: { [`${OTHER}:settings`]: hash({ lanes: '1' }) },
  },
  {
    name: 'one that joins a task of its queue says so, and needs no room',
    prefixes,
    seed: (s) =>
      s
        .command('HSET', `${OTHER}:task:h`, 'entry', 'scheduled/high', 'key', 'k')
        .command('ZADD', `${OTHER}:scheduled`, 1, 'h')
        .command('SET', `${OTHER}:key:k`, 'h'),
    args: [of(a), batch(1, wishing('b', 'key', 'k'))],
    answer: [1, [0, 1, 'h scheduled']],
    keyspace: {
      'task:a': hash({ entry: 'e1' }),
      'stream:normal': lane('0-0', { e1: 'a' }),
      [`${OTHER}:joined:b`]: { string: 'h', expires: '60 s' },
    },
    again: { answer: [0, [0, 1, 'h scheduled']] },
  },
  {
    name: 'a parent is looked for in the queue of its child, and may stand earlier there',
    prefixes,
    args: [of(a), of(b, wishing('c', 'after', 'b'))],
    answer: [1, 2],
    keyspace: {
      ...bothThere,
      [`${OTHER}:task:b`]: hash({ entry: 'high/e1', tied: '1' }),
      [`${OTHER}:task:c`]: hash({
        ...{ entry: 'waiting/high', call: callOf('c'), created: '<now>' },
        ...{ after: 'b', policy: 'f', needs: '1' },
      }),
      [`${OTHER}:deps:b`]: hash({ c: '0' }),
      [`${OTHER}:waiting`]: zset({ c: '<now>' }),
    },
    again: none,
  },
]

const refused: Row[] = [
  {
    name: 'where there is no room for one of the second, nothing of either is written',
    prefixes,
    args: [of(a), batch(1, b, c)],
    answer: [0, [0, 2, 'full']],
  },
  {
    name: 'where there is no room in the first, the same',
    prefixes,
    seed: (s) => s.queued('x'),
    args: [batch(1, a), of(b)],
    answer: [[0, 1, 'full'], 0],
  },
  {
    name: 'a parent that nobody knows there, though the other queue does',
    prefixes,
    args: [of(a), of(wishing('b', 'after', 'a'))],
    answer: [0, [0, 1, 'orphan a']],
  },
  {
    name: 'of each queue what stands against it',
    prefixes,
    args: [batch(0, a), of(b, wishing('c', 'after', 'nobody'))],
    answer: [
      [0, 1, 'full'],
      [0, 2, 'orphan nobody'],
    ],
  },
  {
    name: 'at maxmemory it is refused',
    prefixes,
    full: true,
    args: [of(a), of(b)],
    refused: /OOM/,
  },
]

for (const [name, test] of table('several', [...accepted, ...refused])) it(name, test)
