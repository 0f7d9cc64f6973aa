/**
 * One contract for everything that happens from time to time: start and stop are safe twice and in any order, a
 * round never overlaps itself, an error goes to `onError` and never ends the loop, and stop waits for the round
 * that is under way.
 */

export interface LoopOptions {
  /** One round; answers how many ms until the next. */
  readonly round: () => Promise<number> | number
  readonly onError: (error: unknown) => void
  /** Ms until the first round, and after one that failed. */
  readonly pause: number
  /** Ms after a round that failed, where that is another time. */
  readonly retry?: number
  /** Rounds come when they are due, and not up to 10 % sooner or later. */
  readonly isExact?: boolean
}

export class Loop {
  readonly #options: LoopOptions
  #timer: NodeJS.Timeout | undefined
  #current: Promise<void> | undefined
  #running = false
  #again = false
  /** Of performance.now(), when the next round is due. */
  #at = 0

  constructor(options: LoopOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    // A round that was under way at the last stop goes on, and arms the timer when it ends.
    if (!this.#current) this.#arm(this.#options.pause)
  }

  async stop(): Promise<void> {
    this.#running = false
    this.#again = false
    clearTimeout(this.#timer)
    await this.#current
  }

  /** The next round now, or directly after the one under way. */
  kick(): void {
    if (!this.#running) return
    if (this.#current) this.#again = true
    else this.#arm(0)
  }

  /** The next round in so many ms, if it was to come later. */
  hurry(wait: number): void {
    if (!this.#running) return
    if (this.#current) this.#again = true
    else if (performance.now() + wait < this.#at) this.#arm(wait)
  }

  /** Loops started together should not stay together: ± 10 %. */
  #arm(wait: number): void {
    clearTimeout(this.#timer)
    const jittered = this.#options.isExact ? wait : wait * (0.9 + Math.random() * 0.2)
    this.#at = performance.now() + jittered
    this.#timer = setTimeout(() => {
      this.#current = this.#round()
    }, jittered)
  }

  async #round(): Promise<void> {
    let wait = this.#options.retry ?? this.#options.pause
    try {
      wait = await this.#options.round()
    } catch (error) {
      this.#options.onError(error)
    }
    this.#current = undefined
    if (!this.#running) return
    this.#arm(this.#again ? 0 : wait)
    this.#again = false
  }
}
