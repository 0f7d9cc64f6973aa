/** The verbs of the callers' side, done in this process: accepting calls, and telling how tasks stand. */

import { callHead } from '../envelope.ts'
import { isEndState, type TaskState } from '../record.ts'
import type { CallStore } from '../redis/backend.ts'
import type { Exception, QueueCalls } from '../redis/calls.ts'
import type { ChunkStore } from '../redis/chunks.ts'
import type { Standing } from '../redis/store.ts'
import type { CallHeads, Hearer, How, NewCall } from '../redis/wire.ts'
import { callsOf, letHear, mayHear } from './hearers.ts'
import type { Ledger } from './ledger.ts'
import type { TaskRecord } from './record.ts'

/** What is to be said of a call that is not simply accepted. */
type Note =
  | { readonly joined?: string; readonly state: TaskState }
  | { readonly full: true }
  | { readonly orphan: string }
  | { readonly crowded: string }

type Calls = Pick<QueueCalls, 'calls' | 'cap'>

/** Calls that joined another task are remembered, at most: others may be made to wait for them. */
const MAX_JOINED = 10_000

export class InlineStore implements CallStore {
  readonly chunks: ChunkStore
  readonly #ledger: Ledger
  /** By the id of the call. */
  readonly #joined = new Map<string, string>()

  constructor(ledger: Ledger, chunks: ChunkStore) {
    this.#ledger = ledger
    this.chunks = chunks
  }

  async enqueue(
    calls: readonly NewCall[],
    _heads: CallHeads,
    _resent: boolean,
    cap?: number,
    atomic = false,
  ): Promise<readonly Exception[]> {
    const batch = { calls, cap }
    const refused = atomic ? this.#refuseAll(batch) : []
    return refused.length > 0 ? refused : this.#acceptAll(batch)
  }

  /** Nothing comes between: all of it is done in one go. */
  async several(
    batches: readonly (QueueCalls & { readonly store: InlineStore })[],
  ): Promise<readonly (readonly Exception[])[]> {
    const refused = batches.map((batch) => batch.store.#refuseAll(batch))
    if (refused.some((some) => some.length > 0)) return refused
    return batches.map((batch) => batch.store.#acceptAll(batch))
  }

  #roomFor(cap: number | undefined): number {
    const ledger = this.#ledger
    const waiting = ledger.count('queued') + ledger.count('running') + ledger.in('scheduled').size
    return cap === undefined ? Number.POSITIVE_INFINITY : cap - waiting
  }

  #acceptAll({ calls, cap }: Calls): Exception[] {
    let room = this.#roomFor(cap)
    const exceptions: Exception[] = []
    calls.forEach((call, index) => {
      const note = this.#accept(call, room <= 0)
      if (note) exceptions.push({ index, ...note } as Exception)
      if (!note || ('state' in note && note.joined === undefined)) room -= 1
    })
    return exceptions
  }

