/** Calls on their way to Redis: each by itself, and those that leave together. */

import type { EnqueueError, QueueFullError, UnknownParentError } from '../errors.ts'
import type { Lane, TaskState } from '../record.ts'
import type { How } from '../redis/wire.ts'

const MAX_BATCH = 256
const MAX_BATCH_BYTES = 512 * 1024
const NOTHING: Buffer = Buffer.alloc(0)

/** A call between `task(...)` and Redis' answer. */
export class PendingCall {
  readonly id: string
  readonly lane: Lane
  readonly how: How | undefined
  /** Empty once the batch is settled: handles may be kept for long. */
  packed: Buffer
  /** Set by `Enqueuer.add`. */
  batch!: Batch
  /** Somebody asked for the outcome before the batch left: the reply's address travels with the call. */
  isAwaited = false
  /** Somebody will see it fail. */
  isObserved = false
  /** May be refused while the rest of its batch is accepted: for lack of room, or of a parent. Set by `Enqueuer.add`. */
  isCapped = false
  /** What became of it, where it was not simply accepted. */
  fate: Fate | undefined

  constructor(id: string, lane: Lane, packed: Buffer, how?: How) {
    this.id = id
    this.lane = lane
    this.packed = packed
    this.how = how
  }

  get joined(): string | undefined {
    return this.fate?.joined
  }

  get error(): QueueFullError | UnknownParentError | undefined {
    return this.fate?.error
  }

  /** Resolves when Redis has accepted it. Of most calls that is their batch's affair: a promise for each would be dear. */
  get accepted(): Promise<void> {
    return this.isCapped ? this.#acceptedAlone() : this.batch.accepted
  }

  async #acceptedAlone(): Promise<void> {
    let batch: Batch
    do {
      batch = this.batch
      await batch.accepted
    } while (batch !== this.batch)
    if (this.error) throw this.error
  }
}

/** Why a call was not accepted. */
export type Refusal = EnqueueError | QueueFullError | UnknownParentError

/** How a call stands apart from its batch. */
export interface Fate {
  /** Id of the live task with the same key, which the call joined instead of making another. */
  readonly joined?: string | undefined
  /** How the task stood that held its key, or held it last. */
  readonly before?: TaskState | undefined
  /** There was no room for it, or nobody knows the task that it was to wait for. */
  readonly error?: QueueFullError | UnknownParentError
}

/** Calls that leave together and are accepted, or not, together: what they share is kept once. */
export class Batch {
  calls: PendingCall[] = []
  readonly madeAt = performance.now()
  /** Of the packed calls. */
  bytes = 0
  state: 'waiting' | 'sent' | 'accepted' | 'failed' = 'waiting'
  error: EnqueueError | undefined
  #promise: Promise<void> | undefined
  #listeners: (() => void)[] = []

  get isFull(): boolean {
    return this.calls.length >= MAX_BATCH || this.bytes >= MAX_BATCH_BYTES
  }

  /** Of all its calls: made once, when the first of them asks. */
  get accepted(): Promise<void> {
    this.#promise ??= new Promise((resolve, reject) => {
      this.whenSettled(() => (this.error ? reject(this.error) : resolve()))
    })
    return this.#promise
  }

  whenSettled(listener: () => void): void {
    if (this.state === 'accepted' || this.state === 'failed') listener()
    else this.#listeners.push(listener)
  }

  /** Lets go of what nobody needs any more once it is settled. */
  release(): void {
    for (const call of this.calls) call.packed = NOTHING
    this.calls = []
  }

  settle(error?: EnqueueError): void {
    this.state = error ? 'failed' : 'accepted'
    this.error = error
    for (const listener of this.#listeners) listener()
    this.#listeners = []
  }
}
