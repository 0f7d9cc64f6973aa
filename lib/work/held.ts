/**
 * A task that this worker holds: its entry is in the worker's pending list.
 *
 *   waiting ─────────────────► running ──► finishing ──► (gone: the outcome is recorded)
 *      ├──► gathering (a batch) ───┤             │
 *      └──────────┴────────────────┴─────────────┴──► gone: given back, refused, or lost to another worker
 */

import { AsyncResource } from 'node:async_hooks'
import { TaskAbortedError, TaskCancelledError, TaskTimeoutError } from '../errors.ts'
import type { Lane } from '../record.ts'
import { type Delivery, type Place, placeKey } from '../redis/wire.ts'

/** Why a running attempt was given up: its outcome is decided, whatever the handler does then. */
export type GivenUp = 'timeout' | 'deadline' | 'cancelled'

/** What keeps a slot while it runs: one task, or all those of a batch together. */
export interface SlotHolder {
  /** Its calls of `get()` that wait for other tasks: the slot is lent meanwhile. */
  waits: number
  hasLent: boolean
  readonly isRunning: boolean
}

export interface Together extends SlotHolder {
  /** That one has ended, or is not held any more; true: it was the last, and the slot is free. */
  leave(held: Held): boolean
}

export class Held implements Place, SlotHolder {
  readonly lane: Lane
  readonly entry: string
  readonly key: string
  readonly id: string
  call: Buffer
  readonly attempt: number
  /** Attempts that failed. */
  readonly failures: number
  /** Workers that died while they held it. */
  readonly crashes: number
  /** By the server's clock, epoch ms. */
  readonly deadline: number | undefined
  /** So many outcomes of others go ahead of its arguments. */
  readonly inputs: number
  /** There are calls that hear of its progress. */
  hears: boolean
  state: 'waiting' | 'gathering' | 'running' | 'finishing' | 'gone' = 'waiting'
  /** By the steady clock, when its handler begins. */
  begunAt = 0
  /** How long it has kept a slot, ms, where that is not from its beginning to its end. */
  slotTime: number | undefined
  /** Those that it shares its slot with. */
  batch: Together | undefined
  /** Calls of the handler that wait for other tasks: its slot is lent meanwhile. */
  waits = 0
  hasLent = false
  givenUp: GivenUp | undefined
  /** Called once when it is given up. */
  onGivenUp: (() => void) | undefined
  #versions = 0
  #controller: AbortController | undefined
  /** The handler's: its listeners may ask for the current task. */
  #scope: AsyncResource | undefined
  #abortReason: Error | undefined

  constructor(delivery: Delivery) {
    this.lane = delivery.lane
    this.entry = delivery.entry
    this.key = placeKey(delivery)
    this.id = delivery.id
    this.call = delivery.call
    this.attempt = delivery.begunBefore + 1
    this.failures = delivery.failures
    this.crashes = delivery.crashes
    this.deadline = delivery.deadline
    this.inputs = delivery.inputs
    this.hears = delivery.hears
  }

  /** Made when it is asked for: most handlers never do. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      this.#scope = new AsyncResource('millrace.signal')
    }
    if (this.#abortReason) this.#controller.abort(this.#abortReason)
    return this.#controller.signal
  }

  get isRunning(): boolean {
    return this.state === 'running'
  }

  /** Of its progress: later attempts begin above all versions of earlier ones. */
  nextVersion(): number {
    this.#versions += 1
    return this.attempt * 2 ** 32 + this.#versions
  }

  /** Why its signal aborts, once it does. */
  get abortReason(): Error | undefined {
    return this.#abortReason
  }

  /** Whether a handler throws because its signal has aborted: the reason, or what Node's own functions make of it. */
  isHeeding(thrown: unknown): boolean {
    const reason = this.#abortReason
    if (reason === undefined || !(thrown instanceof Error)) return false
    return thrown === reason || thrown.cause === reason || thrown.name === 'AbortError'
  }

  abort(reason: string): void {
    this.#abort(new TaskAbortedError(reason))
  }

  /** limit: ms that were allowed, of a timeout; reason: of a cancelling. */
  giveUp(why: GivenUp, detail: number | string): void {
    if (this.givenUp || this.state !== 'running') return
    this.givenUp = why
    this.#abort(
      why === 'cancelled'
        ? new TaskCancelledError(this.id, String(detail))
        : new TaskTimeoutError(Number(detail)),
    )
    this.onGivenUp?.()
  }

  #abort(reason: Error): void {
    this.#abortReason ??= reason
    const { abortReason } = this
    this.#scope?.runInAsyncScope(() => this.#controller?.abort(abortReason))
  }
}
