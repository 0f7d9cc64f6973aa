/** reread: gives a worker once more what lies in its own pending list, and nothing that has ended meanwhile. */

import { it } from 'node:test'
import { callOf, hash, lane } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'

/** The limits of the worker w1: calls of up to 1,000 bytes, 100 failures kept for 70 s. */
const w1 = ['w1', 1_000, 100, 70_000]

const late = 'TaskExpiredError ERR_MILLRACE_TASK_EXPIRED: the task did not start in time'

const tests = table('reread', [
  {
    name: 'what is pending for the worker comes with its call and the attempts before, as often as it is asked for',
    seed: (s) =>
      s
        .running('a', 'w1')
        .running('b', 'w1', { lane: 'low', client: 'c1' })
        .entry('first', 'd', callOf('d'), 'attempt', '2')
        .deliver('w1', 'first')
        .record('d', { entry: 'first/3-0', attempt: '2' }),
    args: [...w1, 'normal', '1-0', 'low', '2-0', 'first', '3-0'],
    answer: [
      ...['normal', ['1-0', 'a', callOf('a'), '']],
      ...['low', ['2-0', 'b', callOf('b', 'c1'), '']],
      ...['first', ['3-0', 'd', callOf('d'), 'attempt 2']],
    ],
  },
  {
    name: 'what others hold, what nobody has read, and what is not there is left alone',
    bare: true,
    seed: (s) => s.group('normal').running('a', 'w2').queued('b').entry('high', 'c', callOf('c')),
    args: [...w1, 'normal', '1-0', 'normal', '2-0', 'normal', '9-0', 'high', '3-0', 'low', '1-0'],
    answer: [],
  },
  {
    name: 'an entry whose task has ended is dropped, not run again',
    seed: (s) => s.running('a', 'w1', { record: { end: 's 1 100 200 w1' } }),
    args: [...w1, 'normal', '1-0'],
    answer: ['normal', []],
    keyspace: { 'stream:normal': lane('1-0', {}, { w1: [] }) },
    again: { answer: [] },
  },
  {
    name: 'an entry that was acknowledged and not trimmed yet is not run again',
    seed: (s) =>
      s
        .running('a', 'w1')
        .running('b', 'w1')
        .command('XACK', 'P:stream:normal', 'workers', '2-0')
        .untidy('normal'),
    args: [...w1, 'normal', '2-0'],
    answer: [],
  },
  {
    name: 'an entry without a record is quarantined',
    seed: (s) => s.entry('normal', 'stranger', 'call').deliver('w1'),
    args: [...w1, 'normal', '1-0'],
    answer: ['normal', []],
    keyspace: {
      'stream:normal': lane('1-0', {}, { w1: [] }),
      quarantine: { list: [['<now>', 'normal/1-0', 'no record', 'call']] },
    },
    again: { answer: [] },
  },
  {
    name: 'what came too late to begin is settled, not run again',
    seed: (s) =>
      s
        .running('a', 'w1', { client: 'c1', more: { expires: s.at(-1) } })
        .running('b', 'w1', { more: { attempt: '1', failures: '1', deadline: '90000000000000' } }),
    args: [...w1, 'normal', '1-0', 'normal', '2-0'],
    answer: [
      ...['normal', []],
      ...['normal', ['2-0', 'b', callOf('b'), 'attempt 1 failures 1 deadline 90000000000000']],
    ],
    published: { c1: [['a', 'expired', late]] },
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'e 0 0 <now> w1', expires: '<now>' },
          ...{ call: callOf('a', 'c1'), error: late },
        },
        '70 s',
      ),
      'stream:normal': lane(
        '2-0',
        {
          '2-0': ['b', callOf('b'), 'attempt', '1', 'failures', '1', 'deadline', '90000000000000'],
        },
        { w1: ['2-0'] },
      ),
    },
    again: {
      answer: ['normal', ['2-0', 'b', callOf('b'), 'attempt 1 failures 1 deadline 90000000000000']],
    },
  },
  {
    name: 'an entry that was deleted under the pending list is cleared from it',
    seed: (s) => s.running('a', 'w1').command('XDEL', 'P:stream:normal', '1-0'),
    args: [...w1, 'normal', '1-0'],
    answer: [],
    keyspace: { 'stream:normal': lane('1-0', {}, { w1: [] }) },
  },
])
for (const [name, test] of tests) it(name, test)