  /** What stands against a batch that is accepted as a whole or not at all. */
  #refuseAll({ calls, cap }: Calls): Exception[] {
    const made = new Set<string>()
    const keys = new Set<string>()
    let left = this.#roomFor(cap)
    return calls.flatMap(({ id, how }, index): Exception[] => {
      const { key, after, again, hears } = readWishes(how)
      const orphan =
        after && this.#parentsOf(after).find((parent) => !this.#isKnown(parent) && !made.has(parent))
      const joins = key !== undefined && (keys.has(key) || this.#ledger.keys.holder(key) !== undefined)
      made.add(id)
      if (key !== undefined) keys.add(key)
      if (orphan !== undefined) return [{ index, orphan }]
      const live = hears && this.#joinedBy(key, again && !after)
      if (live && !mayHear(live, hears)) return [{ index, crowded: live.id }]
      if (joins) return []
      left -= 1
      return left < 0 ? [{ index, full: true }] : []
    })
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
    const after = wishes.after === undefined ? undefined : this.#parentsOf(wishes.after)
    const orphan = after?.find((parent) => !this.#isKnown(parent))
    if (orphan !== undefined) return { orphan }
    const holder = this.#holder(key)
    const live = wishes.hears && this.#joinedBy(key, wishes.again && !after)
    if (live && !letHear(live, wishes.hears!)) return { crowded: live.id }
    if (holder) {
      const isLive = !isEndState(holder.state)
      const { id, state } = holder
      if (isLive && wishes.again && !after) return this.#follow(holder, call, wishes)
      if (isLive && wishes.up) ledger.move(id, 'first')
      if (isLive || (state !== 'failed' && ledger.keys.until(key!) !== undefined))
        return this.#join(call, id, state)
    }
    if (isFull) return { full: true }
    const record = this.#add(call, key, wishes)
    const { now } = ledger
    if (key !== undefined) ledger.keys.hold(key, record.id, wishes.hold && now + wishes.hold)
    const begin = keepTimes(record, wishes, now)
    if (wishes.given) record.inputs = [{ letter: 's', value: wishes.given }]
    record.flow = wishes.flow
    record.shape = wishes.shape
    const wish = after && { after, policy: wishes.policy ?? 'f', takes: wishes.take !== undefined }
    if (wish && ledger.dependents.begin(record, wish)) {
      record.due = begin
      ledger.wait(record)
      ledger.dependents.hearEnded(record)
    } else if (begin > now) ledger.schedule(record, begin)
    else ledger.lineUp(record, wishes.newest ? 'front' : record.lane)
    return holder && { state: holder.state }
  }

  /** The task reports: what hears of it is called. */
  tellHearers(record: TaskRecord, value: Buffer): void {
    const calls = callsOf(record, value, this.#ledger.records)
    for (const call of calls) this.#accept(call, false)
  }

  /** Of those with a key. */
  #holder(key: string | undefined): TaskRecord | undefined {
    return key === undefined ? undefined : this.#ledger.records.get(this.#ledger.keys.holder(key) ?? '')
  }

  /** The live task that a call with this key joins. follows: it would be the one that waits for that one's end. */
  #joinedBy(key: string | undefined, follows: unknown): TaskRecord | undefined {
    const holder = this.#holder(key)
    if (!holder || isEndState(holder.state)) return undefined
    if (!follows) return holder
    const follower = this.#ledger.records.get(holder.next ?? '')
    return follower?.state === 'waiting' ? follower : undefined
  }

  /** One task waits for the end of the holder, with the newest call. */
  #follow(holder: TaskRecord, call: NewCall, wishes: Wishes): Note | undefined {
    const follower = this.#ledger.records.get(holder.next ?? '')
    if (follower?.state === 'waiting') {
      follower.call = packed(call)
      this.#limit(follower, wishes)
      return this.#join(call, follower.id, 'waiting')
    }
    holder.next = call.id
    const record = this.#add(call, holder.key, wishes)
    record.due = keepTimes(record, wishes, this.#ledger.now)
    this.#ledger.wait(record)
    return undefined
  }

  #join({ id }: NewCall, joined: string, state: TaskState): Note {
    this.#joined.set(id, joined)
    for (const oldest of this.#joined.keys()) {
      if (this.#joined.size <= MAX_JOINED) break
      this.#joined.delete(oldest)
    }
    return { joined, state }
  }

  /** By the ids of the tasks that they have joined. */
  #parentsOf(after: string): string[] {
    return after.split(' ').map((id) => (this.#isKnown(id) ? id : (this.#joined.get(id) ?? id)))
  }

  #isKnown(id: string): boolean {
    return this.#ledger.records.has(id)
  }

  #add(call: NewCall, key: string | undefined, wishes: Wishes): TaskRecord {
    const record = this.#ledger.add(call.id, call.lane, packed(call))
    record.key = key
    this.#limit(record, wishes)
    if (wishes.hears) letHear(record, wishes.hears)
    if (call.isAwaited) this.#ledger.await(record)
    return record
  }

  #limit(record: TaskRecord, { line, slots = 0, max = 0, per = 0 }: Wishes): void {
    if (line === undefined) return
    record.limit = { key: line, slots, max, per }
    this.#ledger.limits.keep(record.limit)
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
  readonly after?: string
  readonly policy?: string
  readonly take?: string
  readonly given?: Buffer
  readonly hears?: readonly Hearer[]
  readonly flow?: string
  readonly shape?: string
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
  const pairs: [string, How[number]][] = []
  for (let i = 0; how && i + 1 < how.length; i += 2) pairs.push([String(how[i]), how[i + 1]!])
  return Object.fromEntries(pairs)
}
