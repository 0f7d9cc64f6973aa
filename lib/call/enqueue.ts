/**
 * What becomes of a queue's calls: each batch is sent until it is answered, and its calls are accepted, refused, or go on.
 * A batch that gets no answer is sent again until the oldest call's deadline: the script knows an id that it has seen.
 * What is called while Redis is away waits here, bounded in bytes and in time. An atomic batch (a transaction, a flow)
 * comes as a whole, and leaves as that. In which order they leave: line.ts.
 */

import { callHead } from '../envelope.ts'
import { EnqueueError, type MillraceError, QueueFullError, UnknownParentError } from '../errors.ts'
import type { Backend } from '../redis/backend.ts'
import { type Exception, isRefusal } from '../redis/calls.ts'
import type { CallHeads } from '../redis/wire.ts'
import { Batch, type PendingCall } from './batch.ts'
import { Line, sizeOf, sizeOfCall } from './line.ts'
import { crowdedError, untilAnswered } from './patience.ts'

/** Until the next try where the queue was full, ms. */
const FULL_PAUSE = 50

export interface EnqueuerOptions {
  readonly backend: Pick<Backend, 'isReady' | 'ready' | 'seen' | 'store' | 'place' | 'prefix'>
  readonly client: string
  /** Ms from a call to its rejection, at most. */
  readonly timeout: number
  /** Bytes that may wait here. */
  readonly maxBuffered: number
  readonly queue: string
  /** Throws where the queue is closed. */
  readonly checkOpen: () => void
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
  readonly line = new Line((batch) => this.#deliver(batch))
  readonly #options: EnqueuerOptions
  readonly #heads: CallHeads

  constructor(options: EnqueuerOptions) {
    this.#options = options
    this.#heads = { awaited: callHead(options.client), other: callHead(undefined) }
  }

  /** Of the queue, for messages. */
  get queue(): string {
    return this.#options.queue
  }

  get backend(): EnqueuerOptions['backend'] {
    return this.#options.backend
  }

  /** Ms from a call to its rejection, at most. */
  get timeout(): number {
    return this.#options.timeout
  }

  /** Throws where the queue is closed. */
  checkOpen(): void {
    this.#options.checkOpen()
  }

  add(call: PendingCall): void {
    const bytes = sizeOfCall(call)
    if (this.line.bytes + bytes > this.#options.maxBuffered) {
      const batch = new Batch()
      batch.push(call)
      this.#refuse(batch)
      return
    }
    const { how } = call
    call.mayDiffer =
      this.#options.maxQueued !== undefined || how?.includes('after') || how?.includes('hears') || false
    this.line.add(call, bytes)
  }

  /** An atomic batch: it leaves behind all that was called before, in one script. */
  addAll(batch: Batch): void {
    batch.madeAt = performance.now()
    batch.state = 'waiting'
    if (this.hasRoomFor(batch)) this.line.addBatch(batch)
    else this.#refuse(batch)
  }

  /** As much may wait here. */
  hasRoomFor(batch: Batch): boolean {
    return this.line.bytes + sizeOf(batch) <= this.#options.maxBuffered
  }

  get noRoomError(): EnqueueError {
    const message = `${this.line.count} calls wait to be sent already (maxBuffered); slow down, or await handle.enqueued`
    return new EnqueueError(message, false)
  }

  /** Calls that were held back and will never be sent. Who holds them back tells of it. */
  drop(batch: Batch, error: MillraceError): void {
    batch.settle(error)
    this.#options.onFailed(batch.calls, error)
    batch.release()
  }

  /** Calls that have not been answered yet. */
  get unsent(): number {
    return this.line.count
  }

  /** Resolves when every call made so far has been answered, one way or the other. */
  flush(): Promise<void> {
    return this.line.idle()
  }

  /** As scripts for several queues take it. */
  partOf(batch: Batch) {
    const { backend, maxQueued } = this.#options
    return { store: backend.store, calls: batch.calls, heads: this.#heads, cap: maxQueued }
  }

  /** Of an atomic batch: it was accepted. */
  accept(batch: Batch, exceptions: readonly Exception[]): void {
    if (exceptions.length > 0) this.#except(batch, exceptions)
    batch.settle()
    const { backend } = this.#options
    // What is touched on a connection that is not there counts as refused for a while.
    if (backend.isReady) backend.seen()
  }

  /**
   * Of an atomic batch that was not: why it fails, or what it waits for before it is tried again. mayWait: for room.
   */
  verdictOn(batch: Batch, refused: readonly Exception[], mayWait: boolean): MillraceError | Promise<void> {
    for (const exception of refused) {
      if ('crowded' in exception) return crowdedError(exception.crowded)
      const call = batch.calls[exception.index]
      if (!call || !('orphan' in exception)) continue
      const parent = call.takeParent(exception.orphan)
      const isElsewhere = parent !== undefined && parent.batch !== batch
      return isElsewhere ? parent.whenKnown(call) : new UnknownParentError(exception.orphan)
    }
    return mayWait && this.#options.onFull === 'wait' ? pause() : this.#fullError
  }

  fail(batch: Batch, error: MillraceError): void {
    batch.settle(error)
    this.#options.onFailed(batch.calls, error)
    if (batch.isObserved || batch.calls.every((call) => call.isObserved)) return
    this.#options.onUnseenFailure(error)
  }

  /** False: it will be sent once more, later. */
  async #deliver(batch: Batch): Promise<boolean> {
    const { backend, maxQueued } = this.#options
    batch.state = 'sent'
    let exceptions: readonly Exception[]
    try {
      exceptions = await untilAnswered(this, batch.madeAt, batch.calls.length, (isResent) =>
        backend.store.enqueue(batch.calls, this.#heads, isResent, maxQueued, batch.isAtomic),
      )
    } catch (error) {
      this.fail(batch, error as EnqueueError)
      return true
    }
    const refused = batch.isAtomic ? exceptions.filter(isRefusal) : []
    if (refused.length > 0) {
      const verdict = this.verdictOn(batch, refused, !this.line.isEnding)
      if (verdict instanceof Promise) this.line.again(batch, verdict)
      else this.fail(batch, verdict)
      return batch.isSettled
    }
    this.accept(batch, exceptions)
    return true
  }

  /** Calls that have not become tasks of their own. */
  #except(batch: Batch, exceptions: readonly Exception[]): void {
    const { onJoined, onFull } = this.#options
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
      // Whoever closes does not wait for room.
      if (onFull === 'wait' && !this.line.isEnding) this.#moveOn(batch, over, pause())
      else this.#refuseSome(over, this.#fullError)
    }
    batch.keepOwn()
  }

  #exceptOrphan(batch: Batch, call: PendingCall, id: string): void {
    const parent = call.takeParent(id)
    if (parent) this.#moveOn(batch, [call], parent.whenKnown(call))
    else this.#refuseSome([call], new UnknownParentError(id))
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
    this.line.again(batch, when)
  }

  #refuse(batch: Batch): void {
    const error = this.noRoomError
    // Later in the tick, as for every other failure: the caller has had no chance to look yet.
    queueMicrotask(() => {
      this.fail(batch, error)
      batch.release()
    })
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, FULL_PAUSE))
