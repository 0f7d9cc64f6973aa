/** inspect: the whole record of a task, its call wherever it is, and who runs it since when; it writes nothing. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { it } from 'node:test'
import { sources } from '../../../lib/redis/lua/embedded.ts'
import { callOf, short } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const big = 'x'.repeat(100_000)

const rows: Row[] = [
  {
    name: 'the call of a queued task is read from its entry',
    seed: (s) => s.queued('b', { lane: 'high' }).queued('a', { lane: 'high', client: 'c1' }),
    args: ['a'],
    answer: [callOf('a', 'c1'), '', '', '', { entry: 'high/2-0' }],
  },
  {
    name: 'a running task shows its record, its call, and from the pending list its worker and since when',
    seed: (s) => s.running('b', 'w2').running('a', 'w1', { record: { progress: '10 %' } }),
    args: ['a'],
    answer: [callOf('a'), 'w1', '<now-60s>', '', { entry: '2-0', progress: '10 %' }],
  },
  {
    name: 'a task that was given to a worker just now runs since now, in its lane',
    seed: (s) => s.running('b', 'w2').running('a', 'w1', { lane: 'first', record: { attempt: '2' } }),
    fresh: [['w1', 'first', '2-0']],
    args: ['a'],
    answer: [callOf('a'), 'w1', '<now>', '', { entry: 'first/2-0', attempt: '2' }],
  },
  {
    name: 'the call of an ended task is read from its record, even where another entry took its place in line',
    seed: (s) => s.running('b', 'w1').ended('a', 'failed', 'error', { entry: '1-0' }),
    args: ['a'],
    answer: [
      ...[callOf('a'), '', '', ''],
      { entry: '1-0', end: 'f 1 100 200 w1', call: callOf('a'), error: 'error' },
    ],
  },
  {
    name: 'large calls and values are given whole',
    seed: (s) => s.queued('a', { call: big, record: { progress: `${big}x` } }),
    args: ['a'],
    answer: [short(big), '', '', '', { entry: '1-0', progress: short(`${big}x`) }],
  },
  {
    name: 'what it takes of others, and what hears of its progress, may be much and is not given',
    seed: (s) => s.queued('a', { record: { inputs: '1', 'in:0': big, hears: '1', 'hear:0': big } }),
    args: ['a'],
    answer: [callOf('a'), '', '', '', { entry: '1-0', inputs: '1', hears: '1' }],
  },
  {
    name: 'a call that is gone with its entry is empty',
    seed: (s) => s.queued('a').command('XDEL', 'P:stream:normal', '1-0'),
    args: ['a'],
    answer: ['', '', '', '', { entry: '1-0' }],
  },
  {
    name: 'a running task whose entry was deleted by hand has its worker still, which may end it',
    seed: (s) => s.running('a', 'w1').command('XDEL', 'P:stream:normal', '1-0'),
    args: ['a'],
    answer: ['', 'w1', '<now-60s>', '', { entry: '1-0' }],
  },
  {
    name: 'before any worker has made the groups a task is queued',
    bare: true,
    seed: (s) => s.queued('a'),
    args: ['a'],
    answer: [callOf('a'), '', '', '', { entry: '1-0' }],
  },
  {
    name: 'a record whose place is junk, or in a key of another type, shows what it has',
    bare: true,
    seed: (s) => s.record('a', { entry: '1-0', note: 'n' }).command('SET', 'P:stream:normal', 'junk'),
    args: ['a'],
    answer: ['', '', '', '', { entry: '1-0', note: 'n' }],
  },
  {
    name: 'a record whose place cannot be read shows what it has',
    seed: (s) => s.record('a', { entry: 'nowhere' }),
    args: ['a'],
    answer: ['', '', '', '', { entry: 'nowhere' }],
  },
  {
    name: 'of a scheduled task, when it is due; its call is in the record',
    seed: (s) => s.scheduled('a', 30_000, { lane: 'low' }).scheduled('b', 60_000),
    args: ['a'],
    answer: [callOf('a'), '', '', '<now+30s>', { entry: 'scheduled/low', call: callOf('a'), created: '50' }],
  },
  {
    name: 'a parked task is due at no time',
    seed: (s) => s.parked('a', 'add').expiring('a', 30_000),
    args: ['a'],
    answer: [
      ...[callOf('a'), '', '', ''],
      { entry: 'parked/normal', call: callOf('a'), created: '50', unknown: 'add' },
    ],
  },
  { name: 'of an unknown task there is nothing', args: ['a'], answer: null },
  {
    name: 'of a key of another type there is nothing',
    seed: (s) => s.command('SET', 'P:task:a', 'junk'),
    args: ['a'],
    answer: null,
  },
  {
    name: 'at maxmemory it answers',
    full: true,
    seed: (s) => s.queued('a'),
    args: ['a'],
    answer: [callOf('a'), '', '', '', { entry: '1-0' }],
  },
]

/** Redis promises no order of a hash's fields, and times are shown in steps of 10 s. */
function shape(answer: unknown): unknown {
  if (answer === null) return null
  const [call, worker, since, due, ...flat] = answer as string[]
  const when = (time = '') => {
    const off = Math.round((Number(time) - Date.now()) / 10_000) * 10
    return time && (off === 0 ? '<now>' : `<now${off > 0 ? '+' : ''}${off}s>`)
  }
  return [
    ...[call, worker, when(since), when(due)],
    Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : []))),
  ]
}

for (const [name, test] of table('inspect', rows, shape)) it(name, test)

it('every script has a table', () => {
  const folder = new URL('.', import.meta.url)
  const specs = readdirSync(folder).filter((file) => file.endsWith('.spec.ts'))
  const tables = specs.flatMap((file) =>
    [...readFileSync(new URL(file, folder), 'utf8').matchAll(/\btable\('(\w+)'/g)].map(([, name]) => name!),
  )
  assert.deepEqual([...new Set(tables)].sort(), Object.keys(sources).sort())
})
