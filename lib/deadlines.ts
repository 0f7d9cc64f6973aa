/**
 * Many deadlines, one timer. Those of the same length end in the order in which they were set, so a list for each
 * length suffices and adding or removing one costs the same however many there are.
 */

import { type Link, Linked } from './linked.ts'

export interface Deadline extends Link {
  readonly at: number
  readonly length: number
  readonly expire: () => void
}

/** Lengths whose lists stay when they are empty: most deadlines are of few lengths, again and again. */
const MOST_EMPTY = 16

export class Deadlines {
  readonly #lists = new Map<number, Linked<Deadline>>()
  #count = 0
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY
  /** No deadline is left, and the timer keeps no process alive. */
  #isResting = false

  /** Calls `expire` once, `length` ms from now, unless the deadline is removed before. */
  add(length: number, expire: () => void): Deadline {
    const at = performance.now() + length
    const deadline: Deadline = { at, length, expire, before: undefined, after: undefined }
    let list = this.#lists.get(length)
    if (!list) {
      list = new Linked()
      this.#lists.set(length, list)
    }
    list.add(deadline)
    this.#count += 1
    if (deadline.at < this.#timerAt) this.#arm(deadline.at)
    else if (this.#isResting) this.#timer?.ref()
    this.#isResting = false
    return deadline
  }

  /** Safe twice. */
  remove(deadline: Deadline): void {
    const list = this.#lists.get(deadline.length)
    if (!list?.remove(deadline)) return
    this.#count -= 1
    if (!list.first && this.#lists.size > MOST_EMPTY) this.#lists.delete(deadline.length)
    if (this.#count > 0) return
    // Left to run out: whoever adds and removes one at a time would arm a timer for each.
    this.#timer?.unref()
    this.#isResting = true
  }

  #expireDue(): void {
    this.#disarm()
    const now = performance.now()
    let next = Number.POSITIVE_INFINITY
    for (const list of [...this.#lists.values()]) {
      let { first } = list
      for (; first && first.at <= now; first = list.first) {
        this.remove(first)
        first.expire()
      }
      if (first) next = Math.min(next, first.at)
    }
    if (next < this.#timerAt) this.#arm(next)
  }

  #arm(at: number): void {
    clearTimeout(this.#timer)
    this.#timerAt = at
    // setTimeout holds 32 bits; a farther deadline is looked at again on the way.
    const wait = Math.min(Math.max(0, Math.ceil(at - performance.now())), 2 ** 31 - 1)
    this.#timer = setTimeout(() => this.#expireDue(), wait)
  }

  #disarm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
  }
}
