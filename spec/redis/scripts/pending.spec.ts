/** pending: what Redis thinks that a worker holds; it writes nothing. */

import { it } from 'node:test'
import { table } from '../../support/script-table.ts'

const tests = table('pending', [
  {
    name: 'everything that was delivered to a worker, started or not, lanes in order; nothing of others',
    seed: (s) =>
      s
        .delivered('a', 'w1', { lane: 'low' })
        .running('b', 'w1')
        .running('c', 'w2')
        .delivered('d', 'w1')
        .queued('e')
        .running('f', 'w1', { lane: 'first' }),
    args: ['w1', 10],
    answer: ['first', '6-0', 'normal', '2-0', 'normal', '4-0', 'low', '1-0'],
  },
  {
    name: 'of each lane no more than asked for, oldest first',
    seed: (s) =>
      s.running('a', 'w1').running('b', 'w1').running('c', 'w1', { lane: 'high' }).running('d', 'w1'),
    args: ['w1', 2],
    answer: ['high', '3-0', 'normal', '1-0', 'normal', '2-0'],
  },
  {
    name: 'entries that were deleted under the pending list, or whose task ended, are there as well',
    seed: (s) =>
      s
        .delivered('a', 'w1')
        .running('b', 'w1', { record: { state: 'failed' } })
        .command('XDEL', 'P:stream:normal', '1-0'),
    args: ['w1', 10],
    answer: ['normal', '1-0', 'normal', '2-0'],
  },
  {
    name: 'an unknown worker holds nothing, and no consumer is made for it',
    seed: (s) => s.running('a', 'w2'),
    args: ['w1', 10],
    answer: [],
  },
  {
    name: 'without the groups nothing is known, and that is an error rather than an empty list',
    bare: true,
    seed: (s) => s.group('first').group('high').group('low').queued('a'),
    args: ['w1', 10],
    refused: /^ReplyError: NOGROUP/,
  },
  {
    name: 'at maxmemory it answers',
    full: true,
    seed: (s) => s.running('a', 'w1'),
    args: ['w1', 10],
    answer: ['normal', '1-0'],
  },
])

for (const [name, test] of tests) it(name, test)
