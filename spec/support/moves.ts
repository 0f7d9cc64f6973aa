/**
 * A queue of its own for each cell of spec/moves.spec.ts: one task is brought into a state by the real scripts, and
 * looked at from outside. Beside it run `holder`, which holds the key k, and `other`, which has nothing to do with it.
 */

import assert from 'node:assert/strict'
import { callHead, encodeCall } from '../../lib/envelope.ts'
import { LANES, OPEN_STATES, type OpenState, type TaskInfo, type TaskState } from '../../lib/record.ts'
import { Admin } from '../../lib/redis/admin.ts'
import type { Connection } from '../../lib/redis/connection.ts'
import { type FrameItem, frame } from '../../lib/redis/frame.ts'
import { inspectTask } from '../../lib/redis/inspect.ts'
import { GROUP, Keys } from '../../lib/redis/keys.ts'
import type { ScriptName } from '../../lib/redis/scripts.ts'
import { Store } from '../../lib/redis/store.ts'
import { type How, type OutcomeState, type Place, placeKey } from '../../lib/redis/wire.ts'
import { runScript } from './ask.ts'

export const SECOND = 1_000
export const HOUR = 3_600_000
/** Until a delayed task or another attempt is due. */
export const DELAY = 2 * HOUR
/** How long a task may be parked. */
export const PATIENCE = 3 * HOUR
const LEASE = 60_000
export const TTL = 60_000
export const MAX_FAILED = 100
export const LIMITS = { maxCall: 1_000, maxFailed: MAX_FAILED, failedTtl: TTL }

export const ID = 'task'
/** Of the task, by which workers know it. */
export const NAME = 'work'
const HEADS = { awaited: callHead('c1'), other: callHead(undefined) }
const PACKED = encodeCall(NAME, [1], {}, 1_000)
/** A token that no worker ever had. */
const NOBODYS: Place = { lane: 'normal', entry: '1-1' }

/** 'none': there is no such task. */
export type Seen = TaskState | 'none'

let made = 0

export class World {
  readonly store: Store
  readonly admin: Admin
  readonly #connection: Connection
  readonly #keys: Keys
  /** What the call says besides. */
  readonly #how: How
  #call: { how: How | undefined } | undefined
  /** Under which the task was given to workers, from the first on. */
  readonly #tokens: Place[] = []
  /** The attempt that began last. */
  #attempt = 1
  /** What `holder` and `other` run under. */
  readonly held: Place[] = []

