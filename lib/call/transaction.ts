/**
 * Calls that are accepted all or none. What is called inside is held back in one batch for each queue; when the
 * function has returned, one script accepts them all, or refuses all. When it throws, nothing was ever sent.
 *
 *   open ──returned──► sent ──Redis' answer──► accepted | refused
 *     └────threw────► aborted
 *
 * A transaction inside of another is a part of it: it sends nothing by itself, and when it throws its calls alone are
 * dropped. A call that comes when all is over throws: nothing could be done with it that is surely meant.
 */

import { OptionError } from '../errors.ts'
import { SeparateQueuesError, TransactionAbortedError, TransactionTooLargeError } from '../errors-together.ts'
import { oneOf, resolve } from '../options.ts'
import { Batch, type PendingCall } from './batch.ts'
import { type Member, sendTogether } from './bundle.ts'
import type { Enqueuer } from './enqueue.ts'
import { openScope, runInside, type Scope } from './scope.ts'

/** One script accepts them, and nothing else is done meanwhile: some 50 ms, and as many MiB in one command. */
export const MOST_CALLS = 10_000
export const MOST_BYTES = 32 * 1024 * 1024

export interface TransactionOptions {
  /**
   * Calls of other queues inside: accepted all or none with this queue's, for which all must be of one Redis (`together`,
   * the default), or `each` queue's calls all or none for themselves, sent when this queue's have been accepted.
   */
  readonly others?: 'together' | 'each' | undefined
}

const OPTIONS = { others: oneOf('together', ['together', 'each']) }

/** own: of the queue whose transaction it is. */
export async function transact<T>(
  own: Enqueuer,
  run: () => T | Promise<T>,
  options: TransactionOptions | undefined,
): Promise<T> {
  if (typeof run !== 'function') throw new OptionError('queue.transaction: expected a function')
  const { others } = resolve('queue.transaction', options, OPTIONS)
  own.checkOpen()
  const outer = openScope() as Transaction | undefined
  const transaction = new Transaction(own, others === 'each', outer)
  let value: T
  try {
    value = await runInside(transaction, run)
    if (!outer) transaction.checkQueues()
  } catch (error) {
    transaction.abort(error)
    throw error
  }
  if (outer) transaction.joinTo(outer)
  else await transaction.commit()
  return value
}

class Transaction implements Scope {
  readonly root: Transaction
  readonly #outer: Transaction | undefined
  readonly #own: Enqueuer
  readonly #takesOthers: boolean
  readonly #batches = new Map<Enqueuer, Batch>()
  /** Of the root: all that it and its nested ones hold back. */
  readonly #held = new Map<Batch, Enqueuer>()
  #calls = 0
  #bytes = 0
  /** Why nothing is added any more. */
  #over: (() => Error) | undefined

  constructor(own: Enqueuer, takesOthers: boolean, outer: Transaction | undefined) {
    this.root = outer?.root ?? this
    this.#outer = outer
    this.#own = outer ? outer.root.#own : own
    this.#takesOthers = outer ? outer.root.#takesOthers : takesOthers
    outer?.checkOpen()
    this.#check(own)
  }

  hold(enqueuer: Enqueuer, calls: readonly PendingCall[]): void {
    this.checkOpen()
    this.#check(enqueuer)
    this.root.#make(calls)
    const batch = this.#batchOf(enqueuer)
    for (const call of calls) batch.push(call)
  }

  holds(call: PendingCall): boolean {
    return this.#held.has(call.batch)
  }

