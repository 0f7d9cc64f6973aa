/**
 * Turns: outcomes go out and new work comes in by one script. Outcomes of one event-loop turn go together; when
 * nothing else runs they go at once. At most two turns are on their way, so batches grow with the load.
 */

import type { Outcome } from '../redis/wire.ts'
import type { Held } from './held.ts'

const MAX_OUTCOMES = 256
const MAX_WANT = 256
const MAX_BYTES = 1024 * 1024
const MAX_ON_THE_WAY = 2
/** So many outcomes leave at once, and beside another turn, so that Redis works while the next handlers run. */
const ENOUGH = 128
/** After so many ms outcomes leave although handlers still follow each other without a pause. */
const MAX_WAIT = 2.5

export interface Finished {
  readonly held: Held
  readonly outcome: Outcome
}

export interface TurnsOptions<Reply> {
  /** How many more tasks the worker could run now; 0 while it stops, or while a blocking read waits for them. */
  readonly wanted: () => number
  /** Whether handlers run: their outcomes are worth waiting for until the end of this event-loop turn. */
  readonly isBusy: () => boolean
  /** Sends one turn; deals with lost connections itself. */
  readonly send: (want: number, outcomes: readonly Outcome[]) => Promise<Reply>
  readonly onReply: (finished: readonly Finished[], want: number, reply: Reply) => void
  readonly onError: (finished: readonly Finished[], error: unknown) => void
}

export class Turns<Reply> {
  readonly #options: TurnsOptions<Reply>
  #finished: Finished[] = []
  /** When the first of them ended. */
  #since = 0
  #onTheWay = 0
  #asked = 0
  #scheduled = false
  #idle: (() => void)[] = []

  constructor(options: TurnsOptions<Reply>) {
    this.#options = options
  }

  /** Slots that turns on their way may fill. */
  get asked(): number {
    return this.#asked
  }

  push(finished: Finished): void {
    const now = performance.now()
    if (this.#finished.length === 0) this.#since = now
    this.#finished.push(finished)
    if (this.#finished.length >= ENOUGH || now - this.#since >= MAX_WAIT) this.#flush()
    else this.#schedule()
  }

  /** There may be work: take some if there is room. */
  ask(): void {
    this.#schedule()
  }

  /** The same at once, with the outcomes that are there: the event loop will not turn for a while. */
  hurry(): void {
    this.#flush()
  }

  /** Outcomes that will never be accepted: the worker's registration is gone. */
  forget(): void {
    this.#finished = []
  }

  /** Resolves when nothing is left to be sent and nothing is on its way. */
  settled(): Promise<void> {
    if (this.#finished.length === 0 && this.#onTheWay === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Few outcomes wait for the turn on its way: larger batches cost everybody less. */
  get #mayGo(): boolean {
    if (this.#onTheWay === 0) return true
    return this.#onTheWay < MAX_ON_THE_WAY && this.#finished.length >= ENOUGH
  }

  #schedule(): void {
    if (this.#scheduled || !this.#mayGo) return
    this.#scheduled = true
    const flush = (): void => {
      this.#scheduled = false
      this.#flush()
    }
    if (this.#options.isBusy()) setImmediate(flush)
    else queueMicrotask(flush)
  }

  #flush(): void {
    while (this.#mayGo) {
      // One turn at a time asks without bringing anything: a second would find the same.
      const mayAsk = this.#finished.length > 0 || this.#asked === 0
      const want = mayAsk ? Math.min(this.#options.wanted(), MAX_WANT) : 0
      if (this.#finished.length === 0 && want <= 0) break
      this.#turn(this.#nextBatch(), Math.max(want, 0))
    }
    if (this.#finished.length > 0 || this.#onTheWay > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  #turn(finished: readonly Finished[], want: number): void {
    this.#onTheWay += 1
    this.#asked += want
    const outcomes = finished.map(({ outcome }) => outcome)
    const { send, onReply } = this.#options
    void send(want, outcomes).then(
      (reply) => this.#answered(finished, want, () => onReply(finished, want, reply)),
      (error) =>
        this.#answered(finished, want, () => {
          throw error
        }),
    )
  }

  #answered(finished: readonly Finished[], want: number, take: () => void): void {
    this.#asked -= want
    this.#onTheWay -= 1
    try {
      take()
    } catch (error) {
      this.#options.onError(finished, error)
    }
    this.#flush()
  }

  #nextBatch(): Finished[] {
    let count = 0
    let bytes = 0
    while (count < this.#finished.length && count < MAX_OUTCOMES) {
      const { value } = this.#finished[count]!.outcome
      if (count > 0 && bytes + value.length > MAX_BYTES) break
      bytes += value.length
      count += 1
    }
    return this.#finished.splice(0, count)
  }
}
