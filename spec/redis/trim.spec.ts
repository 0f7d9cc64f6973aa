/**
 * What the scripts remove from a stream, over a long random life: never an entry that is unread or pending, and
 * never so that a node without entries stays behind, which newer servers refuse to load.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Lane } from '../../lib/record.ts'
import { Connection } from '../../lib/redis/connection.ts'
import { type FrameItem, frame } from '../../lib/redis/frame.ts'
import { GROUP, Keys } from '../../lib/redis/keys.ts'
import type { ScriptName } from '../../lib/redis/scripts.ts'
import { runScript } from '../support/ask.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { LANES } from '../support/scene.ts'
import { countsIn, nodesOf } from '../support/stream-nodes.ts'
import { unframe } from '../support/unframe.ts'

/** Tasks that wait from the beginning: of a long lane, few that have ended wait to be trimmed together. */
const LIVES = [
  { seed: 1, backlog: 0 },
  { seed: 2, backlog: 0 },
  { seed: 3, backlog: 0 },
  { seed: 4, backlog: 0 },
  { seed: 5, backlog: 300 },
  { seed: 6, backlog: 300 },
]
const STEPS = 200

let redis: TestRedis
let connection: Connection
before(async () => {
  redis = await startRedis({ args: ['--stream-node-max-entries', '4', '--rdbcompression', 'no'] })
  connection = new Connection(redis.url, { role: 'spec' })
  await connection.ready(5_000)
})
after(async () => {
  connection?.close()
  await redis?.stop()
})

describe('the nodes of a stream', () => {
  test('are counted right: full ones, one that is begun, one with holes', async () => {
    const { client } = redis
    for (let i = 1; i <= 10; i++) await client.xadd('counted', `${i}-0`, 'field', 'value')
    assert.deepEqual(await nodesOf(client, 'counted'), [4, 4, 2])
    await client.xdel('counted', '2-0', '3-0', '9-0')
    assert.deepEqual(await nodesOf(client, 'counted'), [2, 4, 1])
    assert.deepEqual(await nodesOf(client, 'missing'), [])
  })

  test('are seen where one is left without entries', async (t) => {
    const { client } = redis
    for (const entry of ['1-0', '2-0']) await client.xadd('emptied', entry, 'f', 'v')
    await client.xdel('emptied', '2-0')
    await client.xtrim('emptied', 'MINID', '=', '2-0')
    const nodes = await nodesOf(client, 'emptied')
    // As 7.0.15 dumped it.
    const dump = `13 01 10 00000000000000010000000000000000 28 28000000 0f00 0001 0201 0101 8166 02 0001 0301 0001
      0001 8176 02 0401 0301 0101 0001 8176 02 0401 ff 00 02 00 02 00 00 02 00 02 00 0a 00 b55239c6eae10ea8`
    assert.deepEqual(countsIn(Buffer.from(dump.replace(/\s/g, ''), 'hex')), [0])
    if (nodes.length === 0) t.diagnostic('this Redis removes such a node itself')
    else assert.deepEqual(nodes, [0])
  })
})

/** Numbers below `n`, the same ones for the same seed (mulberry32). */
function randomFrom(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

interface Place {
  readonly lane: Lane
  readonly entry: string
}
interface Held extends Place {
  readonly id: string
  readonly attempt: number
}
const keyOf = ({ lane, entry }: Place): string => `${lane}/${entry}`
/** From a record's field `entry`. */
function placeOf(field: string): Place {
  const [lane, entry] = field.includes('/') ? field.split('/') : ['normal', field]
  return { lane: lane as Lane, entry: entry! }
}
/** From what else is said of an entry: `attempt 2 crashes 1`. */
const attemptsIn = (more: string): number => Number(/\battempt (\d+)/.exec(more)?.[1] ?? 0)
const chunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: list.length / size }, (_, i) => list.slice(i * size, (i + 1) * size))

const LEASE = 60_000
const MAX_CALL = 10_000
const MAX_CRASHES = 3
const MAX_FAILED = 20
const NO_CAP = ''
const EACH = ''
/** Of outcomes, as often as they are here. */
const STATES = ['succeeded', 'succeeded', 'succeeded', 'failed', 'retry'] as const
const TTL = 60_000

