/** Tables for scripts: seed, run, compare answer, messages and the whole keyspace, then run once more. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before } from 'node:test'
import type { Redis } from 'ioredis'
import { LANES, type Lane } from '../../lib/record.ts'
import { type FrameItem, frame } from '../../lib/redis/frame.ts'
import { GROUP } from '../../lib/redis/keys.ts'
import { sources } from '../../lib/redis/lua/embedded.ts'
import { loadScripts, type ScriptName } from '../../lib/redis/scripts.ts'
import { runScript } from './ask.ts'
import {
  type Changes,
  changed,
  countEnded,
  type Keyspace,
  KeyspaceReader,
  noteMarks,
  noteVoid,
  noteWaiting,
  P,
  type Published,
  plain,
  timeOf,
  toldWorkers,
} from './keyspace.ts'
import { startRedis, type TestRedis } from './redis.ts'
import { Seed } from './seed.ts'
import { unframe } from './unframe.ts'
import { until } from './until.ts'

export interface Row {
  name: string
  seed?: (seed: Seed) => unknown
  /** Of the queues that it is about, where it is not P alone. */
  prefixes?: readonly string[]
  /** Without the streams and groups that every row begins with otherwise. */
  bare?: true
  /** At maxmemory. */
  full?: true
  /** Polled after the seed until it is true. */
  ready?: (client: Redis) => Promise<boolean>
  /** Pending entries that were delivered just now, before each run. */
  fresh?: readonly (readonly [worker: string, lane: Lane, entry: string])[]
  /** `now`: the server's clock when the row began. */
  args: readonly FrameItem[] | ((now: number) => readonly FrameItem[])
  answer?: unknown
  /** The script is refused with such an error. */
  refused?: RegExp
  keyspace?: Changes
  published?: Published
  /** Where the second run differs. It publishes nothing unless this says so. */
  again?: { answer?: unknown; keyspace?: Changes; published?: Published }
}

const WRITES = '#!lua flags=allow-oom'
const READS = '#!lua flags=no-writes'
const FLAGS: Record<ScriptName, string> = {
  ...{ turn: WRITES, progress: WRITES, release: WRITES, beat: WRITES, leave: WRITES, quarantine: WRITES },
  ...{ recover: WRITES, attach: WRITES, reread: WRITES, promote: WRITES, unpark: WRITES },
  ...{ cancel: WRITES, move: WRITES, redrive: WRITES, remove: WRITES, settings: WRITES, groups: WRITES },
  ...{ mend: WRITES, relist: WRITES, dismiss: WRITES, order: WRITES, ask: WRITES, chunks: WRITES },
  ...{ halt: WRITES, unschedule: WRITES },
  ...{ outbox: WRITES, brought: WRITES, watch: WRITES, arrive: WRITES },
  ...{ pending: READS, inspect: READS, counts: READS, find: READS, list: READS },
  ...{
    examine: READS,
    survey: READS,
    listed: READS,
    workers: READS,
    holds: READS,
    schedules: READS,
    inputs: READS,
  },
  // Those that make the data grow.
  ...{ enqueue: '#!lua', several: '#!lua', chunk: '#!lua', schedule: '#!lua', fire: '#!lua', hear: '#!lua' },
}

/** Scripts that pack their answer. */
const PACKED: readonly ScriptName[] = ['turn', 'reread', 'schedules', 'inputs', 'outbox']

/**
 * One test for each row, and one for the head of the script: `for (const [name, test] of table(…)) it(name, test)`.
 * `shape` makes parts of an answer comparable.
 */
