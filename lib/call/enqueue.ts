/**
 * Calls leave in batches. An idle client sends at the end of the tick, so that what one tick calls goes together;
 * while a batch is on its way, calls gather for the next. Of a tick that makes thousands, full batches leave while it
 * goes on, so that Redis works meanwhile. A batch that gets no answer is sent again until the
 * oldest call's deadline: the script knows an id that it has seen. What is called while Redis is away waits here,
 * bounded in bytes and in time. An atomic batch (a transaction, a flow) comes as a whole, and leaves as that.
 */

import { callHead } from '../envelope.ts'
import { EnqueueError, type MillraceError, QueueFullError, UnknownParentError } from '../errors.ts'
import type { Backend } from '../redis/backend.ts'
import { toRedisError } from '../redis/faults.ts'
import { ANSWER_TIMEOUT } from '../redis/runner.ts'
import type { Exception } from '../redis/store.ts'
import { Batch, type PendingCall } from './batch.ts'
import { crowdedError, enqueueError, isWorthWaiting, within } from './patience.ts'

/** Full batches leave beside others; the one that is being filled waits until none is on its way. */
const MAX_ON_THE_WAY = 64
/** So many full batches do not wait for the end of the tick. */
const MANY = 4
/** Until the next try where the queue was full, ms. */
const FULL_PAUSE = 50
/** What a waiting call costs besides its arguments, roughly. */
const OVERHEAD = 512

export interface EnqueuerOptions {
  readonly backend: Pick<Backend, 'isReady' | 'ready' | 'seen' | 'store'>
  readonly client: string
  /** Ms from a call to its rejection, at most. */
  readonly timeout: number
  /** Bytes that may wait here. */
  readonly maxBuffered: number
  readonly queue: string
  /** Of tasks that wait in the queue; undefined = none. What is over it fails, or waits here for its turn. */
  readonly maxQueued: number | undefined
  readonly onFull: 'reject' | 'wait'
  readonly onFailed: (calls: readonly PendingCall[], error: MillraceError) => void
  /** `joined` is set: another task stands for this call. */
  readonly onJoined: (call: PendingCall) => void
  /** Calls that nobody observes and that failed together. */
  readonly onUnseenFailure: (error: MillraceError) => void
}

export class Enqueuer {
  readonly #options: EnqueuerOptions
  readonly #heads: { readonly awaited: Buffer; readonly other: Buffer }
  /** Those before the last are full. */
  #batches: Batch[] = []
  #bytes = 0
  #count = 0
  #onTheWay = 0
  #scheduled = false
  #idle: (() => void)[] = []

  constructor(options: EnqueuerOptions) {
    this.#options = options
    this.#heads = { awaited: callHead(options.client), other: callHead(undefined) }
  }

  /** Of the queue, for messages. */
  get queue(): string {
    return this.#options.queue
  }

