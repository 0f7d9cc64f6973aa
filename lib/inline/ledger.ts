/**
 * All tasks of an inline queue, and the moves from state to state; nothing else makes one. The same moves as the
 * scripts make in Redis (lib/record.ts, lib/redis/lua):
 *
 *   waiting ─► queued ◄─► running ─► succeeded | failed | cancelled | expired
 *                ▲ │         │ │
 *   scheduled ───┘ └► (moved)│ └─► parked ─► queued | failed
 *       ▲────────────────────┘ retried
 */

import type { Clock } from '../clock.ts'
import { END_STATES, type EndState, isEndState, type Lane, type TaskState } from '../record.ts'
import type { MoveAnswer } from '../redis/admin.ts'
import { encodeForm } from '../remote-error.ts'
import type { Agenda } from './agenda.ts'
import { Dependents } from './dependents.ts'
import { DedupeKeys } from './keys.ts'
import { Limits } from './limits.ts'
import { LINES, nextOf } from './order.ts'
import { type End, type Line, TaskRecord } from './record.ts'

/** Ms that a failure stays which is one too many. */
const LAST_LOOK = 30_000

export interface LedgerOptions {
  readonly clock: Clock
  readonly agenda: Agenda
  readonly failedTtl: number
  readonly maxFailed: number
  /** A state, or `progress:<version>`: what a client of Redis is told by a message. */
  readonly onReply: (id: string, what: string, value: Buffer) => void
  /** Something may begin now, or at another time than before. */
  readonly onChange: () => void
  readonly onAdded: (record: TaskRecord) => void
}

/** ttl: ms that the record stays. kept: what it keeps of the call; default: all. */
export type Ending = Omit<End, 'finished'> & { readonly ttl: number; readonly kept?: Buffer }

export class Ledger {
  readonly records = new Map<string, TaskRecord>()
  readonly keys: DedupeKeys
  readonly limits: Limits
  readonly dependents: Dependents
  /** How many have ended so since the queue began. */
  readonly ended: Record<EndState, number>
  /** Tasks that somebody waits for and that have not ended. */
  awaited = 0
  readonly #options: LedgerOptions
  /** By state, and by lane of those that have a place in line; in the order in which they came. */
  readonly #sets = new Map<string, Set<TaskRecord>>()
  #entries = 0
  /** None of those that are queued may begin now: each waits for its key. */
  #isHeldUp = false

  constructor(options: LedgerOptions) {
    this.#options = options
    this.keys = new DedupeKeys(options.agenda)
    this.limits = new Limits(options.agenda, options.clock, () => {
      this.#isHeldUp = false
      options.onChange()
    })
    this.dependents = new Dependents(this, options.failedTtl)
    this.ended = Object.fromEntries(END_STATES.map((state) => [state, 0])) as Record<EndState, number>
  }

  get now(): number {
    return this.#options.clock.now
  }

  /** line: of those that are queued or running. */
  in(state: TaskState, line: Line = 'normal'): Set<TaskRecord> {
    const name = state === 'queued' || state === 'running' ? `${state}/${line}` : state
    let set = this.#sets.get(name)
    if (!set) {
      set = new Set()
      this.#sets.set(name, set)
    }
    return set
  }

  /** In all lanes together. */
  count(state: 'queued' | 'running'): number {
    return LINES.reduce((sum, line) => sum + this.in(state, line).size, 0)
  }

  /** Those of one lane that are queued, in the order in which they will be taken. */
  queued(lane: Lane): TaskRecord[] {
    const records = [...this.in('queued', lane)]
    return lane === 'first' ? [...records, ...[...this.in('queued', 'front')].reverse()] : records
  }

  /** Nowhere yet: one of the moves follows. */
  add(id: string, lane: Lane, call: Buffer): TaskRecord {
    const record = new TaskRecord(id, lane, call, this.now)
    this.records.set(id, record)
    this.#options.onAdded(record)
    return record
  }

