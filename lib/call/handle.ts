/** What a call gives back: a name for the task, and ways to wait for it. Not thenable: `await fib(1)` would wait. */

import { decode } from '../codec.ts'
import type { Deadlines } from '../deadlines.ts'
import { OptionError, WaitTimeoutError } from '../errors.ts'
import { anything, flag, optionalInteger, resolve } from '../options.ts'
import type { TaskInfo } from '../record.ts'
import type { CancelAnswer } from '../redis/admin.ts'
import { STREAM_OPTIONS, type StreamOptions } from '../streams.ts'
import type { PendingCall } from './batch.ts'
import { errorOf } from './outcome.ts'
import type { Outcome } from './replies.ts'
import { waitsForItself } from './scope.ts'
import { readStream, type StreamServices } from './stream.ts'

export interface GetOptions {
  /** Ms to wait, at most; the task goes on. Default: until it ends. */
  readonly timeout?: number
  /** Ends the wait, not the task. */
  readonly signal?: AbortSignal
  /** When `signal` aborts, the task is cancelled too. Default false. */
  readonly cancelOnAbort?: boolean
}

/** What all handles of a queue share. */
export interface HandleServices extends StreamServices {
  readonly deadlines: Deadlines
  readonly inspect: (id: string) => Promise<TaskInfo | null>
}

/** Of a handle: the call that Redis may not have accepted yet, and the queue's services that it was made with. */
export let pendingOf: (handle: TaskHandle) => { call: PendingCall | undefined; owner: HandleServices }

/** R: what the task gives. C: what it yields before, if it does. */
export class TaskHandle<R = unknown, C = unknown> {
  static {
    pendingOf = (handle) => {
      const call = handle.#call
      return { call: call?.batch.isSettled ? undefined : call, owner: handle.#services }
    }
  }

  readonly #id: string
  readonly #services: HandleServices
  readonly #call: PendingCall | undefined
  #outcome: Promise<Outcome> | undefined

  /** Made by calling a task, or by `queue.handle(id)`. */
  constructor(id: string, services: HandleServices, call?: PendingCall) {
    this.#id = id
    this.#services = services
    this.#call = call
  }

  /** The task's id, known before Redis has heard of it. Of a call that joined a live task: that one's, once `enqueued`. */
  get id(): string {
    return this.#call?.joined ?? this.#id
  }

  /** Once `enqueued`: the call has a key that a live task holds, and this is that task's handle. */
  get joined(): boolean {
    return this.#call?.joined !== undefined
  }

  /**
   * Resolves when Redis has accepted the call; rejects with EnqueueError, QueueFullError, UnknownParentError or
   * TransactionAbortedError. Inside of the transaction that holds the call back: with OptionError.
   */
  get enqueued(): Promise<void> {
    const call = this.#call
    if (!call) return Promise.resolve()
    if (waitsForItself(call)) return Promise.reject(heldBack('enqueued'))
    call.isObserved = true
    return call.accepted
  }

  /**
   * Cancels the task: where it has not begun, it never will (`cancelled`); where it runs, its worker is told to abort it
   * (`running`). `ended`: too late; `none`: there is no such task.
   */
  async cancel(reason?: string): Promise<CancelAnswer> {
    await this.enqueued
    return this.#services.cancel(this.id, reason)
  }

  /**
   * The result. Rejects with TaskFailedError (its `cause` is what the handler threw), TaskCancelledError,
   * TaskExpiredError, TaskLostError, WaitTimeoutError, QueueClosedError, the signal's reason, or as `enqueued` does.
   * Inside a handler it lends the handler's slot to others while it waits.
   */
  async get(options?: GetOptions): Promise<R> {
    // Async, and throwing from here, so that the error's stack names who awaits it; that costs nothing until then.
    const outcome = await this.#services.whileWaiting(options ? this.#waitWithin(options) : this.#wait())
    if (outcome.state === 'succeeded')
      return (outcome.value.length === 0 ? undefined : decode(outcome.value)) as R
    throw errorOf(this.id, outcome)
  }

  /** What is known of the task now; null when nothing is (any more). */
  info(): Promise<TaskInfo | null> {
    return this.#services.inspect(this.id)
  }

  /**
   * The newest progress values until the task ends, however it ends. Values that come faster than they are taken
   * are passed over for newer ones.
   */
  async *progress(): AsyncGenerator<unknown, void, void> {
    let newest: Buffer | undefined
    let newestVersion = 0
    let ended = false
    let wake = (): void => {}
    // The wait first: a call that has not left yet takes the address along.
    const outcome = this.#wait()
    const stop = this.#services.replies.listen(this.id, (value, version) => {
      // Messages and readings of the record come by two connections: either may be late.
      if (version <= newestVersion) return
      newestVersion = version
      newest = value
      wake()
    })
    void outcome.then(() => {
      ended = true
      wake()
    })
    try {
      for (;;) {
        if (newest) {
          const value = decode(newest)
          newest = undefined
          yield value
        } else if (ended) {
          return
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      }
    } finally {
      stop()
    }
  }

  /**
   * What the task yields, in order, each chunk once, until it ends; then it rejects as `get()` does where the task did
   * not succeed. Also of a task that has ended, as long as its chunks are kept. One reader gets them: where another
   * begins, the one before rejects with StreamTakenError. Rejects with StreamRestartedError or StreamGapError unless
   * `onRestart` and `onGap` say otherwise. Inside a handler it lends the slot while it waits. Throws OptionError.
   */
  stream(options?: StreamOptions): AsyncGenerator<C, void, void> {
    const resolved = resolve('stream', options, STREAM_OPTIONS)
    return readStream<C>(this, () => this.#wait(), this.#services, resolved)
  }

  #wait(): Promise<Outcome> {
    if (this.#outcome) return this.#outcome
    const { replies } = this.#services
    const call = this.#call
    if (call && waitsForItself(call)) throw heldBack('get')
    if (call?.error) return Promise.resolve({ state: 'rejected', error: call.error })
    this.#outcome = !call || call.batch.state === 'accepted' ? replies.join(this.id) : replies.expect(call)
    return this.#outcome
  }

  #waitWithin(options: GetOptions): Promise<Outcome> {
    const { timeout, signal, cancelOnAbort } = resolve('get', options, GET_OPTIONS)
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new OptionError('get: signal must be an AbortSignal')
    }
    const cancel = (): void => {
      if (cancelOnAbort) this.cancel('nobody waits for it any more').catch(this.#services.onError)
    }
    if (signal?.aborted) {
      cancel()
      return Promise.reject(signal.reason)
    }
    const { deadlines } = this.#services
    return new Promise((resolveWait, reject) => {
      // First: where there is nothing to wait for it throws, and no deadline may be left to keep the process.
      const wait = this.#wait()
      const deadline =
        timeout === undefined
          ? undefined
          : deadlines.add(timeout, () => {
              end()
              reject(new WaitTimeoutError(this.id, timeout))
            })
      const abort = (): void => {
        end()
        cancel()
        reject(signal?.reason)
      }
      const end = (): void => {
        if (deadline) deadlines.remove(deadline)
        signal?.removeEventListener('abort', abort)
      }
      signal?.addEventListener('abort', abort, { once: true })
      void wait.then((outcome) => {
        end()
        resolveWait(outcome)
      })
    })
  }
}

const heldBack = (what: string): OptionError =>
  new OptionError(
    `handle.${what}: its transaction sends the call when its function has returned; wait for it after that`,
  )

const GET_OPTIONS = {
  timeout: optionalInteger(0),
  signal: anything<AbortSignal>(),
  cancelOnAbort: flag(false),
}
