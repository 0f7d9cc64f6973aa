/**
 * The books of limits, kept right through random steps of callers, operators and workers that die: after each step every
 * slot, line and turn is where the records say, and when all has ended nothing is left. Longer, or once more:
 *
 *   BOOKS_RUNS=300 BOOKS_STEPS=80 npm test -- spec/limit-books.spec.ts
 *   BOOKS_SEED=… BOOKS_PATH=… npm test -- spec/limit-books.spec.ts      as the failure says
 */

import { test } from 'node:test'
import fc from 'fast-check'
import { callHead, encodeCall } from '../lib/envelope.ts'
import { LANES, type Lane } from '../lib/record.ts'
import { Admin } from '../lib/redis/admin.ts'
import { Connection } from '../lib/redis/connection.ts'
import { Examiner } from '../lib/redis/examiner.ts'
import { Keys } from '../lib/redis/keys.ts'
import { Store } from '../lib/redis/store.ts'
import type { Delivery, OutcomeState } from '../lib/redis/wire.ts'
import { startRedis } from './support/redis.ts'

const { BOOKS_RUNS = '30', BOOKS_STEPS = '40', BOOKS_SEED, BOOKS_PATH } = process.env
const HOUR = 3_600_000
const TTL = 24 * HOUR
const TURN = { maxCall: 1_000, maxFailed: 5, failedTtl: TTL }
const PACKED = encodeCall('work', [1], {}, 1_000)
const HEADS = { awaited: callHead('c1'), other: callHead(undefined) }
/** What each key allows: at once, and to begin within hours. */
const KEYS = [
  { key: 'one', slots: 1, max: 0 },
  { key: 'two', slots: 2, max: 0 },
  { key: 'fair', slots: 0, max: 0 },
  { key: 'rare', slots: 0, max: 3 },
  { key: 'both', slots: 2, max: 4 },
] as const

class Books {
  readonly keys = new Keys('books', 'q')
  readonly store: Store
  readonly #admin: Admin
  readonly #examiner: Examiner
  readonly #connection: Connection
  readonly said: string[] = []
  #calls = 0
  #workers = 0
  /** Alive, and what each of them was given. */
  readonly #held = new Map<string, Delivery[]>()

  constructor(connection: Connection) {
    this.#connection = connection
    this.store = new Store(connection, this.keys)
    this.#admin = new Admin(connection, this.keys)
    this.#examiner = new Examiner(connection, this.keys)
  }

  get client(): Connection['client'] {
    return this.#connection.client
  }

  key(name: string): string {
    return `${this.keys.prefix}:${name}`
  }

  async open(): Promise<void> {
    await this.client.flushall()
    await this.store.ensureGroups()
    await this.store.register('reaper', TTL, {})
    await this.client.hset(this.key('worker:reaper'), 'since', '1')
    for (let i = 0; i < 2; i++) await this.hire()
  }

  async hire(): Promise<void> {
    this.#workers += 1
    const worker = `w${this.#workers}`
    await this.store.register(worker, TTL, { tasks: 'work' })
    this.#held.set(worker, [])
  }

  async call(n: number, lane: Lane, delay: number): Promise<void> {
    this.#calls += 1
    const limit = KEYS[n % (KEYS.length + 1)]
    const how = [
      ...(delay > 0 ? ['in', delay * HOUR] : []),
      ...(limit ? ['line', limit.key, ...(limit.slots ? ['slots', limit.slots] : [])] : []),
      ...(limit?.max ? ['max', limit.max, 'per', HOUR] : []),
    ]
    const call = { id: `t${this.#calls}`, lane, how: how.length > 0 ? how : undefined, packed: PACKED }
    for (const isResent of [false, true])
      await this.store.enqueue([{ ...call, isAwaited: false }], HEADS, isResent)
  }

  #worker(n: number): string {
    const alive = [...this.#held.keys()]
    return alive[n % alive.length]!
  }

  async take(n: number, want: number): Promise<number> {
    const worker = this.#worker(n)
    const { taken } = await this.store.turn(worker, want, [], TURN)
    if (typeof taken === 'string') throw new Error(`${worker} is ${taken}`)
    this.#held.get(worker)!.push(...taken)
    return taken.length
  }

  /** Brings an outcome, twice, and takes `want`. */
  async finish(n: number, state: OutcomeState, delay: number, want: number): Promise<void> {
    const worker = this.#worker(n)
    const held = this.#held.get(worker)!
    const [delivery] = held.splice(n % Math.max(held.length, 1), 1)
    if (!delivery) return
    const { id, lane, entry, begunBefore } = delivery
    const outcome = {
      ...{ id, lane, entry, state, value: Buffer.from(state === 'parked' ? 'work' : 'v') },
      ...{
        ttl: state === 'retry' ? delay * HOUR : TTL,
        attempt: begunBefore + 1,
        ran: 1,
        kept: undefined,
        client: '',
      },
    }
    const { taken } = await this.store.turn(worker, want, [outcome], TURN)
    if (typeof taken !== 'string') held.push(...taken)
    await this.store.turn(worker, 0, [outcome], TURN)
  }

