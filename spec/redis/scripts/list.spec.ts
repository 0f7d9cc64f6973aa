/** list: ids of tasks in a state, some at a time; it writes nothing. */

import { it } from 'node:test'
import { callOf } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const rows: Row[] = [
  {
    name: 'the queued tasks of a lane, in their order; nothing of what runs or lies in other lanes',
    seed: (s) =>
      s
        .running('a', 'w1')
        .queued('b')
        .queued('c')
        .queued('d', { lane: 'low' })
        .scheduled('e', 30_000)
        .queued('f'),
    args: ['queued', 'normal', '', 10],
    answer: ['', 'b', 'c', 'f'],
  },
  {
    name: 'some at a time: the answer says after what to go on',
    seed: (s) => s.running('a', 'w1').queued('b').queued('c').queued('d'),
    args: ['queued', 'normal', '', 2],
    answer: ['3-0', 'b', 'c'],
  },
  {
    name: 'after that',
    seed: (s) => s.running('a', 'w1').queued('b').queued('c').queued('d'),
    args: ['queued', 'normal', '3-0', 2],
    answer: ['', 'd'],
  },
  {
    name: 'what was moved, cancelled or has expired is not there, though its entry is; nor is junk',
    seed: (s) =>
      s
        .entry('normal', 'a', callOf('a'))
        .queued('a', { lane: 'low' })
        .entry('normal', 'b', callOf('b'))
        .ended('b', 'cancelled', 'error', { entry: '3-0' })
        .entry('normal', 'c', callOf('c'))
        .command('SET', 'P:task:c', 'junk')
        .entry('normal', 'd', callOf('d'))
        .queued('e'),
    args: ['queued', 'normal', '', 10],
    answer: ['', 'e'],
  },
  {
    name: 'newest first is taken after lane first, the newest before the others, without those that ended',
    seed: (s) =>
      s
        .queued('a', { lane: 'first' })
        .record('b', { entry: 'front/first' })
        .record('c', { entry: 'front/first' })
        .ended('d', 'cancelled', 'error', { entry: 'front/first' })
        .command('LPUSH', 'P:front', 'b', 'c', 'd', 'e'),
    args: ['queued', 'first', '', 10],
    answer: ['', 'a', 'c', 'b'],
  },
  {
    name: 'before any worker has made the groups',
    bare: true,
    seed: (s) => s.queued('a').queued('b'),
    args: ['queued', 'normal', '', 10],
    answer: ['', 'a', 'b'],
  },
  {
    name: 'where the lane is not there, nothing',
    bare: true,
    args: ['queued', 'normal', '', 10],
    answer: [''],
  },
  {
    name: 'the running tasks of a lane, whoever runs them',
    seed: (s) => s.running('a', 'w1').running('b', 'w2').running('c', 'w1', { lane: 'low' }).queued('d'),
    args: ['running', 'normal', '', 10],
    answer: ['', 'a', 'b'],
  },
  {
    name: 'some of them',
    seed: (s) => s.running('a', 'w1').running('b', 'w2').running('c', 'w1'),
    args: ['running', 'normal', '', 2],
    answer: ['2-0', 'a', 'b'],
  },
  {
    name: 'and the others; one whose entry was deleted by hand has no name any more',
    seed: (s) =>
      s
        .running('a', 'w1')
        .running('b', 'w2')
        .running('c', 'w1')
        .running('d', 'w1')
        .command('XDEL', 'P:stream:normal', '3-0'),
    args: ['running', 'normal', '2-0', 10],
    answer: ['', 'd'],
  },
  {
    name: 'before any worker has made the groups nothing runs',
    bare: true,
    seed: (s) => s.queued('a'),
    args: ['running', 'normal', '', 10],
    answer: [''],
  },
  {
    name: 'the scheduled tasks by the time that they are due',
    seed: (s) => s.scheduled('a', 60_000).scheduled('b', 30_000).scheduled('c', 90_000),
    args: ['scheduled', '', '', 2],
    answer: ['2', 'b', 'a'],
  },
  {
    name: 'and the others of them',
    seed: (s) => s.scheduled('a', 60_000).scheduled('b', 30_000).scheduled('c', 90_000),
    args: ['scheduled', '', '2', 2],
    answer: ['', 'c'],
  },
  {
    name: 'those that wait for others by since when they wait',
    seed: (s) =>
      s
        .running('a', 'w1')
        .waiting('b', 'a')
        .child('c', ['a'])
        .child('d', ['a', 'b'])
        .command('ZADD', 'P:waiting', 60, 'b', 70, 'c'),
    args: ['waiting', '', '', 2],
    answer: ['2', 'd', 'b'],
  },
  {
    name: 'and the others of those',
    seed: (s) => s.running('a', 'w1').waiting('b', 'a').child('c', ['a']).child('d', ['a']),
    args: ['waiting', '', '2', 2],
    answer: ['', 'd'],
  },
  {
    name: 'the parked ones by the name that no worker knows',
    seed: (s) => s.parked('a', 'mail').parked('b', 'add').parked('c', 'add'),
    args: ['parked', '', '', 10],
    answer: ['', 'b', 'c', 'a'],
  },
  {
    name: 'the failed ones from the newest on',
    seed: (s) => s.failed('a', 1).failed('b', 2).failed('c', 3),
    args: ['failed', '', '', 2],
    answer: ['2', 'c', 'b'],
  },
  {
    name: 'at maxmemory it answers',
    full: true,
    seed: (s) => s.queued('a'),
    args: ['queued', 'normal', '', 10],
    answer: ['', 'a'],
  },
]

for (const [name, test] of table('list', rows)) it(name, test)
