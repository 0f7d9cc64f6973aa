/** Calls on their way to Redis: each by itself, and those that leave together. */

import type { MillraceError } from '../errors.ts'
import type { Lane, TaskState } from '../record.ts'
import type { Hearer, How } from '../redis/wire.ts'

const MAX_BATCH = 256
const MAX_BATCH_BYTES = 512 * 1024
const NOTHING: Buffer = Buffer.alloc(0)

/** A call between `task(...)` and Redis' answer. */
export class PendingCall {
  readonly id: string
  readonly lane: Lane
  how: How | undefined
  /** Empty once the batch is settled: handles may be kept for long. */
  packed: Buffer
  /** Set by `Enqueuer.add`, or by the transaction that it is made in. */
  batch!: Batch
  /** Somebody asked for the outcome before the batch left: the reply's address travels with the call. */
  isAwaited = false
  /** Somebody will see it fail. */
  isObserved = false
  /** May be refused or put off while the rest of its batch is accepted. Set by `Enqueuer.add`. */
  mayDiffer = false
  /** Calls that it waits for, as far as Redis may not have heard of them yet. */
  parents: readonly PendingCall[] | undefined
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

  get error(): MillraceError | undefined {
    return this.fate?.error
  }

  /** Resolves when Redis has accepted it. Of most calls that is their batch's affair: a promise for each would be dear. */
  get accepted(): Promise<void> {
    return this.mayDiffer ? this.#acceptedAlone() : this.batch.accepted
  }

  /** Bytes that it brings. */
  get size(): number {
    return this.packed.length + (this.how === undefined ? 0 : hearersSize(this.how))
  }

  /** A local call of that id that it waits for, once: Redis may have looked for it too early. */
  takeParent(id: string): PendingCall | undefined {
    const parent = this.parents?.find((one) => one.id === id)
    if (parent) this.parents = this.parents?.filter((one) => one !== parent)
    return parent
  }

  /** Resolves when Redis has answered to this call; `child` then waits for the task that it has become. */
  async whenKnown(child: PendingCall): Promise<void> {
    await this.accepted.catch(() => {})
    const { id, joined } = this
    if (joined !== undefined) child.how = child.how?.map((word) => renamed(word, id, joined))
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

/** In a list of ids separated by spaces. */
const renamed = (word: How[number], from: string, to: string): How[number] =>
  typeof word === 'string' && word.includes(from) ? word.split(from).join(to) : word

/** Bytes of the calls that hear of its progress. */
function hearersSize(how: How): number {
  for (let i = 0; i < how.length; i += 2) {
    if (how[i] === 'hears')
      return (how[i + 1] as readonly Hearer[]).reduce((sum, [, { length }]) => sum + length, 0)
  }
  return 0
}

/** How a call stands apart from its batch. */
export interface Fate {
  /** Id of the live task with the same key, which the call joined instead of making another. */
  readonly joined?: string | undefined
  /** How the task stood that held its key, or held it last. */
  readonly before?: TaskState | undefined
  /** It was refused: there was no room for it, or what it waits for is not there. */
  readonly error?: MillraceError
}

/** Batches of several queues that leave at one time: bundle.ts. */
export interface Bundled {
  /** Leaves, if nothing is before it in any of its lines. */
  leave(): boolean
}

/** Calls that leave together and are accepted, or not, together: what they share is kept once. */
export class Batch {
  calls: PendingCall[] = []
  /** All of its calls are accepted, or none is; no others join them. */
  readonly isAtomic: boolean
  /** What it is a part of, with batches of other queues. */
  bundle: Bundled | undefined
  /** Since when its calls' patience counts. */
  madeAt = performance.now()
  /** Of the packed calls. */
  bytes = 0
  /** Somebody will see it fail, as a whole. */
  isObserved = false
  state: 'held' | 'waiting' | 'sent' | 'accepted' | 'failed' = 'waiting'
  error: MillraceError | undefined
  #promise: Promise<void> | undefined
  #listeners: (() => void)[] = []

  constructor(isAtomic = false) {
    this.isAtomic = isAtomic
  }

  get isFull(): boolean {
    return this.isAtomic || this.calls.length >= MAX_BATCH || this.bytes >= MAX_BATCH_BYTES
  }

  /** What is asked of its calls now can go along. */
  get hasNotLeft(): boolean {
    return this.state === 'waiting' || this.state === 'held'
  }

  get isSettled(): boolean {
    return this.state === 'accepted' || this.state === 'failed'
  }

  /** Of all its calls: made once, when the first of them asks. */
  get accepted(): Promise<void> {
    this.#promise ??= new Promise((resolve, reject) => {
      this.whenSettled(() => (this.error ? reject(this.error) : resolve()))
    })
    return this.#promise
  }

  push(call: PendingCall): void {
    call.batch = this
    this.calls.push(call)
    this.bytes += call.size
  }

  whenSettled(listener: () => void): void {
    if (this.isSettled) listener()
    else this.#listeners.push(listener)
  }

  /** Its calls go on as the last of another, whose end is its own. */
  joinTo(other: Batch): void {
    for (const call of this.calls) other.push(call)
    other.whenSettled(() => this.settle(other.error))
    this.calls = []
  }

  /** Without those that have gone on with another batch. */
  keepOwn(): void {
    if (this.calls.some((call) => call.batch !== this)) {
      this.calls = this.calls.filter((call) => call.batch === this)
    }
  }

  /** Lets go of what nobody needs any more once it is settled. */
  release(): void {
    for (const call of this.calls) {
      call.packed = NOTHING
      // Each call after the one before: they would keep each other for ever.
      call.parents = undefined
    }
    this.calls = []
  }

  settle(error?: MillraceError): void {
    this.state = error ? 'failed' : 'accepted'
    this.error = error
    for (const listener of this.#listeners) listener()
    this.#listeners = []
  }
}
