/**
 * Drives handlers that yield: each chunk is packed and sent to the buffer of its task, and a handler goes on only while
 * few of its chunks wait here.
 *
 *   handler ──yield──► unsent (64 at most) ──script chunk──► buffer in Redis ──► reader
 *                                              ▲   │ full
 *                        room, said by a reader│   ▼
 *                             or a look after a pause
 *
 * The attempt ends when Redis has all chunks, so its outcome comes behind them. When its signal aborts, the handler is
 * left as a loop would leave it: its `finally` blocks run. One that is aborted because its worker stops or has lost it
 * comes to no end here: the task is given back, and its outcome is another worker's.
 */

import type { Clock } from '../clock.ts'
import { encode } from '../codec.ts'
import type { Deadlines } from '../deadlines.ts'
import { TaskAbortedError, UnsupportedValueError } from '../errors.ts'
import type { ChunkBatch, ChunkStore, Written } from '../redis/chunks.ts'
import { isSource, type Source, type StreamPlan } from '../streams.ts'
import type { Held } from './held.ts'

/** Chunks of one task that wait here, at most: the handler does not go on. A batch has as many. */
const MAX_UNSENT = 64
const MAX_UNSENT_BYTES = 512 * 1024
/** Between looks for room, ms: a reader's word mostly comes first. */
const FIRST_PAUSE = 100
const MOST_PAUSE = 5_000
const NEVER: Promise<never> = new Promise(() => {})

export interface ChunksOptions {
  readonly clock: Clock
  readonly deadlines: Deadlines
  /** Of one chunk, packed. */
  readonly maxBytes: number
  /** Insists until Redis answers. */
  readonly write: ChunkStore['write']
  readonly onFenced: (held: Held) => void
}

export class Chunks {
  readonly #options: ChunksOptions
  /** By the places of their tasks. */
  readonly #feeds = new Map<string, Feed>()

  constructor(options: ChunksOptions) {
    this.#options = options
  }

  /** Resolves with what the handler returns, once Redis has all that it yielded; rejects with what it throws. */
  async drive(held: Held, source: Source, plan: StreamPlan): Promise<unknown> {
    const feed = new Feed(held, plan, this.#options)
    this.#feeds.set(held.key, feed)
    try {
      return await feed.drive(source)
    } finally {
      this.#feeds.delete(held.key)
    }
  }

  /** A reader has made room in the buffer of the task at this place. */
  room(key: string): void {
    this.#feeds.get(key)?.room()
  }
}

class Feed {
  readonly #held: Held
  readonly #plan: StreamPlan
  readonly #options: ChunksOptions
  readonly #limit: number
  #how: ChunkBatch['how']
  #unsent: Buffer[] = []
  #bytes = 0
  /** Number of the last chunk that Redis has. */
  #sent = 0
  #isSending = false
  #failure: unknown
  /** A reader spoke of room since the last batch was sent. */
  #hasRoom = false
  /** By the steady clock: since when it waits for room and nobody reads. */
  #unreadSince: number | undefined
  #wakeHandler = (): void => {}
  #wakeSender = (): void => {}

  constructor(held: Held, plan: StreamPlan, options: ChunksOptions) {
    this.#held = held
    this.#plan = plan
    this.#options = options
    this.#limit = Math.min(plan.buffer, MAX_UNSENT)
    this.#how = plan.full
  }

  room(): void {
    this.#hasRoom = true
    this.#wakeSender()
  }