  await(record: TaskRecord): void {
    if (record.isAwaited || isEndState(record.state)) return
    record.isAwaited = true
    this.awaited += 1
    this.#options.onChange()
  }

  /** As the last of the lane; in `front` as the first. */
  lineUp(record: TaskRecord, line: Line): void {
    this.#entries += 1
    record.entry = `${Math.floor(this.now)}-${this.#entries}`
    this.#place(record, 'queued', line, overOf(record))
  }

  /** due: epoch ms. */
  schedule(record: TaskRecord, due: number): void {
    record.due = due
    this.#place(record, 'scheduled', record.lane, overOf(record))
    record.alarm = this.#options.agenda.add(due, () => this.lineUp(record, record.lane))
    this.#options.onChange()
  }

  /** For the end of others; then it is due at once, or when it says. */
  wait(record: TaskRecord): void {
    this.#place(record, 'waiting', record.lane, overOf(record))
  }

  /** What it waited for has ended. */
  goOn(record: TaskRecord): void {
    if (record.due !== undefined && record.due > this.now) this.schedule(record, record.due)
    else this.lineUp(record, record.lane)
  }

  /** For a definition of its name, at most `patience` ms. */
  park(record: TaskRecord, name: string, patience: number): void {
    record.unknown = name
    const until = this.now + patience
    this.#place(record, 'parked', record.lane, Math.min(until, overOf(record) ?? until))
  }

  /** One that waits, to the end of another lane. */
  move(id: string, lane: Lane): MoveAnswer {
    const record = this.records.get(id)
    if (!record) return 'none'
    if (record.state === 'running') return 'running'
    if (isEndState(record.state)) return 'ended'
    if (record.line === lane) return 'there'
    if (record.state === 'queued') this.lineUp(record, lane)
    else record.line = lane
    return 'moved'
  }

  /** Something is queued and may begin. */
  get hasWork(): boolean {
    return !this.#isHeldUp && this.count('queued') > 0
  }

  /** The next one, of those that are wanted, runs from now on; undefined: none may. */
  take(isWanted?: (record: TaskRecord) => boolean): TaskRecord | undefined {
    const record = nextOf((line) => this.#waiting(line, isWanted), this.limits)
    if (record) {
      this.#place(record, 'running', record.lane)
      record.startedAt = this.now
      this.limits.began(record)
    }
    if (!isWanted) this.#isHeldUp = record === undefined
    return record
  }

  /** Those whose time is not over; the others end. */
  *#waiting(line: Line, isWanted = (_: TaskRecord) => true): Generator<TaskRecord> {
    const records = this.in('queued', line)
    for (const record of line === 'front' ? [...records].reverse() : records) {
      if ((overOf(record) ?? Number.POSITIVE_INFINITY) <= this.now) this.expire(record)
      else if (isWanted(record)) yield record
    }
  }

  /** Another attempt follows, after `delay` ms. */
  retry(record: TaskRecord, attempt: number, delay: number, error: Buffer): void {
    record.attempt = attempt
    record.failures += 1
    record.keepError(attempt, error, this.now)
    if (delay > 0) this.schedule(record, this.now + delay)
    else this.lineUp(record, record.lane)
  }

  /** The end, written once. */
  settle(record: TaskRecord, state: EndState, value: Buffer, { ttl, kept, ...end }: Ending): void {
    const { onReply, maxFailed } = this.#options
    this.#place(record, state, record.lane)
    record.end = { ...end, finished: this.now }
    record.value = value
    record.call = kept ?? record.call
    this.ended[state] += 1
    this.retain(record, ttl)
    const failed = this.in('failed')
    for (const oldest of failed) {
      if (failed.size <= maxFailed) break
      failed.delete(oldest)
      this.retain(oldest, LAST_LOOK)
    }
    if (record.key !== undefined) this.#release(record, record.key, this.now + ttl)
    if (record.isAwaited) this.awaited -= 1
    record.isAwaited = false
    if (state === 'succeeded') record.release()
    onReply(record.id, state, value)
    if (record.children) this.dependents.tell(record)
  }

