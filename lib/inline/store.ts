/** The verbs of the callers' side, done in this process: accepting calls, and telling how tasks stand. */

import { callHead } from '../envelope.ts'
import { isEndState, type TaskState } from '../record.ts'
import type { Backend } from '../redis/backend.ts'
import type { ChunkStore } from '../redis/chunks.ts'
import type { Exception, Standing } from '../redis/store.ts'
import type { CallHeads, How, NewCall } from '../redis/wire.ts'
import type { Ledger } from './ledger.ts'
import type { TaskRecord } from './record.ts'

/** What is to be said of a call that is not simply accepted. */
type Note = { readonly joined?: string; readonly state: TaskState } | { readonly full: true }

type Verbs = Backend['store']

export class InlineStore implements Verbs {
  readonly chunks: ChunkStore
  readonly #ledger: Ledger

  constructor(ledger: Ledger, chunks: ChunkStore) {
    this.#ledger = ledger
    this.chunks = chunks
  }

  async enqueue(
    calls: readonly NewCall[],
    _heads: CallHeads,
    _resent: boolean,
    cap?: number,
  ): Promise<readonly Exception[]> {
    const ledger = this.#ledger
    const waiting = ledger.count('queued') + ledger.count('running') + ledger.in('scheduled').size
    let room = cap === undefined ? Number.POSITIVE_INFINITY : cap - waiting
    const exceptions: Exception[] = []
    calls.forEach((call, index) => {
      const note = this.#accept(call, room <= 0)
      if (note) exceptions.push({ index, ...note } as Exception)
      if (!note || !('full' in note || note.joined)) room -= 1
    })
    return exceptions
  }

  async attach(_client: string, join: boolean, ids: readonly string[]): Promise<Standing[]> {
    return ids.map((id) => {
      const record = this.#ledger.records.get(id)
      if (!record) return { state: 'lost' }
      if (isEndState(record.state)) return { state: record.state, value: record.value }
      if (join) this.#ledger.await(record)
      return { state: 'open', progress: record.progress, version: record.version }
    })
  }

  async field(id: string, field: 'result' | 'error' | 'progress'): Promise<Buffer | null> {
    const record = this.#ledger.records.get(id)
    return (field === 'progress' ? record?.progress : record?.value) ?? null
  }

  /** isFull: there is no room for a new task; a call that joins another needs none. */
  #accept(call: NewCall, isFull: boolean): Note | undefined {
    const ledger = this.#ledger
    const wishes = readWishes(call.how)
    const { key } = wishes
    const holder = key === undefined ? undefined : ledger.records.get(ledger.keys.holder(key) ?? '')
    if (holder) {
      const isLive = !isEndState(holder.state)
      const { id, state } = holder
      if (isLive && wishes.again) return this.#follow(holder, call, wishes)
      if (isLive && wishes.up) ledger.move(id, 'first')
      if (isLive || (state !== 'failed' && ledger.keys.until(key!) !== undefined))
        return { joined: id, state }
    }
    if (isFull) return { full: true }
    const record = this.#add(call, key, wishes)
    const { now } = ledger
    if (key !== undefined) ledger.keys.hold(key, record.id, wishes.hold && now + wishes.hold)
    const begin = keepTimes(record, wishes, now)
    if (begin > now) ledger.schedule(record, begin)
    else ledger.lineUp(record, wishes.newest ? 'front' : record.lane)
    return holder && { state: holder.state }
  }

  /** One task waits for the end of the holder, with the newest call. */
  #follow(holder: TaskRecord, call: NewCall, wishes: Wishes): Note | undefined {
    const follower = this.#ledger.records.get(holder.next ?? '')
    if (follower?.state === 'waiting') {
      follower.call = packed(call)
      return { joined: follower.id, state: 'waiting' }
    }
    holder.next = call.id
    const record = this.#add(call, holder.key, wishes)
    record.due = keepTimes(record, wishes, this.#ledger.now)
    this.#ledger.follow(record)
    return undefined
  }

  #add(call: NewCall, key: string | undefined, { line, slots = 0, max = 0, per = 0 }: Wishes): TaskRecord {
    const record = this.#ledger.add(call.id, call.lane, packed(call))
    record.key = key
    if (line !== undefined) {
      record.limit = { key: line, slots, max, per }
      this.#ledger.limits.keep(record.limit)
    }
    if (call.isAwaited) this.#ledger.await(record)
    return record
  }
}

/** Replies need no address: there is one client. Copied, because what was packed may be part of something larger. */
const packed = (call: NewCall): Buffer => Buffer.concat([callHead(undefined), call.packed])

interface Wishes {
  readonly in?: number
  readonly at?: number
  readonly ttl?: number
  readonly deadline?: number
  readonly key?: string
  readonly hold?: number
  readonly again?: number
  readonly up?: number
  readonly newest?: number
  readonly line?: string
  readonly slots?: number
  readonly max?: number
  readonly per?: number
}

/** Answers when it is due. */
function keepTimes(record: TaskRecord, wishes: Wishes, now: number): number {
  const { ttl, deadline } = wishes
  const begin = Math.max(wishes.at ?? now + (wishes.in ?? 0), now)
  if (ttl !== undefined) record.expires = begin + ttl
  if (deadline !== undefined) record.deadline = now + deadline
  return begin
}

/** Name, value, …; of two with the same name the last counts (lib/redis/lua/enqueue.lua). */
function readWishes(how: How | undefined): Wishes {
  const pairs: [string | number, string | number][] = []
  for (let i = 0; how && i + 1 < how.length; i += 2) pairs.push([how[i]!, how[i + 1]!])
  return Object.fromEntries(pairs)
}