const scriptsOf =
  ({ prefix }: Keys) =>
  (script: ScriptName, ...args: FrameItem[]) =>
    runScript(connection.client, script, prefix, frame(args))

/** A queue with a reaper that never dies and workers that do, and what the spec knows of it. */
function life(seed: number, backlog: number) {
  const below = randomFrom(seed)
  const { client } = connection
  const keys = new Keys('trim', `q${seed}`)
  const run = scriptsOf(keys)
  const workers = new Map<string, Held[]>()
  /** Ids that were accepted and have not ended, but for those whose entry was deleted by hand. */
  const open = new Set<string>()
  /** Places of those. */
  const deleted = new Set<string>()
  let made = 0

  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!
  /** Up to `most` of a list, taken out of it in random order. */
  const takeSome = <T>(list: T[], most: number): T[] =>
    Array.from({ length: Math.min(list.length, 1 + below(most)) }, () =>
      list.splice(below(list.length), 1),
    ).flat()
  const aWorker = (): [string, Held[]] => pick([...workers])

  async function hire(): Promise<void> {
    made += 1
    await run('beat', `w${made}`, LEASE, 'register')
    workers.set(`w${made}`, [])
  }

  /** Now and then the first copy of a batch comes after the second. */
  async function enqueue(count = 1 + below(12)): Promise<void> {
    const calls = Array.from({ length: count }, () => {
      made += 1
      open.add(`t${made}`)
      return [pick(LANES.slice(1)), `t${made}`, Buffer.alloc(below(8) === 0 ? 3_000 : 20)]
    }).flat()
    await run('enqueue', below(2), NO_CAP, EACH, ...calls)
    if (below(4) === 0) await run('enqueue', 0, NO_CAP, EACH, ...calls)
  }

  async function turn(worker: string, held: Held[], want: number, finished: readonly Held[]): Promise<void> {
    const states = finished.map(() => pick(STATES))
    const outcomes = finished.map(({ lane, entry, id, attempt }, i) => {
      // At once, or by the next promotion.
      const isRetried = states[i] === 'retry'
      const ttl = isRetried ? below(2) : TTL
      return [lane, states[i]!, attempt, ttl, ...[id, entry, 1, 'value', isRetried ? '' : 'kept', '']]
    })
    const reply = await run('turn', worker, want, MAX_CALL, MAX_FAILED, TTL, ...outcomes)
    const [letters, ...taken] = unframe(reply as Buffer) as [Buffer, ...(Buffer | Buffer[])[]]
    finished.forEach(({ id }, i) => {
      if (letters.toString()[i] !== 'f' && states[i] !== 'retry') open.delete(id)
    })
    for (const [lane, entries] of chunks(taken, 2)) {
      for (const [entry, id, , before] of chunks((entries as Buffer[]).map(String), 4)) {
        held.push({ lane: String(lane) as Lane, entry: entry!, id: id!, attempt: attemptsIn(before!) + 1 })
      }
    }
  }

  /** As a blocking read does it: nothing is looked at before it is held. */
  async function read(): Promise<void> {
    const [worker, held] = aWorker()
    const lane = pick(LANES)
    const stream = keys.stream(lane)
    const group = ['GROUP', GROUP, worker, 'COUNT', 1 + below(6), 'STREAMS', stream, '>'] as const
    const reply = (await client.call('XREADGROUP', ...group)) as [string, [string, string[]][]][] | null
    for (const [entry, [id, , ...more]] of reply?.[0]?.[1] ?? []) {
      if (id === 'junk') await run('quarantine', lane, entry, 'junk')
      else held.push({ lane, entry, id: id!, attempt: attemptsIn(more.join(' ')) + 1 })
    }
  }

  async function release(): Promise<void> {
    const [worker, held] = aWorker()
    const places = takeSome(held, 12).flatMap(({ lane, entry }) => [lane, entry, below(2)])
    await run('release', worker, TTL, ...places)
  }

  const promote = () => run('promote', 100, TTL, MAX_FAILED)
  async function move(): Promise<void> {
    if (open.size > 0) await run('move', pick([...open]), pick(LANES))
  }
  /** What runs goes on: nobody here listens. */
  async function cancel(): Promise<void> {
    if (open.size > 0) await run('cancel', pick([...open]), 'no reason', TTL)
  }

  /** What it still brings comes too late. */
  async function die(): Promise<void> {
    const [worker, held] = aWorker()
    workers.delete(worker)
    await client.zadd(`${keys.prefix}:workers`, 1, worker)
    await run('recover', 'reaper', LEASE, 100, MAX_CRASHES, TTL, MAX_FAILED)
    await turn(worker, [], 0, takeSome(held, 4))
    await hire()
  }

  /** One that is held runs for a while. */
  async function age(): Promise<void> {
    const [worker, held] = aWorker()
    if (held.length === 0) return
    const { lane, entry } = pick(held)
    // A claim takes a deleted entry out of the pending list.
    if (deleted.has(keyOf({ lane, entry }))) return
    await client.call('XCLAIM', keys.stream(lane), GROUP, worker, 0, entry, 'IDLE', 1_000, 'JUSTID')
  }

  /** Any entry that is open, or the oldest that is pending, which is a bound. */
  async function deleteByHand(): Promise<void> {
    if (open.size === 0) return
    const id = pick([...open])
    const place = (await client.hget(keys.task(id), 'entry'))!
    if (place.startsWith('scheduled/')) return
    const { lane, entry } = placeOf(place)
    const oldest = (await client.xpending(keys.stream(lane), GROUP, '-', '+', 1)) as [string][]
    const victim = below(2) === 0 ? entry : (oldest[0]?.[0] ?? entry)
    const found = await client.xrange(keys.stream(lane), victim, victim)
    await client.xdel(keys.stream(lane), victim)
    for (const [, [ofTask]] of found) open.delete(ofTask!)
    deleted.add(keyOf({ lane, entry: victim }))
  }

  const junk = () => client.xadd(keys.stream(pick(LANES)), '*', 'junk', 'x', 'y', 'z')
  const take = () => turn(...aWorker(), 1 + below(20), [])
  const finish = () => {
    const [worker, held] = aWorker()
    return turn(worker, held, below(4), takeSome(held, 16))
  }
  const call = () => enqueue()
  const steps: (() => Promise<unknown>)[] = [
    ...[call, call, call, call, call, take, take, take, take, read, read, release, die],
    ...[finish, finish, finish, finish, finish, finish, age, deleteByHand, deleteByHand, junk],
    ...[promote, promote, move, move, cancel],
  ]

  return {
    async begin(): Promise<void> {
      for (const lane of LANES) await client.xgroup('CREATE', keys.stream(lane), GROUP, '0', 'MKSTREAM')
      await run('beat', 'reaper', 24 * LEASE, 'register')
      await client.hset(`${keys.prefix}:worker:reaper`, 'since', 1)
      for (let i = 0; i < 3; i++) await hire()
      if (backlog > 0) await enqueue(backlog)
    },

    /** Answers what it did. */
    async step(): Promise<string> {
      const step = pick(steps)
      await step()
      return step.name
    },

    /** Everything that is open is taken and ends. */
    async end(): Promise<void> {
      for (let round = 0; round < 100; round++) {
        await promote()
        for (const [worker, held] of workers) await turn(worker, held, 50, held.splice(0))
        const isDone = [...workers.values()].every((held) => held.length === 0)
        if (isDone && (await client.exists(`${keys.prefix}:scheduled`)) === 0) return
      }
    },

    async check(what: string): Promise<void> {
      const ids = [...open]
      const all = client.pipeline()
      for (const id of ids) all.hmget(keys.task(id), 'entry', 'end')
      for (const lane of LANES) {
        all.xrange(keys.stream(lane), '-', '+')
        all.xpending(keys.stream(lane), GROUP, '-', '+', 10_000)
        all.dumpBuffer(keys.stream(lane))
      }
      const replies = ((await all.exec()) ?? []).map(([, reply]) => reply)
      const records = replies.splice(0, ids.length) as [string, string | null][]
      const there = new Set<string>()
      LANES.forEach((lane, i) => {
        type Looks = [entries: [string, string[]][], pending: [string][], dump: Buffer]
        const [entries, pending, dump] = replies.slice(3 * i, 3 * i + 3) as Looks
        const nodes = countsIn(dump)
        assert.ok(!nodes.includes(0), `${what}: a node of ${lane} without entries (${nodes})`)
        assert.equal(
          nodes.reduce((sum, count) => sum + count, 0),
          entries.length,
        )
        for (const [entry] of entries) there.add(keyOf({ lane, entry }))
        const gone = pending
          .map(([entry]) => keyOf({ lane, entry }))
          .filter((key) => !there.has(key) && !deleted.has(key))
        assert.deepEqual(gone, [], `${what}: pending entries are gone`)
      })
      ids.forEach((id, i) => {
        const [entry, end] = records[i]!
        // Of poison, and of what was cancelled, this spec was not told.
        if (end) open.delete(id)
        else if (entry.startsWith('scheduled/')) return
        else assert.ok(there.has(keyOf(placeOf(entry))), `${what}: the entry of ${id} is gone (${entry})`)
      })
    },

    async remains(): Promise<unknown> {
      const nodes = await Promise.all(LANES.map((lane) => nodesOf(client, keys.stream(lane))))
      return { open: open.size, nodes, untidy: await client.exists(`${keys.prefix}:untidy`) }
    },
  }
}

