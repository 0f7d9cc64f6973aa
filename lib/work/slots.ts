/** A worker's slots: what runs has one each, and lends it while it waits for other tasks. */

import type { SlotHolder } from './held.ts'

/** Handlers of one worker that may wait for other tasks without keeping their slots. */
const MAX_LENT = 10_000

export class Slots {
  /** Taken, without those that are lent. */
  active = 0
  #lent = 0
  #idle: (() => void)[] = []

  /** With those that wait for other tasks. */
  get running(): number {
    return this.active + this.#lent
  }

  /** True: there is one more for others now. */
  lend(holder: SlotHolder): boolean {
    holder.waits += 1
    if (holder.waits > 1 || !holder.isRunning || this.#lent >= MAX_LENT) return false
    holder.hasLent = true
    this.#lent += 1
    this.active -= 1
    return true
  }

  /** It goes on at once, even if that is one more than the slots. */
  takeBack(holder: SlotHolder): void {
    holder.waits -= 1
    if (holder.waits > 0 || !holder.hasLent) return
    holder.hasLent = false
    this.#lent -= 1
    this.active += 1
  }

  /** It has ended. */
  free(holder: SlotHolder): void {
    if (holder.hasLent) this.#lent -= 1
    else this.active -= 1
    holder.hasLent = false
    if (this.running === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Resolves when none is taken. */
  idle(): Promise<void> {
    if (this.running === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }
}
