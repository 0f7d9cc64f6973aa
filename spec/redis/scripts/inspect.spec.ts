/** inspect: the whole record of a task, and its call wherever it is; it writes nothing. */

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
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
    answer: [callOf('a', 'c1'), { entry: 'high/2-0' }],
  },
  {
    name: 'a running task shows its record and its call',
    seed: (s) => s.running('a', 'w1', { record: { progress: '10 %' } }),
    args: ['a'],
    answer: [
      callOf('a'),
      {
        ...{ entry: 'normal/1-0', state: 'running', worker: 'w1', attempt: '1', started: '100' },
        progress: '10 %',
      },
    ],
  },
  {
    name: 'the call of an ended task is read from its record, even where another entry took its place in line',
    seed: (s) => s.queued('b').ended('a', 'failed', 'error', { entry: 'normal/1-0' }),
    args: ['a'],
    answer: [
      callOf('a'),
      {
        ...{ entry: 'normal/1-0', state: 'failed', worker: 'w1', attempt: '1', started: '100' },
        ...{ finished: '200', call: callOf('a'), error: 'error' },
      },
    ],
  },
  {
    name: 'large calls and values are given whole',
    seed: (s) => s.queued('a', { call: big, record: { progress: `${big}x` } }),
    args: ['a'],
    answer: [short(big), { entry: 'normal/1-0', progress: short(`${big}x`) }],
  },
  {
    name: 'a call that is gone with its entry is empty',
    seed: (s) => s.queued('a').command('XDEL', 'P:stream:normal', '1-0'),
    args: ['a'],
    answer: ['', { entry: 'normal/1-0' }],
  },
  {
    name: 'a record whose place is junk, or in a key of another type, shows what it has',
    bare: true,
    seed: (s) => s.record('a', { entry: 'normal/1-0', note: 'n' }).command('SET', 'P:stream:normal', 'junk'),
    args: ['a'],
    answer: ['', { entry: 'normal/1-0', note: 'n' }],
  },
  {
    name: 'a record whose place cannot be read shows what it has',
    seed: (s) => s.record('a', { entry: 'nowhere' }),
    args: ['a'],
    answer: ['', { entry: 'nowhere' }],
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
    answer: [callOf('a'), { entry: 'normal/1-0' }],
  },
]

/** Redis promises no order of a hash's fields. */
function shape(answer: unknown): unknown {
  if (answer === null) return null
  const [call, ...flat] = answer as string[]
  return [call, Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : [])))]
}

for (const [name, test] of table('inspect', rows, shape)) it(name, test)

it('every script has a table of its own', () => {
  const specs = readdirSync(new URL('.', import.meta.url)).filter((file) => file.endsWith('.spec.ts'))
  assert.deepEqual(
    specs.sort(),
    Object.keys(sources)
      .map((script) => `${script}.spec.ts`)
      .sort(),
  )
})
