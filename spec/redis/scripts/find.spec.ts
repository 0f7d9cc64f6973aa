/** find: how the task stands that holds a key; it writes nothing. */

import { it } from 'node:test'
import { type Row, table } from '../../support/script-table.ts'
import type { Seed } from '../../support/seed.ts'

const states: Record<string, (s: Seed) => unknown> = {
  queued: (s) => s.queued('a', { lane: 'low' }),
  running: (s) => s.running('a', 'w1'),
  scheduled: (s) => s.scheduled('a', 30_000),
  parked: (s) => s.parked('a', 'add'),
  waiting: (s) => s.running('b', 'w1').waiting('a', 'b'),
  succeeded: (s) => s.ended('a', 'succeeded', 'value'),
  failed: (s) => s.ended('a', 'failed', 'error'),
  cancelled: (s) => s.ended('a', 'cancelled', 'error'),
  expired: (s) => s.ended('a', 'expired', 'error'),
}

const rows: Row[] = [
  ...Object.entries(states).map(
    ([state, seed]): Row => ({
      name: `the task that holds the key is ${state}`,
      seed: (s) => {
        seed(s)
        s.holdsKey('a')
      },
      args: ['k'],
      answer: [state, 'a'],
    }),
  ),
  {
    name: 'one that was put ahead of all is queued',
    seed: (s) => s.record('a', { entry: 'front/first' }).holdsKey('a'),
    args: ['k'],
    answer: ['queued', 'a'],
  },
  { name: 'nobody holds a key that is free', args: ['k'], answer: ['none', ''] },
  {
    name: 'a task of which nothing is known any more is none, and so is one whose entry was deleted by hand',
    seed: (s) => s.queued('a').command('XDEL', 'P:stream:normal', '1-0').holdsKey('a'),
    args: ['k'],
    answer: ['none', ''],
  },
  {
    name: 'a record that is gone is none',
    seed: (s) => s.holdsKey('a'),
    args: ['k'],
    answer: ['none', ''],
  },
  {
    name: 'at maxmemory it answers',
    full: true,
    seed: (s) => s.queued('a').holdsKey('a'),
    args: ['k'],
    answer: ['queued', 'a'],
  },
]

for (const [name, test] of table('find', rows)) it(name, test)
