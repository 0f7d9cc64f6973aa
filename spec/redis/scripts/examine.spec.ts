/** examine: which records nobody will ever take up, and which keys should expire and do not; it writes nothing. */

import { it } from 'node:test'
import { callOf, zset } from '../../support/keyspace.ts'
import { scheduled } from '../../support/schedules.ts'
import { type Row, table } from '../../support/script-table.ts'

const words = (...all: string[]) => all.map((word) => [word, '', '', ''])

const rows: Row[] = [
  {
    name: 'what is where its record says is fine; so is what has gone meanwhile',
    seed: (s) =>
      s.running('a', 'w1').queued('b').queued('c', { lane: 'low' }).ended('d', 'succeeded', 'value'),
    args: ['task:a', 'task:b', 'task:c', 'task:d', 'task:e'],
    answer: words('fine', 'fine', 'fine', 'fine', 'fine'),
  },
  {
    name: 'so is what is out of line and listed; when it was made goes along',
    seed: (s) =>
      s
        .scheduled('a', 30_000)
        .parked('b', 'add')
        .record('c', { entry: 'front/first', call: 'c' })
        .command('LPUSH', 'P:front', 'c'),
    args: ['task:a', 'task:b', 'task:c'],
    answer: [
      ['fine', '', '50', ''],
      ['fine', '', '50', ''],
      ['fine', '', '', ''],
    ],
  },
  {
    name: 'read by a worker and held by nobody: stray',
    seed: (s) =>
      s
        .running('a', 'w1')
        .running('b', 'w1', { lane: 'low' })
        .queued('c')
        .command('XACK', 'P:stream:normal', 'workers', '1-0')
        .command('XGROUP', 'DELCONSUMER', 'P:stream:low', 'workers', 'w1'),
    args: ['task:a', 'task:b', 'task:c'],
    answer: words('stray', 'stray', 'fine'),
  },
  {
    name: 'without a group nothing was read',
    bare: true,
    seed: (s) => s.queued('a'),
    args: ['task:a'],
    answer: words('fine'),
  },
  {
    name: 'out of line and not listed: stray where the record has its call, else gone',
    seed: (s) =>
      s
        .record('a', { entry: 'scheduled/low', call: callOf('a') })
        .record('b', { entry: 'parked/normal', call: callOf('b'), unknown: 'add' })
        .record('c', { entry: 'front/first', call: callOf('c') })
        .record('d', { entry: 'scheduled/low' })
        .record('e', { entry: 'parked/low', call: '' }),
    args: ['task:a', 'task:b', 'task:c', 'task:d', 'task:e'],
    answer: words('stray', 'stray', 'stray', 'gone', 'gone'),
  },
  {
    name: 'its entry is gone, and its call with it',
    seed: (s) => s.queued('a').command('XDEL', 'P:stream:normal', '1-0').record('b', { entry: 'low/9-0' }),
    args: ['task:a', 'task:b'],
    answer: words('gone', 'gone'),
  },
  {
    name: 'of what waits for another it says so, and of the other what waits for it, until that has ended',
    seed: (s) =>
      s
        .queued('a', { record: { key: 'k' } })
        .waiting('b', 'a')
        .waiting('d', 'c')
        .ended('c', 'failed', 'error', { next: 'd' }),
    args: ['task:a', 'task:b', 'task:c', 'task:d'],
    answer: [
      ['fine', 'b', '', ''],
      ['waiting', '', '50', ''],
      ['fine', '', '', ''],
      ['waiting', '', '50', ''],
    ],
  },
  {
    name: 'what is no record of ours is junk',
    seed: (s) =>
      s
        .command('SET', 'P:task:a', 'text')
        .record('b', { name: 'value' })
        .record('c', { entry: 'nowhere/at-all' })
        .record('d', { entry: 'lost/normal', call: 'x' }),
    args: ['task:a', 'task:b', 'task:c', 'task:d'],
    answer: words('junk', 'junk', 'junk', 'junk'),
  },
  {
    name: 'what has ended, and what lives with somebody, expires; a key does when its task has ended or is gone',
    seed: (s) =>
      s
        .ended('a', 'succeeded', 'value')
        .command('PERSIST', 'P:task:a')
        .worker('w1')
        .worker('w2')
        .command('PERSIST', 'P:worker:w2')
        .command('SET', 'P:joined:x', 'a')
        .command('SET', 'P:joined:y', 'a', 'PX', 60_000)
        .queued('b')
        .command('SET', 'P:key:of-b', 'b')
        .command('SET', 'P:key:of-a', 'a')
        .command('SET', 'P:key:of-nobody', 'c')
        .command('SET', 'P:key:held', 'a', 'PX', 60_000)
        .command('HSET', 'P:key:junk', 'a', 'b'),
    args: [
      ...['task:a', 'worker:w1', 'worker:w2', 'joined:x', 'joined:y'],
      ...['key:of-b', 'key:of-a', 'key:of-nobody', 'key:held', 'key:junk', 'key:none'],
    ],
    answer: [
      ...words('eternal', 'fine', 'eternal', 'eternal', 'fine'),
      ...words('fine', 'eternal', 'eternal', 'fine', 'fine', 'fine'),
    ],
  },
  {
    name: 'one that waits for parents is in order while these lead to it, and what leads to it as long as they live',
    seed: (s) =>
      s
        .running('a', 'w1')
        .failed('x', 1)
        .command('PERSIST', 'P:task:x')
        .child('b', ['a', 'x'])
        .command('HSET', 'P:releasing', 'x', 'f 1')
        .child('c', ['a', 'gone'])
        .child('d', ['unheard'])
        .ended('unheard', 'failed', 'error'),
    args: ['task:b', 'task:c', 'task:d', 'task:x', 'deps:a', 'deps:x', 'deps:gone', 'deps:unheard'],
    answer: [
      ['fine', '', '50', ''],
      ['stray', '', '50', ''],
      ['stray', '', '50', ''],
      ...words('fine', 'fine', 'fine', 'eternal', 'eternal'),
    ],
  },
  {
    name: 'what waits, and a schedule, that its list does not name; what waits no more need not be named',
    seed: (s) => {
      s.running('a', 'w1').child('b', ['a']).waiting('c', 'a').child('d', ['a'])
      s.command('ZREM', 'P:waiting', 'b', 'c').ended('e', 'failed', 'error', { entry: 'waiting/normal' })
      scheduled(scheduled(s, 'm'), 'n').command('ZREM', 'P:slots', 'n').command('SET', 'P:schedule:o', 'junk')
    },
    args: [
      'task:a',
      'task:b',
      'task:c',
      'task:d',
      'task:e',
      'schedule:m',
      'schedule:n',
      'schedule:o',
      'schedule:p',
    ],
    keyspace: { waiting: zset({ d: '50' }) },
    again: { keyspace: { waiting: zset({ d: '50' }) } },
    answer: [
      ['fine', 'c', '', ''],
      ['fine', '', '50', '1'],
      ['waiting', '', '50', '1'],
      ['fine', '', '50', ''],
      ...words('fine', 'fine'),
      ['fine', '', '', '1'],
      ...words('junk', 'fine'),
    ],
  },
  { name: 'nothing to examine is nothing found', args: [], answer: [] },
]

for (const [name, test] of table('examine', rows)) it(name, test)
