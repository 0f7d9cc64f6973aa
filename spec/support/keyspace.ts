/**
 * The whole keyspace of a test Redis as a plain object. What the server makes is shown in a stable form: entries as
 * e1, e2… of their lane, times as `<now>` or `<now+60s>`, expiries and leases in steps of 10 s.
 */

import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { callHead } from '../../lib/envelope.ts'
import { LANES, type Lane, STATE_OF } from '../../lib/record.ts'
import type { Reply } from '../../lib/redis/command.ts'
import { GROUP, Keys } from '../../lib/redis/keys.ts'
import { decodeError } from '../../lib/remote-error.ts'
import { type Unframed, unframe } from './unframe.ts'

/** The prefix of the queue that tables use. */
export const P = new Keys('spec', 'q').prefix

/** `lag` is there only where Redis is wrong about how many entries nobody has read. */
export type Value = (
  | { hash: Record<string, string> }
  | { zset: Record<string, string> }
  | { list: unknown[] }
  | { set: string[] }
  | { string: string }
  | { entries: string[][]; last?: string; consumers?: Record<string, string[]>; lag?: number }
) & { expires?: string }
/** Keys without P. */
export type Keyspace = Record<string, Value>
/** Keys as they are afterwards; null: gone. All others are as they were. */
export type Changes = Record<string, Value | null>

/** The packed call of a seeded task, as text; it holds no real msgpack, which no script reads. */
export const callOf = (id: string, client?: string): string =>
  `${callHead(client).toString('latin1')}call of ${id}`

/** As a record names the place of its entry: lua/shared/base.lua. */
export const placeOf = (ofLane: string, entry: string): string =>
  ofLane === 'normal' ? entry : `${ofLane}/${entry}`

/** Long values by their length and beginning. */
export const short = (value: string): string =>
  value.length > 300 ? `${value.slice(0, 4)}… (${value.length} bytes)` : value

/** One lane: `{ '1-0': 'a' }` is the entry of the seeded task a; a list gives other fields. */
export function lane(
  last: string,
  entries: Record<string, string | string[]> = {},
  consumers: Record<string, string[]> = {},
): Value {
  const listed = Object.entries(entries).map(([entry, fields]) =>
    typeof fields === 'string' ? [entry, fields, callOf(fields)] : [entry, ...fields.map(short)],
  )
  return { entries: listed, last, consumers }
}

export const hash = (fields: Record<string, string>, expires?: string): Value =>
  expires ? { hash: fields, expires } : { hash: fields }
export const zset = (members: Record<string, string>, expires?: string): Value =>
  expires ? { zset: members, expires } : { zset: members }

export const shown = (bytes: Buffer): string => {
  if (bytes.length > 20 && (bytes[0] === 0x83 || bytes[0] === 0x84)) {
    const error = decodeError(bytes)
    if (error instanceof Error && 'code' in error) {
      const because = error.cause instanceof Error ? `, because of ${error.cause.message}` : ''
      return `${error.name} ${error.code}: ${error.message}${because}`
    }
  }
  return short(bytes.toString('latin1'))
}
export const plain = (reply: Reply | Unframed): unknown =>
  Buffer.isBuffer(reply) ? shown(reply) : Array.isArray(reply) ? reply.map(plain) : reply

/** What the script published to each client, message by message; what it told all workers is that of `control`. */
export type Published = Record<string, unknown[]>

/** As on P:control. Times of 10 s and more in steps of 10 s: some ms pass between the seed and the script. */
export const toldWorkers = (word: string): string =>
  word.replace(
    /^(due|slot) (\d{5,})$/,
    (_, verb, ms) => `${verb} ${Math.round(Number(ms) / 10_000) * 10_000}`,
  )