  private constructor(connection: Connection, how: How) {
    made += 1
    this.#connection = connection
    this.#keys = new Keys('moves', `q${made}`)
    this.#how = how
    this.store = new Store(connection, this.#keys)
    this.admin = new Admin(connection, this.#keys)
  }

  static async open(connection: Connection, how: How): Promise<World> {
    const world = new World(connection, how)
    const { store, client } = world
    await store.ensureGroups()
    await Promise.all(['w0', 'w1', 'w2', 'w4', 'reaper'].map((worker) => store.register(worker, LEASE, {})))
    // Its beats have come in time for long enough.
    await client.hset(world.key('worker:reaper'), 'since', '1')
    await world.#send('holder', ['key', 'k'])
    await world.#send('other', undefined)
    for (const worker of ['w0', 'w2']) {
      const { taken } = await store.turn(worker, 1, [], LIMITS)
      assert.ok(typeof taken === 'object' && taken.length === 1)
      world.held.push(taken[0]!)
    }
    return world
  }

  get client(): Connection['client'] {
    return this.#connection.client
  }

  key(name: string): string {
    return `${this.#keys.prefix}:${name}`
  }

  run(script: ScriptName, ...args: FrameItem[]): Promise<unknown> {
    return runScript(this.client, script, this.#keys.prefix, frame(args))
  }

  async #send(id: string, how: How | undefined, resent = false): Promise<string> {
    const call = { lane: 'normal' as const, how, id, packed: PACKED, isAwaited: false }
    const exceptions = await this.store.enqueue([call], HEADS, resent)
    return exceptions.length === 0 ? 'accepted' : JSON.stringify(exceptions)
  }

  /** The call of the task, with what this world's calls say besides. */
  async enqueue(...more: How): Promise<void> {
    const said = [...this.#how, ...more]
    this.#call = { how: said.length > 0 ? said : undefined }
    assert.equal(await this.#send(ID, this.#call.how), 'accepted')
  }

  replay(resent: boolean): Promise<string> {
    return this.#send(ID, this.#call!.how, resent)
  }

  /** Another call, that runs once more after the one that holds the key k. */
  follow(id: string): Promise<string> {
    return this.#send(id, ['key', 'k', 'again', '1'])
  }

  /** The task begins at that worker. */
  async begin(worker = 'w1'): Promise<void> {
    assert.equal(await this.take(worker), 'taken')
  }

  /** Takes all that there is. */
  async take(worker: string, maxCall = LIMITS.maxCall): Promise<string> {
    const { taken } = await this.store.turn(worker, 100, [], { ...LIMITS, maxCall })
    if (typeof taken === 'string') return taken
    const found = taken.filter(({ id }) => id === ID)
    this.#tokens.push(...found)
    this.#attempt = (found[0]?.begunBefore ?? this.#attempt - 1) + 1
    return found.length === 0 ? 'nothing' : found.length === 1 ? 'taken' : 'taken twice'
  }

  /** What its place says, or the newest token that it was given under; and the one before. */
  async tokens(): Promise<{ newest: Place; stale: Place }> {
    const place = parse(await this.client.hget(this.key(`task:${ID}`), 'entry'))
    const known = this.#tokens.filter((token) => !place || placeKey(token) !== placeKey(place))
    if (place) known.push(place)
    return { newest: known.at(-1) ?? NOBODYS, stale: known.at(-2) ?? NOBODYS }
  }

  /** ttl: of the record, until the next attempt, or the patience, ms. */
  async finish(state: OutcomeState, ttl: number, token?: Place, worker = 'w1', id = ID): Promise<string> {
    const { lane, entry } = token ?? (await this.tokens()).newest
    const value = Buffer.from(state === 'parked' ? NAME : '')
    const outcome = { lane, entry, id, state, value, ttl, attempt: this.#attempt, ran: 1 }
    return (await this.store.turn(worker, 0, [{ ...outcome, kept: undefined, client: '' }], LIMITS))
      .verdicts[0]!
  }

  /** how: 1 = begun, 0 = not begun, else ms until it is in line again. */
  async release(worker: string, token: Place, how: number): Promise<string> {
    const reply = await this.run('release', worker, TTL, token.lane, token.entry, how)
    return String(reply) === 'd' ? 'given back' : 'not held'
  }

  /** Reads an entry of its pending list once more. */
  async reread(worker: string, token: Place, maxCall = LIMITS.maxCall): Promise<string> {
    const taken = await this.store.reread(worker, [token], { ...LIMITS, maxCall })
    return taken.length === 0 ? 'nothing' : 'taken'
  }

  async progress(token: Place): Promise<string> {
    const { lane, entry } = token
    const report = { id: ID, lane, entry, value: Buffer.from([1]), version: 1, hears: false }
    return (await this.store.progress([report]))[0] === 'done' ? 'kept' : 'fenced'
  }

  /** How it stands, for a caller that asks. */
  async attach(): Promise<string> {
    const limits = { failedTtl: TTL, maxFailed: MAX_FAILED }
    return (await this.store.attach('c1', false, [ID], limits))[0]!.state
  }

  async kill(worker: string): Promise<void> {
    await this.client.zadd(this.key('workers'), 1, worker)
  }

  async recover(maxCrashes: number): Promise<string> {
    const options = { lease: LEASE, most: 100, maxCrashes, failedTtl: TTL, maxFailed: MAX_FAILED }
    const { recovered, poisoned } = await this.store.recover('reaper', options)
    return said({ recovered, poisoned })
  }

  async promote(): Promise<string> {
    const { linedUp, ended } = await this.store.promote(100, TTL, MAX_FAILED)
    return said({ 'lined up': linedUp, ended })
  }

  /** Time passes: all that is planned comes nearer. */
  async forward(ms: number): Promise<void> {
    const { client } = this
    const record = this.key(`task:${ID}`)
    for (const set of [this.key('scheduled'), this.key('expiring')]) {
      for (const member of await client.zrange(set, '0', '-1')) await client.zincrby(set, -ms, member)
    }
    for (const field of ['expires', 'deadline']) {
      if (await client.hexists(record, field)) await client.hincrby(record, field, -ms)
    }
  }

  /** Whether the time in which it was to begin is over, by the server's clock. */
  async isOver(): Promise<boolean> {
    const [expires, time] = await Promise.all([
      this.client.hget(this.key(`task:${ID}`), 'expires'),
      this.client.time(),
    ])
    return Number(time[0]) * SECOND + Number(time[1]) / SECOND > Number(expires) + 1
  }

  /** By hand: what was delivered is unread again. */
  async remakeGroup(): Promise<void> {
    await this.client.xgroup('DESTROY', this.#keys.stream('normal'), GROUP)
    await this.store.ensureGroups()
  }

  inspect(id = ID): Promise<TaskInfo | null> {
    return inspectTask(this.store, 'moves', id)
  }

  async state(id = ID): Promise<Seen> {
    return (await this.inspect(id))?.state ?? 'none'
  }

  /** All of its record, as text. */
  async record(): Promise<string> {
    const fields = await this.client.hgetallBuffer(this.key(`task:${ID}`))
    return Object.entries(fields)
      .map(([name, value]) => `${name}=${value.toString('latin1')}`)
      .sort()
      .join('\n')
  }

  /** What does not fit to that state, by the keys themselves. */
  async misfits(state: Seen): Promise<string[]> {
    const { client } = this
    const record = this.key(`task:${ID}`)
    const [entry, end, call] = await client.hmget(record, 'entry', 'end', 'call')
    const [ttl, front, scheduled, parked, failed, [next, holderEnd], holder, isLed, listed] =
      await Promise.all([
        client.pttl(record),
        client.lrange(this.key('front'), 0, -1),
        client.zscore(this.key('scheduled'), ID),
        client.zrange(this.key('parked'), '0', '-1'),
        client.zscore(this.key('failed'), ID),
        client.hmget(this.key('task:holder'), 'next', 'end'),
        client.get(this.key('key:k')),
        client.hexists(this.key('deps:other'), ID),
        client.zscore(this.key('waiting'), ID),
      ])
    const misfits: string[] = []
    const places: string[] = []
    for (const { place, status } of await this.#entries()) {
      if (place === entry && !end) places.push(status)
      else if (status === 'pending') misfits.push(`its old entry ${place} is pending`)
    }
    // Who left it by another way stays in the list, and is passed over.
    if (front.includes(ID) && entry === 'front/first' && !end) places.push('front')
    if (scheduled !== null) places.push('scheduled')
    if (parked.length > 0) places.push('parked')
    const waits = !end && entry?.startsWith('waiting/')
    if (waits && ((next === ID && !holderEnd) || isLed === 1)) places.push('waiting')

    const isLive = isOpen(state)
    const expected = !isLive ? 'none' : entry === 'front/first' ? 'front' : PLACES[state]
    const found = places.join(' and ') || 'none'
    const isRight: Record<string, boolean> = {
      [`its places are: ${found}`]: found === expected,
      [`its record goes in ${ttl} ms`]: isLive ? ttl === -1 : state === 'none' || ttl > 0,
      [`the call in its record: ${call}`]:
        state === 'none' || (call !== null) === (parse(entry) === undefined || !isLive),
      [`dead letter since: ${failed}`]: (failed !== null) === (state === 'failed'),
      [`listed as waiting since: ${listed}`]: (listed !== null) === (state === 'waiting'),
      [`${holder} holds the key for ever`]: !holder || !(await this.#keepsKey(holder)),
    }
    return [
      ...misfits,
      ...Object.keys(isRight)
        .filter((what) => !isRight[what])
        .map((what) => `${state}, and ${what}`),
    ]
  }

  async #keepsKey(holder: string): Promise<boolean> {
    const [end, ttl] = await Promise.all([
      this.client.hget(this.key(`task:${holder}`), 'end'),
      this.client.pttl(this.key('key:k')),
    ])
    return end !== null && ttl < 0
  }

  /** All entries of the task, whatever they are worth. */
  async #entries(): Promise<{ place: string; status: string }[]> {
    const { client } = this
    const lanes = LANES.map(async (lane) => {
      const stream = this.#keys.stream(lane)
      const [entries, pending, groups] = await Promise.all([
        client.xrange(stream, '-', '+'),
        client.xpending(stream, GROUP, '-', '+', 100) as Promise<[string][]>,
        client.xinfo('GROUPS', stream) as Promise<unknown[][]>,
      ])
      const last = String(groups[0]![groups[0]!.indexOf('last-delivered-id') + 1])
      const held = pending.map(([entry]) => entry)
      return entries
        .filter(([, fields]) => fields[0] === ID)
        .map(([entry]) => ({
          place: placeKey({ lane, entry }),
          status: held.includes(entry) ? 'pending' : isAfter(entry, last) ? 'unread' : 'done',
        }))
    })
    return (await Promise.all(lanes)).flat()
  }
}

/** Where a live task is, and nowhere else; but for those ahead of all, which are `front`. */
const PLACES: Record<OpenState, string> = {
  ...{ waiting: 'waiting', scheduled: 'scheduled', queued: 'unread', running: 'pending', parked: 'parked' },
}
const isOpen = (state: Seen): state is OpenState => OPEN_STATES.includes(state as OpenState)

function parse(field: string | null | undefined): Place | undefined {
  const [lane, entry] = field?.includes('/') ? field.split('/') : ['normal', field]
  return entry && /^\d+-\d+$/.test(entry) ? { lane: lane as Place['lane'], entry } : undefined
}

function isAfter(entry: string, last: string): boolean {
  const [ms, n, lastMs, lastN] = `${entry}-${last}`.split('-').map(Number) as [number, number, number, number]
  return ms > lastMs || (ms === lastMs && n > lastN)
}

/** `{ recovered: 1, poisoned: 0 }` is 'recovered'. */
const said = (counts: Record<string, number>): string =>
  Object.keys(counts)
    .filter((word) => counts[word]! > 0)
    .join(' and ') || 'nothing'
