/**
 * Counts completions in the worker process.
 *
 * The clock runs from completion number `skip` (0: from the first) to the last one expected. A worker that takes
 * `concurrency` tasks at once ends that many at the very start, before it has acknowledged any; counted in, they would
 * be a present of concurrency / tasks to whoever works in batches.
 *
 * Where several processes share the tasks, none of them knows how many are its own: then the tally says when it ended
 * its last so far.
 */

import { now } from '../clock.ts'
import type { Tally } from '../protocol.ts'

export class Meter {
  readonly #expected: number
  readonly #skip: number
  #firstAt: number | undefined
  #lastAt: number | undefined
  #ran = 0
  #ms = 0
  #reached = (): void => {}
  readonly #done: Promise<void>

  constructor(expected: number, skip: number) {
    this.#expected = expected
    this.#skip = Math.max(1, Math.min(skip, expected - 1))
    this.#done = new Promise((resolve) => {
      this.#reached = resolve
    })
  }

  readonly hit = (): void => {
    this.#ran += 1
    // 40 ns, the same for all.
    this.#lastAt = now()
    if (this.#ran === this.#skip) this.#firstAt = this.#lastAt
    if (this.#ran === this.#expected) {
      this.#ms = this.#lastAt - this.#firstAt!
      this.#reached()
    }
  }

  /** Handlers that ran to their end so far; more than expected means that some ran twice. */
  get ran(): number {
    return this.#ran
  }

  get tally(): Tally {
    return { ran: this.#ran, firstAt: this.#firstAt, lastAt: this.#lastAt }
  }

  /** Resolves after the last: ms on the clock, and the tasks that ended in them. */
  async finished(): Promise<{ ms: number; tasks: number }> {
    await this.#done
    return { ms: this.#ms, tasks: this.#expected - this.#skip }
  }
}