  checkOpen(): void {
    if (this.#over) throw this.#over()
    this.#outer?.checkOpen()
  }

  /** Throws where one of those that it needs has been closed meanwhile. */
  checkQueues(): void {
    this.#own.checkOpen()
    if (this.#takesOthers) return
    for (const enqueuer of this.#batches.keys()) enqueuer.checkOpen()
  }

  abort(cause: unknown): void {
    this.#over = () => new TransactionAbortedError(cause)
    const all = [...this.#batches].map(([enqueuer, batch]) => [batch, enqueuer] as const)
    // What nested ones hold that have not ended goes with the whole.
    this.#drop(this.#outer ? all : [...this.#held], cause)
  }

  /** Its calls are the outer one's from now on. */
  joinTo(outer: Transaction): void {
    try {
      outer.checkOpen()
    } catch (error) {
      this.abort(error)
      throw error
    }
    this.#over = tooLate
    for (const [enqueuer, batch] of this.#batches) {
      this.root.#held.delete(batch)
      batch.joinTo(outer.#batchOf(enqueuer))
    }
  }

  async commit(): Promise<void> {
    this.#over = tooLate
    // A failure is told by the transaction itself.
    for (const batch of this.#batches.values()) {
      batch.isObserved = true
      this.#held.delete(batch)
    }
    this.#drop([...this.#held], tooLate())
    const all = [...this.#batches].map(([enqueuer, batch]): Member => ({ enqueuer, batch }))
    const own = all.filter(({ enqueuer }) => enqueuer === this.#own)
    const others = all.filter(({ enqueuer }) => enqueuer !== this.#own)
    const [first, ...rest] = [...own, ...others]
    if (!first) return
    if (rest.length === 0) first.enqueuer.addAll(first.batch)
    else if (this.#takesOthers) await this.#commitEach(own, others)
    else sendTogether([first, ...rest])
    await Promise.all(all.map(({ batch }) => batch.accepted))
  }

  /** Its own queue first: when that refuses, the others hear of nothing. */
  async #commitEach(own: readonly Member[], others: readonly Member[]): Promise<void> {
    try {
      for (const { enqueuer, batch } of own) {
        enqueuer.addAll(batch)
        await batch.accepted
      }
    } catch (error) {
      for (const { enqueuer, batch } of others) enqueuer.drop(batch, new TransactionAbortedError(error))
      throw error
    }
    for (const { enqueuer, batch } of others) enqueuer.addAll(batch)
  }

  #drop(batches: Iterable<readonly [Batch, Enqueuer]>, cause: unknown): void {
    for (const [batch, enqueuer] of batches) {
      this.root.#held.delete(batch)
      this.root.#calls -= batch.calls.length
      this.root.#bytes -= batch.bytes
      enqueuer.drop(batch, new TransactionAbortedError(cause))
    }
  }

  /** Throws where calls of that queue cannot be accepted with the others. */
  #check(enqueuer: Enqueuer): void {
    if (this.#takesOthers || this.#batches.has(enqueuer)) return
    const { queue, backend } = enqueuer
    const what = `a call of queue "${queue}" inside of a transaction of queue "${this.#own.queue}"`
    if (enqueuer !== this.#own && backend.place !== this.#own.backend.place) {
      throw new SeparateQueuesError(
        `${what}: their options name different servers or databases, so no script can accept both`,
      )
    }
    for (const held of this.root.#held.values()) {
      if (held === enqueuer || held.backend.prefix !== backend.prefix) continue
      throw new OptionError(`${what}: two objects of queue "${queue}"; make its calls with one of them`)
    }
  }

  /** Room for them in the whole. */
  #make(calls: readonly PendingCall[]): void {
    const count = this.#calls + calls.length
    let bytes = this.#bytes
    for (const { size } of calls) bytes += size
    checkSize('a transaction', count, bytes)
    this.#calls = count
    this.#bytes = bytes
  }

  #batchOf(enqueuer: Enqueuer): Batch {
    let batch = this.#batches.get(enqueuer)
    if (!batch) {
      batch = new Batch(true)
      batch.state = 'held'
      this.#batches.set(enqueuer, batch)
      this.root.#held.set(batch, enqueuer)
    }
    return batch
  }
}

const tooLate = (): Error =>
  new OptionError(
    'the transaction in which this call is made has ended: await in its function what that begins, or call with({ transaction: false })',
  )

/** Throws where they are more than one script should carry. */
export function checkSize(what: string, calls: number, bytes: number): void {
  if (calls <= MOST_CALLS && bytes <= MOST_BYTES) return
  throw new TransactionTooLargeError(
    `${what} takes at most ${MOST_CALLS} calls and ${MOST_BYTES} bytes, packed (with this: ${calls} calls, ${bytes} bytes)`,
  )
}