describe('a node whose last entry was deleted', () => {
  /** Ten tasks in nodes of 4, 4 and 2, and a worker that has begun to take. */
  async function ten(queue: string) {
    const { client } = connection
    const keys = new Keys('trim', queue)
    const stream = keys.stream('normal')
    const run = scriptsOf(keys)
    const call = (n: number) => ['normal', `t${n}`, Buffer.alloc(20)]
    const names = Array.from({ length: 10 }, (_, i) => i + 1)
    await client.xgroup('CREATE', stream, GROUP, '0', 'MKSTREAM')
    await run('beat', 'w', LEASE, 'register')
    await run('enqueue', 0, NO_CAP, EACH, ...names.flatMap(call))
    const entries = (await client.xrange(stream, '-', '+')).map(([entry]) => entry)
    const turn = (want: number, done: readonly number[]) => {
      const outcomes = done.flatMap((n) => [`t${n}`, entries[n - 1]!, 1, 'value', 'kept', ''])
      const group = outcomes.length > 0 ? [['normal', 'succeeded', 1, TTL, ...outcomes]] : []
      return run('turn', 'w', want, MAX_CALL, MAX_FAILED, TTL, ...group)
    }
    return { client, stream, entries, names, run, call, turn }
  }

  test('because a batch was accepted twice, goes with those that end before it', async () => {
    const { client, stream, names, run, call, turn } = await ten('twice')
    await run('enqueue', 0, NO_CAP, EACH, ...call(10))
    assert.deepEqual(await nodesOf(client, stream), [4, 4, 2])
    await turn(10, [])
    await turn(0, names)
    assert.deepEqual(await nodesOf(client, stream), [])
  })

  test('by hand, while it was pending, stays as long as it holds others', async () => {
    const { client, stream, entries, names, turn } = await ten('by-hand')
    await turn(10, [])
    await client.xdel(stream, entries[9]!)
    await turn(0, names.slice(0, 9))
    const nodes = await nodesOf(client, stream)
    assert.ok(!nodes.includes(0), `nodes with ${nodes} entries`)
    await turn(0, names)
    assert.deepEqual(await nodesOf(client, stream), [])
  })
})

describe('a long random life', () => {
  for (const { seed, backlog } of LIVES) {
    const from = backlog > 0 ? `, from a backlog of ${backlog}` : ''
    test(`loses no entry that is unread or pending and leaves no empty node (seed ${seed}${from})`, async () => {
      const one = life(seed, backlog)
      await one.begin()
      for (let step = 1; step <= STEPS; step++) await one.check(`step ${step}, ${await one.step()}`)
      await one.end()
      await one.check('at the end')
      assert.deepEqual(await one.remains(), { open: 0, nodes: [[], [], [], []], untidy: 0 })
    })
  }
})
