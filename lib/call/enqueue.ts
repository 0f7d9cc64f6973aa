/**
 * Calls leave in batches. An idle client sends at the end of the tick, so that what one tick calls goes together;
 * while a batch is on its way, calls gather for the next. Of a tick that makes thousands, full batches leave while it
 * goes on, so that Redis works meanwhile. A batch that gets no answer is sent again until the
 * oldest call's deadline: the script knows an id that it has seen. What is called while Redis is away waits here,
 * bounded in bytes and in time.
 */

import { callHead } from '../envelope.ts'
import { EnqueueError, QueueFullError, RedisError, UnknownParentError } from '../errors.ts'
import type { Backend } from '../redis/backend.ts'
import { isTransient, messageOf, toRedisError } from '../redis/faults.ts'
import { ANSWER_TIMEOUT } from '../redis/runner.ts'
import type { Exception } from '../redis/store.ts'
import { Batch, type PendingCall, type Refusal } from './batch.ts'

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
  readonly onFailed: (calls: readonly PendingCall[], error: Refusal) => void
  /** `joined` is set: another task stands for this call. */
  readonly onJoined: (call: PendingCall) => void
  /** Calls that nobody observes and that failed together. */
  readonly onUnseenFailure: (error: Refusal) => void
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

  add(call: PendingCall): void {
    const bytes = call.packed.length + OVERHEAD
    if (this.#bytes + bytes > this.#options.maxBuffered) {
      this.#refuse(call)
      return
    }
    this.#bytes += bytes
    this.#count += 1
    const batch = this.#openBatch()
    // Only now: whoever made the last call of the full one has had the chance to ask for its outcome.
    if (batch.calls.length === 0 && this.#batches.length > MANY) this.#send()
    call.batch = batch
    call.isCapped = this.#options.maxQueued !== undefined || call.how?.includes('after') === true
    batch.calls.push(call)
    batch.bytes += call.packed.length
    if (this.#scheduled || !this.#mayGo) return
    this.#scheduled = true
    queueMicrotask(() => this.#send())
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

  get #mayGo(): boolean {
    if (this.#onTheWay === 0) return true
    return this.#onTheWay < MAX_ON_THE_WAY && this.#batches[0]?.isFull === true
  }

  #send(): void {
    this.#scheduled = false
    while (this.#batches.length > 0 && this.#mayGo) {
      const batch = this.#batches.shift()!
      this.#onTheWay += 1
      void this.#deliver(batch).then(() => {
        this.#onTheWay -= 1
        this.#bytes -= batch.bytes + batch.calls.length * OVERHEAD
        this.#count -= batch.calls.length
        batch.release()
        this.#send()
      })
    }
    if (this.#batches.length > 0 || this.#onTheWay > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  async #deliver(batch: Batch): Promise<void> {
    const { backend, timeout, maxQueued } = this.#options
    const deadline = batch.madeAt + timeout
    batch.state = 'sent'
    let accepted: false | 'unknown' = false
    for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
      try {
        if (!backend.isReady) await backend.ready(Math.max(0, deadline - performance.now()))
        const isResent = accepted === 'unknown'
        const answer = backend.store.enqueue(batch.calls, this.#heads, isResent, maxQueued)
        const left = deadline - performance.now()
        // Else the socket's own deadline comes first.
        const exceptions = await (left < ANSWER_TIMEOUT ? within(left, answer) : answer)
        if (exceptions.length > 0) this.#except(batch, exceptions)
        batch.settle()
        backend.seen()
        return
      } catch (thrown) {
        const error = toRedisError(thrown)
        if (error.executed === 'unknown') accepted = 'unknown'
        if (!isWorthWaiting(error) || performance.now() + wait > deadline) {
          this.#fail(batch, enqueueError(batch.calls.length, error, accepted))
          return
        }
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
    }
  }

  /** Calls of an accepted batch that have not become tasks of their own. */
  #except(batch: Batch, exceptions: readonly Exception[]): void {
    const { queue, maxQueued = 0, onFull, onJoined } = this.#options
    const over: PendingCall[] = []
    for (const exception of exceptions) {
      const call = batch.calls[exception.index]
      if (!call) continue
      if ('full' in exception) {
        over.push(call)
      } else if ('orphan' in exception) {
        this.#reject([call], new UnknownParentError(exception.orphan))
      } else {
        call.fate = { joined: exception.joined, before: exception.state }
        if (call.joined !== undefined) onJoined(call)
      }
    }
    if (over.length === 0) return
    // Whoever closes does not wait for room.
    if (onFull === 'wait' && this.#idle.length === 0) {
      this.#wait(batch, over)
      return
    }
    this.#reject(over, new QueueFullError(queue, maxQueued))
  }

  #reject(calls: readonly PendingCall[], error: QueueFullError | UnknownParentError): void {
    const { onFailed, onUnseenFailure } = this.#options
    for (const call of calls) call.fate = { error }
    onFailed(calls, error)
    if (calls.some((call) => !call.isObserved)) onUnseenFailure(error)
  }

  /** They go on as a batch of their own, ahead of all others, after a pause. What waits is bounded by `maxBuffered`. */
  #wait(from: Batch, calls: readonly PendingCall[]): void {
    const batch = new Batch()
    for (const call of calls) {
      call.batch = batch
      // Whoever asked meanwhile: the reply's address can still go along.
      call.isAwaited ||= call.isObserved
      batch.calls.push(call)
      batch.bytes += call.packed.length
    }
    from.calls = from.calls.filter((call) => call.batch === from)
    from.bytes -= batch.bytes
    this.#onTheWay += 1
    setTimeout(() => {
      this.#onTheWay -= 1
      this.#batches.unshift(batch)
      this.#send()
    }, FULL_PAUSE)
  }

  #refuse(call: PendingCall): void {
    const batch = new Batch()
    call.batch = batch
    batch.calls.push(call)
    const message = `${this.#count} calls wait to be sent already (maxBuffered); slow down, or await handle.enqueued`
    // Later in the tick, as for every other failure: the caller has had no chance to look yet.
    queueMicrotask(() => {
      this.#fail(batch, new EnqueueError(message, false))
      batch.release()
    })
  }

  #fail(batch: Batch, error: EnqueueError): void {
    batch.settle(error)
    this.#options.onFailed(batch.calls, error)
    if (batch.calls.some((call) => !call.isObserved)) this.#options.onUnseenFailure(error)
  }
}

/** A full memory or disk does not pass by itself within a call's patience: the caller hears of it at once. */
const isWorthWaiting = (error: RedisError): boolean =>
  isTransient(error) && !/^(OOM|MISCONF)\b/.test(error.message)

function enqueueError(count: number, cause: RedisError, accepted: false | 'unknown'): EnqueueError {
  const what = count === 1 ? 'the call was' : `${count} calls were`
  const how = accepted === 'unknown' ? 'perhaps not enqueued' : 'not enqueued'
  return new EnqueueError(`${what} ${how}: ${messageOf(cause)}`, accepted, { cause })
}

/** A call may have less time than a socket is given to answer. */
function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new RedisError("Redis gave no answer in the call's time", 'unknown'))
    const timer = setTimeout(late, Math.max(0, ms))
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
