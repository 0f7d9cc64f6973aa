/** holds: which tasks a worker holds, with the beginning of each call. */

import { it } from 'node:test'
import { callOf } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

/** How long it has each: a minute, as they are seeded. */
const shape = (answer: unknown): unknown =>
  (answer as unknown[]).map((item) => (typeof item === 'number' && item >= 60_000 ? 'a minute' : item))

const rows: Row[] = [
  { name: 'who is not there holds nothing', args: ['w1', 10], answer: [] },
  { name: 'without streams too', bare: true, args: ['w1', 10], answer: [] },
  {
    name: 'its own of all lanes, and nobody else’s',
    seed: (s) =>
      s
        .running('a', 'w1')
        .running('b', 'w2')
        .running('c', 'w1', { lane: 'low' })
        .running('d', 'w1', { lane: 'first', client: 'c1' })
        .queued('e'),
    args: ['w1', 10],
    answer: [
      ...['first', '4-0', 'd', callOf('d', 'c1'), 'a minute'],
      ...['normal', '1-0', 'a', callOf('a'), 'a minute'],
      ...['low', '3-0', 'c', callOf('c'), 'a minute'],
    ],
  },
  {
    name: 'not more of a lane than are asked for, and of a large call its beginning',
    seed: (s) => s.running('a', 'w1', { call: `\0${'x'.repeat(290)}` }).running('b', 'w1'),
    args: ['w1', 1],
    answer: ['normal', '1-0', 'a', `\0${'x'.repeat(290)}`, 'a minute'],
  },
  {
    name: 'what was deleted is passed over; what is no call is shown as it lies there',
    seed: (s) =>
      s
        .entry('normal', 'junk', 'junk')
        .deliver('w1')
        .running('b', 'w1')
        .running('c', 'w1')
        .command('XDEL', 'P:stream:normal', '2-0'),
    args: ['w1', 10],
    answer: [
      ...['normal', '1-0', 'junk', 'junk', 'a minute'],
      ...['normal', '3-0', 'c', callOf('c'), 'a minute'],
    ],
  },
]

for (const [name, test] of table('holds', rows, shape)) it(name, test)
