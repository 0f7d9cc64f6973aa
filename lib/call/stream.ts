/**
 * What a task yields, read by its caller. Chunks lie in Redis until they are read; a word on the reply channel says that
 * there are some, and reading by number makes up for all that is lost on the way: after a reconnect it goes on where it
 * was. What was read is acknowledged by the next reading, so one page at most lies here, and Redis has room for more.
 *
 *   begin ──► read a page ──► yield its chunks ──► read on …   nothing there: wait for a word, or for the task's end
 *                                                              left early: `leave`, and nobody waits for this reader
 */

import { setTimeout as delay } from 'node:timers/promises'
import { decode } from '../codec.ts'
import { RedisError, TaskLostError } from '../errors.ts'
import type { CancelAnswer } from '../redis/admin.ts'
import type { Backend } from '../redis/backend.ts'
import type { ChunkPage, ChunkRequest } from '../redis/chunks.ts'
import { isTransient } from '../redis/faults.ts'
import { type STREAM_OPTIONS, StreamGapError, StreamRestartedError, StreamTakenError } from '../streams.ts'
import { errorOf } from './outcome.ts'
import type { Outcome, Replies } from './replies.ts'

/** Chunks that are read at once. */
const PAGE = 64
/** Between words of a reader that has enough to do, ms: lua/shared/series.lua takes one that is silent for gone. */
const SIGN_OF_LIFE = 10_000
const READY_TIMEOUT = 5_000
const FIRST_PAUSE = 20
const MOST_PAUSE = 1_000

export interface StreamServices {
  readonly replies: Replies
  readonly backend: Pick<Backend, 'ready' | 'store'>
  /** Of this queue object: its reply channel. */
  readonly client: string
  readonly cancel: (id: string, reason?: string) => Promise<CancelAnswer>
  /** Inside a handler: its slot is lent to others while it waits. */
  readonly whileWaiting: <T>(wait: Promise<T>) => Promise<T>
  readonly onError: (error: Error) => void
}

/** Whose chunks are read. */
export interface Streamed {
  /** Known once it is enqueued. */
  readonly id: string
  readonly enqueued: Promise<void>
}

type Options = { readonly [K in keyof typeof STREAM_OPTIONS]: ReturnType<(typeof STREAM_OPTIONS)[K]> }

/** wait: for the task's end; of a call that has not left yet it makes the reply's address go along. */
export async function* readStream<C>(
  task: Streamed,
  wait: () => Promise<Outcome>,
  services: StreamServices,
  options: Options,
): AsyncGenerator<C, void, void> {
  const { signal, cancelOnBreak } = options
  const outcome = wait()
  await services.whileWaiting(task.enqueued)
  const reading = new Reading(task.id, services, options, outcome)
  try {
    for (;;) {
      signal?.throwIfAborted()
      const chunks = await reading.nextPage()
      if (!chunks) return
      for (const chunk of chunks) {
        reading.give()
        yield decode(chunk) as C
        signal?.throwIfAborted()
        reading.taken()
      }
    }
  } finally {
    reading.close()
    if (!reading.isOver) {
      await reading.leave()
      if (cancelOnBreak) await services.cancel(task.id, 'nobody reads it any more').catch(services.onError)
    }
  }
}

let readers = 0

class Reading {
  /** Nobody waits for this reader any more: the task has ended, or another one reads. */
  isOver = false
  readonly #id: string
  readonly #services: StreamServices
  readonly #options: Options
  readonly #name: string
  #how: ChunkRequest['how'] = 'begin'
  /** Of the attempt that it reads from. */
  #place = ''
  /** Numbers of the next chunk to be given, and of the first that the caller may still be busy with. */
  #next = 1
  #busyWith = 1
  #hasGiven = false
  #ended: Outcome | undefined
  /** Something may be there that the last reading has not seen. */
  #isNudged = false
  #wake = (): void => {}
  readonly #timer: NodeJS.Timeout
  readonly #deaf: () => void