/** Each task that has ended since counts in P:ended, by its state. */
export function countEnded(before: Keyspace, after: Keyspace): Keyspace {
  const ended = { ...fieldsOf(before.ended) }
  for (const [key, value] of Object.entries(after)) {
    const letter = key.startsWith('task:') && fieldsOf(value).end?.[0]
    if (!letter || fieldsOf(before[key]).end) continue
    const state = STATE_OF[letter]!
    ended[state] = String(Number(ended[state] ?? 0) + 1)
  }
  return Object.keys(ended).length > 0 ? { ...after, ended: hash(ended) } : after
}

const fieldsOf = (value: Value | undefined): Record<string, string> =>
  value && 'hash' in value ? value.hash : {}

/**
 * An entry that was unread in its lane while a live record named it as its place, and that lies there unread without
 * one, is in `void:<lane>`, until it is read or gone. What was noted before and did not lie there stays.
 */
export function noteVoid(before: Keyspace, after: Keyspace): Keyspace {
  const noted: Changes = {}
  for (const inLane of LANES) {
    const key = `void:${inLane}`
    const old = before[key]
    const were = old && 'set' in old ? old.set : []
    const [was, is] = [unreadOf(before, inLane), unreadOf(after, inLane)]
    const kept = were.filter((entry) => !was.includes(entry) || is.includes(entry))
    const added = is.filter(
      (entry) => was.includes(entry) && isPlace(before, inLane, entry) && !isPlace(after, inLane, entry),
    )
    const left = [...new Set([...kept, ...added])]
    noted[key] = left.length > 0 ? { set: left.sort() } : null
  }
  return changed(after, noted)
}

/**
 * P:settings tells turns where there are void entries (`void`) and whether other lanes than normal are used (`lanes`).
 * Said as soon as it is so; only `exact` also says when it is no more.
 */
export function noteMarks(before: Keyspace, after: Keyspace, exact: boolean): Keyspace {
  const was = fieldsOf(before.settings)
  const settings = { ...fieldsOf(after.settings) }
  if (exact && after.settings === before.settings) {
    delete settings.void
    delete settings.lanes
  }
  const there = (keyspace: Keyspace, key: string): string[] => {
    const value = keyspace[key]
    if (value === undefined) return []
    return 'entries' in value ? value.entries.map(([entry]) => entry!) : 'set' in value ? value.set : []
  }
  const isThere = (key: string): boolean => {
    const were = exact ? [] : there(before, key)
    return there(after, key).some((entry) => !were.includes(entry))
  }
  const hasVoid = LANES.some((inLane) => isThere(`void:${inLane}`))
  const hasLanes = LANES.some((inLane) => inLane !== 'normal' && isThere(`stream:${inLane}`))
  if (hasVoid || (was.void && !exact)) settings.void = '1'
  if (hasLanes || (was.lanes && !exact)) settings.lanes = '1'
  return changed(after, { settings: Object.keys(settings).length > 0 ? hash(settings) : null })
}

/** Those that wait for others are in P:waiting, and nothing else is: since when they were before, else since now. */
export function noteWaiting(before: Keyspace, after: Keyspace): Keyspace {
  const old = before.waiting && 'zset' in before.waiting ? before.waiting.zset : {}
  const waits = Object.entries(after).filter(([key, value]) => {
    const { entry, end } = fieldsOf(value)
    return key.startsWith('task:') && entry?.startsWith('waiting/') && !end
  })
  const ids = waits.map(([key]) => key.slice('task:'.length))
  const members = Object.fromEntries(ids.map((id) => [id, old[id] ?? '<now>']))
  return changed(after, { waiting: ids.length > 0 ? zset(members) : null })
}

/** Of a lane without its group: all. */
function unreadOf(keyspace: Keyspace, inLane: Lane): string[] {
  const stream = keyspace[`stream:${inLane}`]
  if (!stream || !('entries' in stream)) return []
  const entries = stream.entries.map(([entry]) => entry!)
  return entries.filter((entry) => orderOf(entry) > orderOf(stream.last ?? '0-0'))
}