  /** worker, ran: of an attempt that had begun. */
  settleCancelled(record: TaskRecord, reason: string, ttl: number, attempt: Partial<Ending> = {}): void {
    const error = encodeForm('TaskCancelledError', 'ERR_MILLRACE_TASK_CANCELLED', reason)
    const end = { attempt: record.attempt, ran: 0, worker: '', ttl, ...attempt }
    this.settle(record, 'cancelled', error, end)
  }

  /** Its time is over, wherever it waits. One that runs ends by itself. */
  expire(record: TaskRecord): void {
    const { state, attempt, deadline, unknown } = record
    if (state === 'running' || isEndState(state)) return
    const end = { attempt, ran: 0, worker: '', ttl: this.#options.failedTtl }
    const isOver = (overOf(record) ?? Number.POSITIVE_INFINITY) <= this.now
    if (state === 'parked' && !isOver) {
      const message = `no worker came that knows a task of this name: ${unknown}`
      const error = encodeForm('UnknownTaskError', 'ERR_MILLRACE_UNKNOWN_TASK', message)
      this.settle(record, 'failed', error, end)
      return
    }
    const isTooLate = deadline !== undefined && deadline <= this.now
    const message = `the task did not ${isTooLate ? 'end before its deadline' : 'start in time'}`
    const error = encodeForm('TaskExpiredError', 'ERR_MILLRACE_TASK_EXPIRED', message)
    this.settle(record, 'expired', error, end)
  }

  /** One that has ended, as if for the first time; the errors so far stay. */
  revive(record: TaskRecord): void {
    this.#options.agenda.remove(record.forget)
    record.reset()
    if (record.wish && this.dependents.begin(record, record.wish)) this.wait(record)
    else this.lineUp(record, record.lane)
    this.dependents.hearEnded(record)
  }

  /** The record of a task that has ended goes after `ttl` ms. */
  retain(record: TaskRecord, ttl: number): void {
    const { agenda } = this.#options
    agenda.remove(record.forget)
    record.forget = agenda.add(this.now + ttl, () => this.forget(record))
  }

  forget(record: TaskRecord): void {
    this.#options.agenda.remove(record.forget)
    this.in(record.state, record.line).delete(record)
    this.records.delete(record.id)
  }

  /** over: when its time there is over, epoch ms. */
  #place(record: TaskRecord, state: TaskState, line: Line, over?: number): void {
    const { agenda, onChange } = this.#options
    this.in(record.state, record.line).delete(record)
    if (record.state === 'running') this.limits.left(record)
    this.#isHeldUp = false
    agenda.remove(record.alarm)
    agenda.remove(record.over)
    record.state = state
    record.line = line
    this.in(state, line).add(record)
    record.over = over === undefined ? undefined : agenda.add(over, () => this.expire(record))
    onChange()
  }

  /**
   * A key is free when its task ends. One that is held for a time stays, and the record as long, unless the task never
   * came to an end of its own; that of a failed task stays as long as the failure, so that it can be found by it.
   */
  #release(record: TaskRecord, key: string, forgottenAt: number): void {
    const holder = this.keys.holder(key)
    const follower = this.records.get(record.next ?? '')
    if (follower?.state === 'waiting') {
      // A key that is held for a time may be free by now, or another's: who waits for this task goes on all the same.
      if (holder === undefined || holder === record.id) this.keys.pass(key, follower.id)
      this.goOn(follower)
    } else if (holder === record.id) {
      const until = this.keys.until(key)
      const { state } = record
      if (state === 'cancelled' || state === 'expired' || (until === undefined && state !== 'failed'))
        this.keys.release(key)
      else if (until === undefined) this.keys.hold(key, record.id, forgottenAt)
      else if (until > forgottenAt) this.retain(record, until - this.now)
    }
  }
}

/** Until it has begun once it can come too late to begin; until it ends, to end. */
function overOf({ attempt, expires, deadline }: TaskRecord): number | undefined {
  if (attempt > 0 || expires === undefined) return deadline
  return Math.min(expires, deadline ?? expires)
}
