/** listed: what P:waiting and P:slots name in vain; it writes nothing. */

import { it } from 'node:test'
import { zset } from '../../support/keyspace.ts'
import { scheduled } from '../../support/schedules.ts'
import { type Row, table } from '../../support/script-table.ts'
import type { Seed } from '../../support/seed.ts'

/** b and c wait; of the others each is no record that waits, in another way. */
const some = (s: Seed): Seed =>
  s
    .running('a', 'w1')
    .waiting('b', 'a')
    .child('c', ['a'])
    .ended('d', 'failed', 'error', { entry: 'waiting/normal' })
    .scheduled('e', 30_000)
    .command('SET', 'P:task:f', 'junk')
    .command('ZADD', 'P:waiting', 60, 'a', 61, 'd', 62, 'e', 63, 'f', 64, 'gone')
/** They stay where they are. */
const waiting = zset({ b: '50', c: '50', a: '60', d: '61', e: '62', f: '63', gone: '64' })

const rows: Row[] = [
  {
    name: 'of those that wait: what runs, has ended, is scheduled, is no record or is gone is named in vain',
    seed: some,
    args: ['waiting', 0, 10],
    answer: [7, 'a', 'd', 'e', 'f', 'gone'],
    keyspace: { waiting },
    again: { keyspace: { waiting } },
  },
  {
    name: 'some at a time',
    seed: some,
    args: ['waiting', 3, 2],
    answer: [2, 'd', 'e'],
    keyspace: { waiting },
    again: { keyspace: { waiting } },
  },
  {
    name: 'of schedules: those that are gone; one of another type is there',
    seed: (s) =>
      scheduled(s, 'm').command('SET', 'P:schedule:n', 'junk').command('ZADD', 'P:slots', 1, 'n', 2, 'gone'),
    args: ['slots', 0, 10],
    answer: [3, 'gone'],
  },
  { name: 'an empty list names nothing', args: ['waiting', 0, 10], answer: [0] },
  {
    name: 'at maxmemory it answers',
    full: true,
    seed: (s) => s.command('ZADD', 'P:slots', 2, 'gone'),
    args: ['slots', 0, 10],
    answer: [1, 'gone'],
  },
]

for (const [name, test] of table('listed', rows)) it(name, test)
