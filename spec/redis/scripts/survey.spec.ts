/** survey: entries that name no record; it writes nothing. */

import { it } from 'node:test'
import { callOf } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const rows: Row[] = [
  {
    name: 'entries with a record do not count, whatever has become of their tasks',
    seed: (s) =>
      s
        .running('a', 'w1')
        .queued('b')
        .entry('normal', 'c', callOf('c'))
        .ended('c', 'cancelled', 'error', { entry: '3-0' })
        .queued('d', { lane: 'low' }),
    args: ['normal', '', 10],
    answer: ['', 3],
  },
  {
    name: 'unread or pending without a record they do, and so does what has not the shape of an entry',
    seed: (s) =>
      s
        .running('a', 'w1')
        .command('DEL', 'P:task:a')
        .entry('normal', 'b', callOf('b'))
        .queued('c')
        .entry('normal', 'one', 'two', 'three', 'four'),
    args: ['normal', '', 10],
    answer: ['', 4, '1-0', '2-0', '4-0'],
  },
  {
    name: 'not those that are done and not trimmed yet, nor void ones',
    seed: (s) =>
      s
        .entry('normal', 'a', callOf('a'))
        .deliver('w1')
        .entry('normal', 'b', callOf('b'))
        .command('XACK', 'P:stream:normal', 'workers', '1-0')
        .voided('normal', '2-0'),
    args: ['normal', '', 10],
    answer: ['', 2],
  },
  {
    name: 'some at a time: the answer says after what to go on',
    seed: (s) => s.queued('a').queued('b').entry('normal', 'c', callOf('c')),
    args: ['normal', '', 2],
    answer: ['2-0', 2],
  },
  {
    name: 'after that',
    seed: (s) => s.queued('a').queued('b').entry('normal', 'c', callOf('c')),
    args: ['normal', '2-0', 2],
    answer: ['', 1, '3-0'],
  },
  { name: 'a lane that is not there is empty', bare: true, args: ['low', '', 10], answer: ['', 0] },
]

for (const [name, test] of table('survey', rows)) it(name, test)
