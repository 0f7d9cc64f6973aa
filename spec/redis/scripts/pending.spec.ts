/** pending: what Redis thinks that a worker holds; it writes nothing. */

import { it } from 'node:test'
import { table } from '../../support/script-table.ts'

const tests = table('pending', [
  {
    name: 'everything that was delivered to a worker, lanes in order; nothing of others',
    seed: (s) =>
      s
        .worker('w1')
        .running('a', 'w1', { lane: 'low' })
        .running('b', 'w1')
        .running('c', 'w2')
        .running('d', 'w1')
        .queued('e')
        .running('f', 'w1', { lane: 'first' }),
    args: ['w1', 10],
    answer: ['first', '6-0', 'normal', '2-0', 'normal', '4-0', 'low', '1-0'],
  },
  {
    name: 'of each lane no more than asked for, oldest first',
    seed: (s) =>
      s
        .worker('w1')
        .running('a', 'w1')
        .running('b', 'w1')
        .running('c', 'w1', { lane: 'high' })
        .running('d', 'w1'),
    args: ['w1', 2],
    answer: ['high', '3-0', 'normal', '1-0', 'normal', '2-0'],
  },
  {
    name: 'entries that were deleted under the pending list, or whose task ended, are there as well',
    seed: (s) =>
      s
        .worker('w1')
        .running('a', 'w1')
        .running('b', 'w1', { record: { end: 'f 1 100 200 w1' } })
        .command('XDEL', 'P:stream:normal', '1-0'),
    args: ['w1', 10],
    answer: ['normal', '1-0', 'normal', '2-0'],
  },
  {
    name: 'a worker that was given nothing yet holds nothing, and no consumer is made for it',
    seed: (s) => s.worker('w1').running('a', 'w2'),
    args: ['w1', 10],
    answer: [],
  },
  {
    name: 'who was declared dead is told so, whatever it holds: that is not its own any more',
    seed: (s) => s.markedDead('w1').running('a', 'w1'),
    args: ['w1', 10],
    answer: 'dead',
  },
  {
    name: 'who was never registered, or was cleared away, is told that it is dead',
    seed: (s) => s.worker('w2').running('a', 'w1'),
    args: ['w1', 10],
    answer: 'dead',
  },
  {
    name: 'a worker whose lease is over but who was not declared dead is told what it holds',
    seed: (s) => s.expired('w1').running('a', 'w1'),
    args: ['w1', 10],
    answer: ['normal', '1-0'],
  },
  {
    name: 'without the groups nothing is known, and that is an error rather than an empty list',
    bare: true,
    seed: (s) => s.group('first').group('high').group('low').worker('w1').queued('a'),
    args: ['w1', 10],
    refused: /^ReplyError: NOGROUP/,
  },
  {
    name: 'then the places of tasks, anybody’s, that shall be aborted, the newest last',
    seed: (s) =>
      s.worker('w1').running('a', 'w1').command('ZADD', 'P:cancelling', 300, 'low/9-0', 200, '1-0'),
    args: ['w1', 10],
    answer: ['normal', '1-0', 'cancel', '1-0', 'cancel', 'low/9-0'],
  },
  {
    name: 'of very many such places, the newest 1,000',
    seed: (s) =>
      s
        .worker('w1')
        .command('ZADD', 'P:cancelling', ...Array.from({ length: 1_001 }, (_, i) => [i, `${i}-0`]).flat()),
    args: ['w1', 10],
    answer: Array.from({ length: 1_000 }, (_, i) => ['cancel', `${i + 1}-0`]).flat(),
  },
  {
    name: 'at maxmemory it answers',
    full: true,
    seed: (s) => s.worker('w1').running('a', 'w1'),
    args: ['w1', 10],
    answer: ['normal', '1-0'],
  },
])

for (const [name, test] of tests) it(name, test)
