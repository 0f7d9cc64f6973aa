/** How late tasks begin that were due at a certain time, by the clock that their callers read. */

import { epochClock } from '../clock.ts'
import type { Lateness } from '../protocol.ts'
import { percentileOf } from '../statistics.ts'
import type { Handler } from '../systems/system.ts'

/** By how much the clock of the dates may drift from the other meanwhile, ms. */
const TOLERANCE = 1

export class LatenessMeter {
  readonly #now = epochClock()
  #late: number[] = []
  #wanted = Number.POSITIVE_INFINITY
  #reached = (): void => {}

  /** The same handler, whose beginnings are noted. */
  noting(run: Handler): Handler {
    return (payload, done) => {
      this.#late.push(this.#now() - payload.due!)
      if (this.#late.length >= this.#wanted) this.#reached()
      return run(payload, done)
    }
  }

  /** Of those that began since it was last asked, as soon as there are so many. Throws where one began too soon. */
  async of(tasks: number): Promise<Lateness> {
    await new Promise<void>((resolve) => {
      this.#wanted = tasks
      this.#reached = resolve
      if (this.#late.length >= tasks) resolve()
    })
    const sorted = this.#late.sort((a, b) => a - b)
    this.#late = []
    this.#wanted = Number.POSITIVE_INFINITY
    if (sorted.length !== tasks) throw new Error(`${tasks} tasks were delayed, but ${sorted.length} began`)
    if (sorted[0]! < -TOLERANCE) throw new Error(`a task began ${-sorted[0]!} ms before it was due`)
    return { p50: percentileOf(sorted, 0.5), p99: percentileOf(sorted, 0.99), last: sorted.at(-1)! }
  }
}