  constructor(id: string, services: StreamServices, options: Options, outcome: Promise<Outcome>) {
    readers += 1
    this.#id = id
    this.#services = services
    this.#options = options
    this.#name = `${services.client}.${readers}`
    this.#deaf = services.replies.hear(id, () => this.#nudge())
    this.#timer = setInterval(() => this.#showLife(), SIGN_OF_LIFE).unref()
    options.signal?.addEventListener('abort', this.#onAbort)
    void outcome.then((ended) => {
      this.#ended = ended
      clearInterval(this.#timer)
      this.#nudge()
    })
  }

  /** The chunks that follow; undefined: the task has ended well, and there are no more. Throws as its `get()` does. */
  async nextPage(): Promise<readonly Buffer[] | undefined> {
    for (;;) {
      // Before it is read: what is not there after the end will never come.
      const ended = this.#ended
      this.#isNudged = false
      const page = await this.#read()
      const chunks = this.#accept(page)
      if (chunks.length > 0) return chunks
      if (ended) {
        this.isOver = true
        const error = errorOf(this.#id, ended)
        if (error) throw error
        return undefined
      }
      this.#options.signal?.throwIfAborted()
      await this.#services.whileWaiting(this.#nudged())
      this.#options.signal?.throwIfAborted()
    }
  }

  /** The caller has the next chunk. */
  give(): void {
    this.#next += 1
    this.#hasGiven = true
  }

  /** And is done with it. */
  taken(): void {
    this.#busyWith = this.#next
  }

  close(): void {
    clearInterval(this.#timer)
    this.#deaf()
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }

  /** Once: a reader of whom nothing is heard counts as gone after a while. */
  async leave(): Promise<void> {
    this.isOver = true
    if (this.#how === 'begin') return
    await this.#ask('leave', this.#next, 0).catch(() => {})
  }

  readonly #onAbort = (): void => this.#nudge()

  #nudge(): void {
    this.#isNudged = true
    this.#wake()
  }

  async #nudged(): Promise<void> {
    if (this.#isNudged) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  #showLife(): void {
    if (this.#how === 'read') this.#ask('read', this.#busyWith, 0).catch(() => {})
  }

  #ask(how: ChunkRequest['how'], next: number, most: number): Promise<ChunkPage> {
    const { store } = this.#services.backend
    return store.chunks.read({ id: this.#id, reader: this.#name, how, place: this.#place, next, most })
  }

  /** Again and again until Redis answers, or the queue is closed. */
  async #read(): Promise<ChunkPage> {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, MOST_PAUSE)) {
      if (this.#ended?.state === 'rejected') throw this.#ended.error
      this.#options.signal?.throwIfAborted()
      try {
        await this.#services.backend.ready(READY_TIMEOUT)
        const page = await this.#ask(this.#how, this.#next, PAGE)
        this.#how = 'read'
        return page
      } catch (error) {
        if (!(error instanceof RedisError && isTransient(error))) throw error
        await delay(pause)
      }
    }
  }

  #accept(page: ChunkPage): readonly Buffer[] {
    if (page.state !== 'ok') {
      this.isOver = true
      throw page.state === 'none' ? new TaskLostError(this.#id) : new StreamTakenError(this.#id)
    }
    if (page.place !== this.#place) {
      this.#place = page.place
      this.#next = page.next
      this.#busyWith = page.next
      if (this.#hasGiven)
        this.#tell('onRestart', page.attempt, () => new StreamRestartedError(this.#id, page.attempt))
    }
    const missed = page.first - this.#next
    if (missed > 0) {
      this.#next = page.first
      this.#busyWith = page.first
      this.#tell('onGap', missed, () => new StreamGapError(this.#id, missed))
    }
    return page.chunks
  }

  #tell(which: 'onRestart' | 'onGap', detail: number, error: () => Error): void {
    const answer = this.#options[which]
    if (answer === 'throw') throw error()
    if (answer !== 'continue') answer(detail)
  }
}
