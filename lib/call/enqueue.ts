/**
 * Calls leave in batches. An idle client sends at the end of the tick, so that what one tick calls goes together;
 * while batches are on their way, calls gather for the next. A batch that gets no answer is sent again until the
 * oldest call's deadline: the script knows an id that it has seen. What is called while Redis is away waits here,
 * bounded in bytes and in time.
 */

import { callHead } from '../envelope.ts'
import { EnqueueError, type RedisError } from '../errors.ts'
import type { Connection } from '../redis/connection.ts'
import { isTransient, messageOf, toRedisError } from '../redis/faults.ts'
import type { Store } from '../redis/store.ts'

const MAX_BATCH = 256
const MAX_BATCH_BYTES = 512 * 1024
const MAX_ON_THE_WAY = 3
/** What a waiting call costs besides its arguments, roughly. */
const OVERHEAD = 512

/** A call between `task(...)` and Redis' answer. */
export class PendingCall {
  readonly id: string
  readonly packed: Buffer
  readonly madeAt = performance.now()
  /** Somebody asked for the outcome before the batch left: the reply's address travels with the call. */
  awaited = false
  /** Somebody will see it fail. */
  observed = false
  state: 'waiting' | 'sent' | 'accepted' | 'failed' = 'waiting'
  #error: EnqueueError | undefined
  #listeners: ((error?: EnqueueError) => void)[] = []

  constructor(id: string, packed: Buffer) {
    this.id = id
    this.packed = packed
  }

  /** Calls back once, at once if it is settled already. */
  whenSettled(listener: (error?: EnqueueError) => void): void {
    this.observed = true
    if (this.state === 'accepted' || this.state === 'failed') listener(this.#error)
    else this.#listeners.push(listener)
  }

  settle(error?: EnqueueError): void {
    this.state = error ? 'failed' : 'accepted'
    this.#error = error
    for (const listener of this.#listeners) listener(error)
    this.#listeners = []
  }
}

export interface EnqueuerOptions {
  readonly connection: Connection
  readonly store: Store
  readonly client: string
  /** Ms from a call to its rejection, at most. */
  readonly timeout: number
  /** Bytes that may wait here. */
  readonly maxBuffered: number
  /** Calls that nobody observes and that failed together. */
  readonly onUnseenFailure: (error: EnqueueError) => void
}

export class Enqueuer {
  readonly #options: EnqueuerOptions
  readonly #replyHead: Buffer
  readonly #noReplyHead = callHead(undefined)
  #waiting: PendingCall[] = []
  #bytes = 0
  #onTheWay = 0
  #scheduled = false
  #idle: (() => void)[] = []

  constructor(options: EnqueuerOptions) {
    this.#options = options
    this.#replyHead = callHead(options.client)
  }

  add(call: PendingCall): void {
    const bytes = call.packed.length + OVERHEAD
    if (this.#bytes + bytes > this.#options.maxBuffered) {
      const message = `${this.#waiting.length} calls wait to be sent already (maxBuffered); slow down, or await handle.enqueued`
      // Later in the tick, as for every other failure: the caller has had no chance to look yet.
      queueMicrotask(() => this.#fail([call], new EnqueueError(message, false)))
      return
    }
    this.#bytes += bytes
    this.#waiting.push(call)
    if (!this.#scheduled && this.#onTheWay < MAX_ON_THE_WAY) {
      this.#scheduled = true
      queueMicrotask(() => this.#send())
    }
  }

  /** Resolves when every call made so far has been answered, one way or the other. */
  flush(): Promise<void> {
    if (this.#waiting.length === 0 && this.#onTheWay === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  #send(): void {
    this.#scheduled = false
    while (this.#waiting.length > 0 && this.#onTheWay < MAX_ON_THE_WAY) {
      const batch = this.#nextBatch()
      this.#onTheWay += 1
      void this.#deliver(batch).then(() => {
        this.#onTheWay -= 1
        this.#send()
      })
    }
    if (this.#waiting.length > 0 || this.#onTheWay > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  #nextBatch(): PendingCall[] {
    let count = 0
    let bytes = 0
    while (count < this.#waiting.length && count < MAX_BATCH) {
      const size = this.#waiting[count]!.packed.length
      if (count > 0 && bytes + size > MAX_BATCH_BYTES) break
      bytes += size
      count += 1
    }
    return count === this.#waiting.length ? this.#takeAll() : this.#waiting.splice(0, count)
  }

  #takeAll(): PendingCall[] {
    const all = this.#waiting
    this.#waiting = []
    return all
  }

  async #deliver(batch: PendingCall[]): Promise<void> {
    const { connection, store, timeout } = this.#options
    const deadline = batch[0]!.madeAt + timeout
    const calls = batch.map((call) => {
      call.state = 'sent'
      const head = call.awaited ? this.#replyHead : this.#noReplyHead
      return { lane: 'normal' as const, id: call.id, call: { parts: [head, call.packed] } }
    })
    let accepted: false | 'unknown' = false
    for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
      try {
        await connection.ready(Math.max(0, deadline - performance.now()))
        await store.enqueue(calls)
        this.#forget(batch)
        for (const call of batch) call.settle()
        return
      } catch (thrown) {
        const error = toRedisError(thrown)
        if (error.executed === 'unknown') accepted = 'unknown'
        if (!isWorthWaiting(error) || performance.now() + wait > deadline) {
          this.#forget(batch)
          this.#fail(batch, enqueueError(batch.length, error, accepted))
          return
        }
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
    }
  }

  #forget(batch: PendingCall[]): void {
    for (const call of batch) this.#bytes -= call.packed.length + OVERHEAD
  }

  #fail(batch: PendingCall[], error: EnqueueError): void {
    const unseen = batch.filter((call) => !call.observed)
    for (const call of batch) call.settle(error)
    if (unseen.length > 0) this.#options.onUnseenFailure(error)
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