  async release(n: number, begun: boolean, delay: number): Promise<void> {
    const worker = this.#worker(n)
    const [delivery] = this.#held.get(worker)!.splice(0, 1)
    if (!delivery) return
    const { lane, entry } = delivery
    const given = [{ lane, entry, begun, delay: delay > 0 ? delay * HOUR : undefined }]
    for (let i = 0; i < 2; i++) await this.store.release(worker, given, TTL)
  }

  /** It dies, is recovered, and another comes. */
  async crash(n: number, most: number): Promise<void> {
    const worker = this.#worker(n)
    this.#held.delete(worker)
    await this.client.zadd(this.key('workers'), 1, worker)
    await this.#recover(most)
    await this.hire()
  }

  async #recover(most: number): Promise<void> {
    const options = { lease: 1_000, most, maxCrashes: 3, failedTtl: TTL, maxFailed: 5 }
    await this.store.recover('reaper', options)
  }

  async operate(verb: 'cancel' | 'move' | 'redrive' | 'remove', n: number, lane: Lane): Promise<void> {
    if (this.#calls === 0) return
    const id = `t${1 + (n % this.#calls)}`
    for (let i = 0; i < 2; i++) {
      if (verb === 'cancel') await this.#admin.cancel(id, 'enough', TTL)
      else if (verb === 'move') await this.#admin.move(id, lane)
      else if (verb === 'redrive') await this.#admin.redrive([id])
      else await this.#admin.remove([id], 'enough', TTL)
    }
  }

  async unpark(n: number): Promise<void> {
    const worker = this.#worker(n)
    await this.store.unpark(worker, 10, ['work'])
    const pending = await this.store.pending(worker, 100)
    if (pending === 'dead') return
    const held = this.#held.get(worker)!
    const known = held.map(({ lane, entry }) => `${lane}/${entry}`)
    const strays = pending.places.filter(({ lane, entry }) => !known.includes(`${lane}/${entry}`))
    if (strays.length > 0) held.push(...(await this.store.reread(worker, strays, TURN)))
  }

  /** An hour passes: what waits for a time is due, and rates allow more. */
  async pass(): Promise<void> {
    const { client } = this
    const rates = await client.keys(this.key('rate:*'))
    if (rates.length > 0) await client.del(...rates)
    for (const set of ['scheduled', 'resting']) {
      for (const member of await client.zrange(this.key(set), '0', '-1'))
        await client.zadd(this.key(set), 1, member)
    }
    await this.store.promote(100, TTL, 5)
  }

  /** All that runs ends, and what waits begins, until nothing is left. */
  async drain(): Promise<void> {
    for (let rounds = 0; ; rounds++) {
      if (rounds > 200) throw new Error('it never ends')
      await this.#recover(100)
      await this.pass()
      await this.unpark(0)
      for (const [n, worker] of [...this.#held.keys()].entries()) {
        await this.take(n, 8)
        while (this.#held.get(worker)!.length > 0) await this.finish(n, 'succeeded', 0, 0)
      }
      const { queued, running, scheduled, parked } = await this.#admin.counts()
      if (queued + running + scheduled + parked === 0) return
    }
  }

  /** What is wrong with the books, by the records. */
  async faults(): Promise<string[]> {
    const { client } = this
    const faults: string[] = []
    const same = (what: string, is: readonly string[], should: readonly string[]): void => {
      const [one, other] = [[...is].sort().join(), [...should].sort().join()]
      if (one !== other) faults.push(`${what}: ${one || 'none'}, and not ${other || 'none'}`)
    }
    const names = (await client.keys('*')).map((name) => name.slice(this.keys.prefix.length + 1))
    const ids = names.filter((name) => name.startsWith('task:')).map((name) => name.slice('task:'.length))
    const records = await Promise.all(
      ids.map(async (id) => ({
        id,
        ...((await client.hgetall(this.key(`task:${id}`))) as Record<string, string>),
      })),
    )
    const open = (records as Record<string, string>[]).filter((record) => record.end === undefined)
    const of = (key: string) => open.filter(({ limit }) => limit?.startsWith(`${key} `))
    const waits = ({ entry = '' }: Record<string, string>): boolean => entry.startsWith('line/')
    const hasEntry = ({ entry = '' }: Record<string, string>): boolean => /^(\w+\/)?\d+-\d+$/.test(entry)
    for (const lane of LANES) {
      const should = open
        .filter(({ entry }) => entry === `line/${lane}`)
        .map(({ id, limit, line }) => `${limit!.split(' ')[0]} ${line} ${id}`)
      same(`line ${lane}`, await client.zrange(this.key(`line:${lane}`), '0', '-1'), should)
    }
    const ring = await client.zrange(this.key('ring'), '0', '-1')
    const resting = await client.zrange(this.key('resting'), '0', '-1')
    for (const { key, slots } of KEYS) {
      const busy = await client.smembers(this.key(`busy:${key}`))
      const waiting = of(key).filter(waits)
      same(
        `slots of ${key}`,
        busy,
        slots > 0
          ? of(key)
              .filter(hasEntry)
              .map(({ id }) => id!)
          : [],
      )
      if (slots > 0 && busy.length > slots) faults.push(`${busy.length} slots of ${key} are taken`)
      if (ring.includes(key) && waiting.length === 0) faults.push(`${key} has a turn, and nobody waits`)
      const isFull = slots > 0 && busy.length >= slots
      if (waiting.length > 0 && !ring.includes(key) && !isFull && !resting.includes(key))
        faults.push(`nobody looks at ${key} again`)
      if (names.includes(`limit:${key}`) !== waiting.length + busy.length > 0)
        faults.push(`the numbers of ${key}`)
    }
    const isTold = (await client.hexists(this.key('settings'), 'lines')) === 1
    if (isTold !== ring.length > 0) faults.push(`the ring has ${ring.length}, and turns are told ${isTold}`)
    const inLine = open.filter(waits).map(({ id }) => `task:${id}`)
    if (inLine.length > 0) {
      const words = (await this.#examiner.examine(inLine)).map(({ word }) => word)
      same('by the doctor', [...new Set(words)], ['fine'])
    }
    for (const record of open) {
      if ((record.call === undefined) !== hasEntry(record)) faults.push(`the call of ${record.id}`)
    }
    return faults
  }

  async check(): Promise<void> {
    const faults = await this.faults()
    if (faults.length > 0)
      throw new Error(`after ${this.said.at(-1)}: ${faults.join('; ')}\n${this.said.join('\n')}`)
  }
}

const number = fc.nat({ max: 1_000 })
const lane = fc.constantFrom<Lane>('normal', 'normal', 'normal', ...LANES)
const delay = fc.constantFrom(0, 0, 0, 2)
const want = fc.integer({ min: 1, max: 5 })

const STEPS = fc.oneof(
  { weight: 10, arbitrary: fc.tuple(fc.constant('call' as const), number, lane, delay) },
  { weight: 6, arbitrary: fc.tuple(fc.constant('take' as const), number, want) },
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constant('finish' as const),
      number,
      fc.constantFrom<OutcomeState>('succeeded', 'succeeded', 'failed', 'retry', 'parked', 'cancelled'),
      delay,
      fc.nat({ max: 4 }),
    ),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant('release' as const), number, fc.boolean(), delay) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('crash' as const), number, fc.constantFrom(1, 100)) },
  {
    weight: 5,
    arbitrary: fc.tuple(
      fc.constant('operate' as const),
      fc.constantFrom('cancel' as const, 'move' as const, 'redrive' as const, 'remove' as const),
      number,
      lane,
    ),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant('unpark' as const), number) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('pass' as const)) },
)