/** Whether a task that has not ended has its place there. */
const isPlace = (keyspace: Keyspace, inLane: Lane, entry: string): boolean =>
  Object.entries(keyspace).some(
    ([key, value]) =>
      key.startsWith('task:') && fieldsOf(value).entry === placeOf(inLane, entry) && !fieldsOf(value).end,
  )

/** Seeded entries, `7-0`, come before those that the server made, `e7`. */
const orderOf = (entry: string): number =>
  entry.startsWith('e') ? 1e9 + Number(entry.slice(1)) : Number.parseInt(entry, 10)

/** The keyspace with these changes. */
export function changed(keyspace: Keyspace, changes: Changes): Keyspace {
  const result = { ...keyspace }
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete result[key]
    else result[key] = value
  }
  return result
}

const MADE_ID = /^\d{13}-\d+$/

/** Names of the entries that the server made, lane by lane in the order in which they were first seen. */
export class EntryNames {
  readonly #names = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  learn(inLane: string, entry: string): void {
    const key = `${inLane}/${entry}`
    if (!MADE_ID.test(entry) || this.#names.has(key)) return
    const count = (this.#counts.get(inLane) ?? 0) + 1
    this.#counts.set(inLane, count)
    this.#names.set(key, `e${count}`)
  }

  of(inLane: string, entry: string): string {
    return this.#names.get(`${inLane}/${entry}`) ?? entry
  }
}

export class KeyspaceReader {
  readonly #client: Redis
  readonly #names = new EntryNames()
  #now = 0

  constructor(client: Redis) {
    this.#client = client
  }

  /** Entries in an answer, after the lane that they are in, by the names that they have in the keyspace. */
  named(answer: unknown, inLane = 'normal'): unknown {
    let last = inLane
    const one = (item: unknown): unknown => {
      if (Array.isArray(item)) return this.named(item, last)
      if (LANES.includes(item as Lane)) last = item as Lane
      return typeof item === 'string' ? this.#names.of(last, item) : item
    }
    return Array.isArray(answer) ? answer.map(one) : answer
  }

