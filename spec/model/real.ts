/** The queue in Redis that the model is compared with: the scripts as callers and workers run them. */

import { callHead, encodeCall } from '../../lib/envelope.ts'
import { Admin } from '../../lib/redis/admin.ts'
import type { Connection } from '../../lib/redis/connection.ts'
import { Keys } from '../../lib/redis/keys.ts'
import { Store } from '../../lib/redis/store.ts'
import { type Delivery, type Place, placeKey } from '../../lib/redis/wire.ts'
import { MAX_CRASHES, type Outcome } from './model.ts'
import { MAX_FAILED } from './state.ts'
import type { Call, Entry } from './task.ts'

export const HOUR = 3_600_000
/** No lease ends, but by a step that says so. */
const LEASE = 10 * HOUR
const TTL = 24 * HOUR
const LIMITS = { maxCall: 1_000, maxFailed: MAX_FAILED, failedTtl: TTL }
const HEADS = { awaited: callHead('c1'), other: callHead(undefined) }
const PACKED = encodeCall('work', [1], {}, 1_000)
export const REAPER = 'reaper'

export class Real {
  readonly keys = new Keys('model', 'q')
  readonly store: Store
  readonly admin: Admin
  readonly #connection: Connection
  /** Hours that have passed. */
  hour = 0
  /** As the model's `taken`. */
  readonly taken: Place[] = []
  /** The model's entries by where they are in its `taken`. */
  readonly #numberOf: (entry: Entry) => number

  private constructor(connection: Connection, numberOf: (entry: Entry) => number) {
    this.#connection = connection
    this.#numberOf = numberOf
    this.store = new Store(connection, this.keys)
    this.admin = new Admin(connection, this.keys)
  }

  /** Empties the server. */
  static async open(connection: Connection, numberOf: (entry: Entry) => number): Promise<Real> {
    const real = new Real(connection, numberOf)
    await real.client.flushall()
    await real.store.ensureGroups()
    await real.start(REAPER)
    // Its beats have come in time for long enough.
    await real.client.hset(real.key(`worker:${REAPER}`), 'since', '1')
    return real
  }

  get client(): Connection['client'] {
    return this.#connection.client
  }

  key(name: string): string {
    return `${this.keys.prefix}:${name}`
  }

  async enqueue(call: Call): Promise<string> {
    const { id, lane, delay, ttl, deadline, key, isAgain } = call
    const how = [
      ...(delay ? ['in', delay * HOUR] : []),
      ...(ttl === undefined ? [] : ['ttl', ttl * HOUR || 1]),
      ...(deadline === undefined ? [] : ['deadline', deadline * HOUR]),
      ...(key === undefined ? [] : ['key', key]),
      ...(isAgain ? ['again', '1'] : []),
    ]
    const packed = { id, lane, how: how.length > 0 ? how : undefined, packed: PACKED, isAwaited: false }
    const [exception] = await this.store.enqueue([packed], HEADS, false)
    if (!exception) return ''
    if ('orphan' in exception) return 'orphan'
    if ('crowded' in exception) return 'crowded'
    return 'full' in exception ? 'full' : `${exception.joined ?? '-'} ${exception.state}`
  }

  start(worker: string): Promise<boolean> {
    return this.store.register(worker, LEASE, {})
  }

  beat(worker: string): Promise<boolean> {
    return this.store.beat(worker, LEASE)
  }

  async turn(worker: string, want: number, outcomes: readonly Outcome[]) {
    const { verdicts, taken } = await this.store.turn(
      worker,
      want,
      outcomes.map(({ held, state, delay }) => ({
        ...{ ...this.#place(held), id: held.task.id, state, value: Buffer.from('v') },
        ...{ ttl: state === 'retry' ? delay * HOUR : TTL, attempt: held.begunBefore + 1 },
        ...{ ran: 1, kept: undefined, client: '' },
      })),
      LIMITS,
    )
    if (typeof taken === 'string') return { verdicts, taken }
    this.taken.push(...taken)
    return { verdicts, taken: taken.map(given) }
  }

  async progress(held: Entry, version: number): Promise<boolean> {
    const place = this.#place(held)
    const report = { id: held.task.id, ...place, value: Buffer.from('v'), version, hears: false }
    return (await this.store.progress([report]))[0] === 'done'
  }

  release(worker: string, held: Entry, begun: boolean, delay: number): Promise<void> {
    const place = this.#place(held)
    return this.store.release(
      worker,
      [{ ...place, begun, delay: delay === 0 ? undefined : delay * HOUR }],
      TTL,
    )
  }

  /** Its lease has ended. */
  async crash(worker: string): Promise<void> {
    await this.client.zadd(this.key('workers'), 1, worker)
  }

  async recover(most: number) {
    const limits = { maxCrashes: MAX_CRASHES, failedTtl: TTL, maxFailed: MAX_FAILED }
    const { recovered, poisoned, dead } = await this.store.recover(REAPER, { lease: LEASE, most, ...limits })
    return { recovered, poisoned, dead }
  }

  async promote() {
    const { linedUp, ended } = await this.store.promote(100, TTL, MAX_FAILED)
    return { linedUp, ended }
  }

  cancel(id: string) {
    return this.admin.cancel(id, 'enough', TTL)
  }

  async redrive(id: string) {
    return (await this.admin.redrive([id]))[0]!
  }

  async pause(isPaused: boolean): Promise<boolean> {
    return (await this.admin.settings('', { paused: isPaused ? '1' : '' }))!.isPaused
  }

  /** Time passes: all that is planned comes nearer. */
  async pass(hours: number, ids: Iterable<string>): Promise<void> {
    this.hour += hours
    const { client } = this
    for (const set of [this.key('scheduled'), this.key('expiring')]) {
      for (const member of await client.zrange(set, '0', '-1'))
        await client.zincrby(set, -hours * HOUR, member)
    }
    for (const id of ids) {
      const record = this.keys.task(id)
      const fields = ['begin', 'expires', 'deadline'] as const
      const times = await client.hmget(record, ...fields)
      for (const [n, time] of times.entries()) {
        if (time) await client.hset(record, fields[n]!, String(Number(time) - hours * HOUR))
      }
    }
  }

  /** Places of running tasks that shall be aborted, as numbers of deliveries. */
  async cancelling(): Promise<number[]> {
    const pending = await this.store.pending(REAPER, 1)
    const places = this.taken.map(placeKey)
    if (pending === 'dead') throw new Error('the reaper is dead')
    return pending.cancelled.map((place) => places.indexOf(place)).sort((a, b) => a - b)
  }

  #place(held: Entry): Place {
    const { lane, entry } = this.taken[this.#numberOf(held)]!
    return { lane, entry }
  }
}

const given = ({ id, begunBefore, failures, crashes }: Delivery) => ({ id, begunBefore, failures, crashes })
