/** relist: P:waiting and P:slots name what is there, and nothing else; what was right stays as it is. */

import { it } from 'node:test'
import { zset } from '../../support/keyspace.ts'
import { scheduled } from '../../support/schedules.ts'
import { type Row, table } from '../../support/script-table.ts'

const rows: Row[] = [
  {
    name: 'what waits is named, by when it was made; what does not is named no more',
    seed: (s) =>
      s
        .running('a', 'w1')
        .waiting('b', 'a')
        .child('c', ['a'], { record: { created: '70' } })
        .child('d', ['a'])
        .record('e', { entry: 'waiting/low', call: 'c', after: 'a', needs: '1' })
        .command('ZREM', 'P:waiting', 'b', 'c', 'e')
        .ended('f', 'failed', 'error', { entry: 'waiting/normal' })
        .command('ZADD', 'P:waiting', 60, 'a', 61, 'f', 62, 'gone'),
    args: ['waiting', 'a', 'b', 'c', 'd', 'e', 'f', 'gone', 'none'],
    answer: 6,
    keyspace: { waiting: zset({ b: '50', c: '70', d: '50', e: '<now>' }) },
    again: { answer: 0 },
  },
  {
    name: 'a schedule is named by its slot, and the workers are told',
    seed: (s) => {
      scheduled(s, 'm', { slot: s.at(30_000) }).command('ZREM', 'P:slots', 'm')
      scheduled(s, 'n', {}, s.at(60_000))
      s.command('ZADD', 'P:slots', 1, 'gone')
    },
    args: ['slots', 'gone', 'm', 'n', 'none'],
    answer: 2,
    keyspace: { slots: zset({ m: '<now+30s>', n: '<now+60s>' }) },
    published: { control: ['slot 30000'] },
    again: { answer: 0 },
  },
  {
    name: 'one that is paused, or has no slot, is named as never due; so is one that nobody can read',
    seed: (s) => {
      scheduled(s, 'm', { paused: '1' })
      scheduled(s, 'n', { slot: undefined })
      scheduled(s, 'o', { slot: 'soon' }).command('SET', 'P:schedule:p', 'junk').command('DEL', 'P:slots')
    },
    args: ['slots', 'm', 'n', 'o', 'p'],
    answer: 4,
    keyspace: { slots: zset({ m: 'inf', n: 'inf', o: 'inf', p: 'inf' }) },
    again: { answer: 0 },
  },
  { name: 'nothing to list is nothing done', args: ['waiting'], answer: 0 },
  {
    name: 'at maxmemory too',
    full: true,
    seed: (s) => s.running('a', 'w1').child('b', ['a']).command('DEL', 'P:waiting'),
    args: ['waiting', 'b'],
    answer: 1,
    keyspace: { waiting: zset({ b: '50' }) },
    again: { answer: 0 },
  },
]

for (const [name, test] of table('relist', rows)) it(name, test)