test('the books of limits are right after every step, and empty at the end', async (t) => {
  await using redis = await startRedis()
  const connection = new Connection(redis.url, { role: 'books' })
  await connection.ready(20_000)
  let count = 0
  const property = fc.asyncProperty(
    fc.array(STEPS, { minLength: 15, maxLength: Number(BOOKS_STEPS), size: 'max' }),
    async (steps) => {
      const books = new Books(connection)
      await books.open()
      for (const [verb, ...args] of steps) {
        books.said.push(`${verb} ${args.join(' ')}`)
        count += 1
        await (books[verb] as (...given: unknown[]) => Promise<unknown>)(...args)
        await books.check()
      }
      await books.drain()
      books.said.push('drain')
      await books.check()
      const left = (await books.client.keys(books.key('*'))).map((name) =>
        name.slice(books.keys.prefix.length + 1),
      )
      const some = left.filter((name) => /^(line|ring|resting|limit|busy)\b/.test(name))
      if (some.length > 0) throw new Error(`left: ${some.join()}\n${books.said.join('\n')}`)
    },
  )
  const seed = Number(BOOKS_SEED ?? Math.floor(Math.random() * 2 ** 31))
  const options = {
    numRuns: Number(BOOKS_RUNS),
    seed,
    includeErrorInReport: true,
    interruptAfterTimeLimit: 60_000,
  }
  const details = await fc.check(property, {
    ...options,
    ...(BOOKS_PATH !== undefined && { path: BOOKS_PATH }),
  })
  connection.close()
  t.diagnostic(`${details.numRuns} runs, ${count} steps`)
  if (details.failed) throw new Error(await fc.asyncDefaultReportMessage(details))
})