  async read(): Promise<Keyspace> {
    this.#now = await timeOf(this.#client)
    const all = (await this.#client.keys('*')).sort()
    const streams = all.filter((key) => key.startsWith(`${P}:stream:`))
    const keyspace: Keyspace = {}
    // Streams first: the order of their entries gives these their names.
    for (const key of [...streams, ...all]) {
      const name = key.startsWith(`${P}:`) ? key.slice(P.length + 1) : key
      keyspace[name] ??= await this.#value(key)
    }
    return keyspace
  }

  async #value(key: string): Promise<Value> {
    const client = this.#client
    const ttl = await client.pttl(key)
    const expires = ttl >= 0 ? { expires: `${Math.ceil(ttl / 10_000) * 10} s` } : {}
    switch (await client.type(key)) {
      case 'hash': {
        const fields = Object.entries(await client.hgetallBuffer(key))
        return {
          hash: Object.fromEntries(
            fields.map(([name, value]) => [
              name,
              name === 'errors' ? this.#errors(value) : this.#text(value),
            ]),
          ),
          ...expires,
        }
      }
      case 'zset': {
        const flat = await client.zrange(key, '0', '-1', 'WITHSCORES')
        const members: Record<string, string> = {}
        for (let i = 0; i < flat.length; i += 2) members[flat[i]!] = this.#time(flat[i + 1]!)
        return { zset: members, ...expires }
      }
      case 'set': {
        const inLane = key.slice(key.lastIndexOf(':') + 1)
        const members = await client.smembers(key)
        return { set: members.map((entry) => this.#names.of(inLane, entry)).sort(), ...expires }
      }
      case 'list': {
        const items = await client.lrangeBuffer(key, 0, -1)
        const isPacked = key === `${P}:quarantine`
        return { list: items.map((item) => this.#items(isPacked ? unframe(item) : item)), ...expires }
      }
      case 'stream':
        return { ...(await this.#stream(key)), ...expires }
      default:
        return { string: (await client.get(key)) ?? '', ...expires }
    }
  }

  async #stream(key: string): Promise<Value> {
    const client = this.#client
    const inLane = key.slice(`${P}:stream:`.length)
    const raw = (await client.xrangeBuffer(key, '-', '+')) as [Buffer, Buffer[]][]
    for (const [entry] of raw) this.#names.learn(inLane, entry.toString())
    const entries = raw.map(([entry, fields]) => [
      this.#names.of(inLane, entry.toString()),
      ...fields.map((field) => this.#time(shown(field))),
    ])
    const groups = ((await client.xinfo('GROUPS', key)) as unknown[][]).map(pairs)
    if (groups.length === 0) return { entries }
    assert.deepEqual(
      groups.map((group) => group.get('name')),
      [GROUP],
    )
    const last = String(groups[0]!.get('last-delivered-id'))
    const consumers: Record<string, string[]> = {}
    for (const consumer of (await client.xinfo('CONSUMERS', key, GROUP)) as unknown[][]) {
      const name = String(pairs(consumer).get('name'))
      const pending = (await client.xpending(key, GROUP, '-', '+', 10_000, name)) as [string][]
      consumers[name] = pending.map(([entry]) => this.#names.of(inLane, entry))
    }
    const unread = (await client.xrange(key, `(${last}`, '+')).length
    const lag = groups[0]!.get('lag') as number | null
    const known = { entries, last: this.#names.of(inLane, last), consumers }
    // Null: Redis does not know, after an entry came and went.
    return lag === null || lag === unread ? known : { ...known, lag }
  }

  #items(item: Unframed): unknown {
    return Buffer.isBuffer(item)
      ? this.#text(item)
      : Array.isArray(item)
        ? item.map((one) => this.#items(one))
        : item
  }

  /** `<attempt> <when> <error>`, one after the other. */
  #errors(bytes: Buffer): string {
    const items = unframe(bytes) as readonly Buffer[]
    const texts = items.map((item) => this.#text(item))
    return texts.map((text, i) => `${i === 0 ? '' : i % 3 === 0 ? ' | ' : ' '}${text}`).join('')
  }

  #text(bytes: Buffer): string {
    const head = bytes.subarray(0, 128).toString('latin1')
    const place = /^(?:(\w+)\/)?(\d+-\d+)$/.exec(head)
    if (place) {
      const [, inLane, entry] = place as unknown as [string, string | undefined, string]
      return `${inLane ? `${inLane}/` : ''}${this.#names.of(inLane ?? 'normal', entry)}`
    }
    const reader = /^(\S+\.\d+) (\d{13})$/.exec(head)
    if (reader) return `${reader[1]} ${this.#time(reader[2]!)}`
    const end = /^([sfce] \d+ \d+) (\d+) (\S*)$/.exec(head)
    if (end) return `${end[1]} ${this.#time(end[2]!)} ${end[3]}`
    const told = /^([sfcel]) (\d{13})$/.exec(head)
    return told ? `${told[1]} ${this.#time(told[2]!)}` : this.#time(shown(bytes))
  }

  /** Epoch ms that are not seeded ones, relative to the server's clock. */
  #time(value: string): string {
    if (!/^\d{13}$/.test(value)) return value
    // Less 1 ms, as if some time had passed in any case: half a step is always on the same side.
    const off = Math.round((Number(value) - this.#now - 1) / 10_000) * 10
    return off === 0 ? '<now>' : `<now${off > 0 ? '+' : ''}${off}s>`
  }
}

export const pairs = (flat: unknown[]): Map<unknown, unknown> =>
  new Map(flat.flatMap((item, i) => (i % 2 === 0 ? [[item, flat[i + 1]] as const] : [])))

export async function timeOf(client: Redis): Promise<number> {
  const [seconds, micros] = (await client.time()) as unknown as [string, string]
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
}