export function table(
  script: ScriptName,
  rows: readonly Row[],
  shape: (answer: unknown) => unknown = (answer) => answer,
): [name: string, test: () => void | Promise<void>][] {
  let redis: TestRedis
  let subscriber: Redis
  let published: Published = {}
  before(async () => {
    // Each entry in a node of its own: what may leave the stream leaves it at once, and tables can show it.
    redis = await startRedis({ args: ['--stream-node-max-entries', '1'] })
    loadScripts(redis.client)
    subscriber = redis.client.duplicate()
    await subscriber.psubscribe(`${P}:reply:*`, `${P}:control`)
    subscriber.on('pmessageBuffer', (_pattern, channel: Buffer, message: Buffer) => {
      const isControl = channel.toString() === `${P}:control`
      const to = isControl ? 'control' : channel.toString().slice(`${P}:reply:`.length)
      published[to] ??= []
      published[to].push(isControl ? toldWorkers(message.toString()) : plain(unframe(message)))
    })
  })
  after(async () => {
    subscriber?.disconnect()
    await redis?.stop()
  })

  const run = async (row: Row, began: number): Promise<unknown> => {
    published = {}
    const { client } = redis
    if (row.full) await client.config('SET', 'maxmemory', '1')
    // Sent together with the script, so that no time passes between them.
    const claims = (row.fresh ?? []).map(([worker, ofLane, entry]) =>
      client.call('XCLAIM', `${P}:stream:${ofLane}`, GROUP, worker, 0, entry, 'JUSTID'),
    )
    try {
      const args = typeof row.args === 'function' ? row.args(began) : row.args
      const answer = await runScript(client, script, row.prefixes ?? P, frame(args))
      return shape(plain(PACKED.includes(script) ? unframe(answer as Buffer) : answer))
    } catch (error) {
      if (!row.refused) throw error
      return String(error)
    } finally {
      await Promise.all(claims)
      if (row.full) await client.config('SET', 'maxmemory', '0')
      // Answered after the messages that the script has sent.
      await subscriber.ping()
    }
  }
  const test = async (row: Row): Promise<void> => {
    const { client } = redis
    await client.flushall()
    const seed = new Seed(await timeOf(client))
    if (!row.bare) for (const name of LANES) seed.group(name)
    row.seed?.(seed)
    await Promise.all(seed.commands.map(([name, ...args]) => client.callBuffer(name as string, args)))
    await until('the seed is ready', () => row.ready?.(client) ?? true)

    const reader = new KeyspaceReader(client)
    const check = async (which: string, answer: unknown, messages: Published, expected: Keyspace) => {
      const given = await run(row, seed.now)
      const keyspace = await reader.read()
      if (row.refused) assert.match(String(given), row.refused)
      else assert.deepEqual(reader.named(given), answer, `the answer of the ${which} run`)
      assert.deepEqual(published, messages, `published by the ${which} run`)
      assert.deepEqual(keyspace, expected, `the keyspace after the ${which} run`)
      return expected
    }
    const seeded = await reader.read()
    const isExact = script === 'promote'
    const after = await check('first', row.answer, row.published ?? {}, apply(seeded, isExact, row.keyspace))
    const again = { answer: row.answer, published: {}, ...row.again }
    await check('second', again.answer, again.published, apply(after, isExact, again.keyspace))
  }
  return [
    [`${script}.lua begins with its flags and its contract`, () => checkHead(script)],
    ...rows.map((row): [string, () => Promise<void>] => [row.name, () => test(row)]),
  ]
}

function checkHead(script: ScriptName): void {
  const url = new URL(`../../lib/redis/lua/${script}.lua`, import.meta.url)
  const [flags, first, ...rest] = readFileSync(url, 'utf8').split('\n')
  const end = rest.findIndex((line) => !line.startsWith('-- '))
  assert.equal(flags, FLAGS[script])
  assert.equal(sources[script].split('\n')[0], FLAGS[script], 'in embedded.ts')
  assert.match(first!, new RegExp(`^-- ${script}: \\w`))
  for (const part of [/args:/, /keys:/, /gives\b.*:|each:/]) assert.match(rest.slice(0, end).join('\n'), part)
}

/**
 * Rows need not say what P:ended counts, which entries are void, what turns are told of the lanes, nor who waits: that
 * follows from what else has changed. isExact: of the script that also says what is no more.
 */
function apply(keyspace: Keyspace, isExact: boolean, changes: Changes = {}): Keyspace {
  const after = changed(keyspace, changes)
  // What a row says itself counts.
  const noted = noteWaiting(keyspace, noteVoid(keyspace, countEnded(keyspace, after)))
  const told = changed(noted, pick(changes, 'void:', 'ended', 'waiting'))
  return noteMarks(keyspace, told, isExact)
}

const pick = (changes: Changes, ...prefixes: string[]): Changes =>
  Object.fromEntries(
    Object.entries(changes).filter(([key]) => prefixes.some((prefix) => key.startsWith(prefix))),
  )
