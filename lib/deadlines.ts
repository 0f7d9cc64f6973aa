/**
 * Many deadlines, one timer. Those of the same length end in the order in which they were set, so a list for each
 * length suffices and adding or removing one costs the same however many there are.
 */

export interface Deadline {
  readonly at: number
  readonly length: number
  readonly expire: () => void
}

export class Deadlines {
  readonly #lists = new Map<number, Set<Deadline>>()
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY
  /** No deadline is left, and the timer keeps no process alive. */
  #isResting = false

  /** Calls `expire` once, `length` ms from now, unless the deadline is removed before. */
  add(length: number, expire: () => void): Deadline {
    const deadline = { at: performance.now() + length, length, expire }
    const list = this.#lists.get(length)
    if (list) list.add(deadline)
    else this.#lists.set(length, new Set([deadline]))
    if (deadline.at < this.#timerAt) this.#arm(deadline.at)
    else if (this.#isResting) this.#timer?.ref()
    this.#isResting = false
    return deadline
  }

  /** Safe twice. */
  remove(deadline: Deadline): void {
    const list = this.#lists.get(deadline.length)
    if (!list?.delete(deadline) || list.size > 0) return
    this.#lists.delete(deadline.length)
    if (this.#lists.size > 0) return
    // Left to run out: whoever adds and removes one at a time would arm a timer for each.
    this.#timer?.unref()
    this.#isResting = true
  }

  #expireDue(): void {
    this.#disarm()
    const now = performance.now()
    let next = Number.POSITIVE_INFINITY
    for (const list of [...this.#lists.values()]) {
      for (const deadline of list) {
        if (deadline.at > now) {
          next = Math.min(next, deadline.at)
          break
        }
        this.remove(deadline)
        deadline.expire()
      }
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