  async drive(source: Source): Promise<unknown> {
    const iterator = iteratorOf(source)
    const { signal, attempt } = this.#held
    let leaving: Promise<void> | undefined
    const leave = (): Promise<void> => {
      leaving ??= leaveIt(iterator)
      return leaving
    }
    const onAbort = (): void => {
      void leave()
      this.#wakeHandler()
      this.#wakeSender()
    }
    signal.addEventListener('abort', onAbort)
    try {
      // What an earlier attempt has yielded goes, also where this one yields nothing.
      if (attempt > 1) this.#send()
      for (;;) {
        signal.throwIfAborted()
        const { done, value } = await iterator.next()
        if (done) {
          await this.#untilFew(1)
          return endOf(value)
        }
        this.#push(value)
        await this.#untilFew(this.#limit)
      }
    } catch (error) {
      await leave()
      // What was yielded before is there before the outcome is told, whatever that is.
      await this.#untilFew(1).catch(() => {})
      if (signal.aborted && !this.#held.givenUp) return NEVER
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #push(value: unknown): void {
    const chunk = encode(value, {
      what: `chunk ${this.#sent + this.#unsent.length + 1}`,
      maxBytes: this.#options.maxBytes,
      hint: 'yield less at a time, or raise maxPayload on the worker',
    })
    this.#unsent.push(chunk)
    this.#bytes += chunk.length
    this.#send()
  }

  /** Until fewer chunks than that wait here. Throws where the attempt is over, or Redis refused. */
  async #untilFew(limit: number): Promise<void> {
    const { signal } = this.#held
    const isMany = (): boolean =>
      this.#unsent.length >= limit || this.#bytes >= MAX_UNSENT_BYTES || (limit === 1 && this.#isSending)
    while (this.#failure === undefined && !signal.aborted && isMany()) {
      await new Promise<void>((resolve) => {
        this.#wakeHandler = resolve
      })
    }
    signal.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
  }

  /** What one tick yields goes together, and what is yielded while a batch is on its way, with the next. */
  #send(): void {
    if (this.#isSending) return
    this.#isSending = true
    queueMicrotask(() => void this.#sendAll())
  }

  async #sendAll(): Promise<void> {
    try {
      await this.#sendBatches()
    } catch (error) {
      this.#failure = error
    }
    this.#isSending = false
    // Yielded between the last batch and now.
    if (this.#unsent.length > 0 && this.#failure === undefined && !this.#held.signal.aborted) this.#send()
    this.#wakeHandler()
  }

  async #sendBatches(): Promise<void> {
    const held = this.#held
    const { id, lane, entry, attempt } = held
    let pause = FIRST_PAUSE
    do {
      this.#hasRoom = false
      const chunks = this.#unsent.slice(0, MAX_UNSENT)
      const written = await this.#options.write({
        ...{ id, lane, entry, attempt },
        ...{ how: this.#how, most: this.#plan.buffer, first: this.#sent + 1, chunks },
      })
      if (written === 'fenced') {
        this.#options.onFenced(held)
        throw new TaskAbortedError('the task was given to another worker')
      }
      const count = Math.min(Math.max(written.last - this.#sent, 0), chunks.length)
      this.#sent += count
      for (const chunk of this.#unsent.splice(0, count)) this.#bytes -= chunk.length
      if (count > 0) {
        pause = FIRST_PAUSE
        this.#wakeHandler()
      }
      if (count < chunks.length) {
        await this.#roomOrPause(written, pause)
        pause = Math.min(pause * 2, MOST_PAUSE)
      }
    } while (this.#unsent.length > 0 && !held.signal.aborted)
  }

  async #roomOrPause({ reader }: Written, pause: number): Promise<void> {
    const { clock, deadlines } = this.#options
    let wait = pause
    if (reader === 'reads') {
      this.#unreadSince = undefined
    } else {
      this.#unreadSince ??= clock.steady
      const left = this.#unreadSince + this.#plan.patience - clock.steady
      if (left <= 0) {
        this.#how = 'unread'
        return
      }
      wait = Math.min(pause, Math.ceil(left))
    }
    if (this.#hasRoom || this.#held.signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = deadlines.add(wait, resolve)
      this.#wakeSender = () => {
        deadlines.remove(timer)
        resolve()
      }
    })
  }
}

/** The part of an iterator that is needed of it: of a generator, of either kind, and of what makes them. */
interface Steps {
  next(): PromiseLike<IteratorResult<unknown>> | IteratorResult<unknown>
  return?(value?: unknown): unknown
}

function iteratorOf(source: Source): Steps {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]() as Steps
  return source[Symbol.iterator]() as Steps
}

function endOf(value: unknown): unknown {
  if (!isSource(value)) return value
  throw new UnsupportedValueError('result', 'of a generator is a generator: write `return yield* inner()`')
}

/** What it throws then is nobody's affair: the outcome is decided. */
async function leaveIt(iterator: Steps): Promise<void> {
  try {
    await iterator.return?.()
  } catch {}
}