  add(call: PendingCall): void {
    const bytes = call.size + OVERHEAD
    if (this.#bytes + bytes > this.#options.maxBuffered) {
      const batch = new Batch()
      batch.push(call)
      this.#refuse(batch)
      return
    }
    this.#bytes += bytes
    this.#count += 1
    const batch = this.#openBatch()
    // Only now: whoever made the last call of the full one has had the chance to ask for its outcome.
    if (batch.calls.length === 0 && this.#batches.length > MANY) this.#send()
    const { how } = call
    call.mayDiffer =
      this.#options.maxQueued !== undefined || how?.includes('after') || how?.includes('hears') || false
    batch.push(call)
    this.#sendSoon()
  }

  /** An atomic batch: it leaves behind all that was called before, in one script. */
  addAll(batch: Batch): void {
    const bytes = sizeOf(batch)
    batch.madeAt = performance.now()
    batch.state = 'waiting'
    if (this.#bytes + bytes > this.#options.maxBuffered) {
      this.#refuse(batch)
      return
    }
    this.#bytes += bytes
    this.#count += batch.calls.length
    this.#batches.push(batch)
    this.#sendSoon()
  }

  /** Calls that were held back and will never be sent. Who holds them back tells of it. */
  drop(batch: Batch, error: MillraceError): void {
    batch.settle(error)
    this.#options.onFailed(batch.calls, error)
    batch.release()
  }

  /** Calls that have not been answered yet. */
  get unsent(): number {
    return this.#count
  }

  /** Resolves when every call made so far has been answered, one way or the other. */
  flush(): Promise<void> {
    if (this.#batches.length === 0 && this.#onTheWay === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  #openBatch(): Batch {
    const last = this.#batches.at(-1)
    if (last && !last.isFull) return last
    const batch = new Batch()
    this.#batches.push(batch)
    return batch
  }

  #sendSoon(): void {
    if (this.#scheduled || !this.#mayGo) return
    this.#scheduled = true
    queueMicrotask(() => this.#send())
  }

  get #mayGo(): boolean {
    if (this.#onTheWay === 0) return true
    return this.#onTheWay < MAX_ON_THE_WAY && this.#batches[0]?.isFull === true
  }

  #send(): void {
    this.#scheduled = false
    while (this.#batches.length > 0 && this.#mayGo) {
      const batch = this.#batches.shift()!
      this.#onTheWay += 1
      void this.#deliver(batch).then((isSettled) => {
        this.#onTheWay -= 1
        if (isSettled) {
          this.#bytes -= sizeOf(batch)
          this.#count -= batch.calls.length
          batch.release()
        }
        this.#send()
      })
    }
    if (this.#batches.length > 0 || this.#onTheWay > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** False: it will be sent once more, later. */
  async #deliver(batch: Batch): Promise<boolean> {
    const { backend, timeout, maxQueued } = this.#options
    const deadline = batch.madeAt + timeout
    batch.state = 'sent'
    let accepted: false | 'unknown' = false
    for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
      try {
        if (!backend.isReady) await backend.ready(Math.max(0, deadline - performance.now()))
        const isResent = accepted === 'unknown'
        const answer = backend.store.enqueue(batch.calls, this.#heads, isResent, maxQueued, batch.isAtomic)
        const left = deadline - performance.now()
        // Else the socket's own deadline comes first.
        const exceptions = await (left < ANSWER_TIMEOUT ? within(left, answer) : answer)
        if (exceptions.length > 0 && !this.#except(batch, exceptions)) return batch.isSettled
        batch.settle()
        backend.seen()
        return true
      } catch (thrown) {
        const error = toRedisError(thrown)
        if (error.executed === 'unknown') accepted = 'unknown'
        if (!isWorthWaiting(error) || performance.now() + wait > deadline) {
          this.#fail(batch, enqueueError(batch.calls.length, error, accepted))
          return true
        }
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
    }
  }

  /** Calls that have not become tasks of their own. False: none of the batch has. */
  #except(batch: Batch, exceptions: readonly Exception[]): boolean {
    const refused = exceptions.filter((one) => 'full' in one || 'orphan' in one || 'crowded' in one)
    if (batch.isAtomic && refused.length > 0) {
      this.#exceptAll(batch, refused)
      return false
    }
    const { onJoined } = this.#options
    const over: PendingCall[] = []
    for (const exception of exceptions) {
      const call = batch.calls[exception.index]
      if (!call) continue
      if ('full' in exception) over.push(call)
      else if ('orphan' in exception) this.#exceptOrphan(batch, call, exception.orphan)
      else if ('crowded' in exception) this.#refuseSome([call], crowdedError(exception.crowded))
      else {
        call.fate = { joined: exception.joined, before: exception.state }
        if (call.joined !== undefined) onJoined(call)
      }
    }
    if (over.length > 0) {
      if (this.#waitsForRoom) this.#moveOn(batch, over, pause())
      else this.#refuseSome(over, this.#fullError)
    }
    batch.keepOwn()
    return true
  }

  /** Nothing of it was written. */
  #exceptAll(batch: Batch, refused: readonly Exception[]): void {
    for (const exception of refused) {
      if ('crowded' in exception) {
        this.#fail(batch, crowdedError(exception.crowded))
        return
      }
      const call = batch.calls[exception.index]
      if (!call || !('orphan' in exception)) continue
      const parent = call.takeParent(exception.orphan)
      if (parent && parent.batch !== batch) this.#again(batch, parent.whenKnown(call))
      else this.#fail(batch, new UnknownParentError(exception.orphan))
      return
    }
    if (this.#waitsForRoom) this.#again(batch, pause())
    else this.#fail(batch, this.#fullError)
  }

  #exceptOrphan(batch: Batch, call: PendingCall, id: string): void {
    const parent = call.takeParent(id)
    if (parent) this.#moveOn(batch, [call], parent.whenKnown(call))
    else this.#refuseSome([call], new UnknownParentError(id))
  }

  /** Whoever closes does not wait for room. */
  get #waitsForRoom(): boolean {
    return this.#options.onFull === 'wait' && this.#idle.length === 0
  }

  get #fullError(): QueueFullError {
    const { queue, maxQueued = 0 } = this.#options
    return new QueueFullError(queue, maxQueued)
  }

  #refuseSome(calls: readonly PendingCall[], error: MillraceError): void {
    const { onFailed, onUnseenFailure } = this.#options
    for (const call of calls) call.fate = { error }
    onFailed(calls, error)
    if (calls.some((call) => !call.isObserved)) onUnseenFailure(error)
  }

  /** They go on as a batch of their own. What waits is bounded by `maxBuffered`. */
  #moveOn(from: Batch, calls: readonly PendingCall[], when: Promise<void>): void {
    const batch = new Batch()
    for (const call of calls) batch.push(call)
    from.bytes -= batch.bytes
    this.#again(batch, when)
  }

  /** Once more, ahead of all others. */
  #again(batch: Batch, when: Promise<void>): void {
    batch.state = 'waiting'
    // Whoever asked meanwhile: the reply's address can still go along.
    for (const call of batch.calls) call.isAwaited ||= call.isObserved
    this.#onTheWay += 1
    void when.then(() => {
      this.#onTheWay -= 1
      batch.madeAt = performance.now()
      this.#batches.unshift(batch)
      this.#send()
    })
  }

  #refuse(batch: Batch): void {
    const message = `${this.#count} calls wait to be sent already (maxBuffered); slow down, or await handle.enqueued`
    // Later in the tick, as for every other failure: the caller has had no chance to look yet.
    queueMicrotask(() => {
      this.#fail(batch, new EnqueueError(message, false))
      batch.release()
    })
  }

  #fail(batch: Batch, error: MillraceError): void {
    batch.settle(error)
    this.#options.onFailed(batch.calls, error)
    if (batch.isObserved || batch.calls.every((call) => call.isObserved)) return
    this.#options.onUnseenFailure(error)
  }
}

const sizeOf = (batch: Batch): number => batch.bytes + batch.calls.length * OVERHEAD

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, FULL_PAUSE))
