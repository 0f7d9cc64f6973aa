/** The server's clock, as far as it is known here: every time that tasks carry is read from that one clock. */
export class Clock {
  #ahead = 0

  /** now: the server's time just now, epoch ms. */
  learn(now: number): void {
    this.#ahead = now - Date.now()
  }

  get now(): number {
    return Date.now() + this.#ahead
  }

  /** For spans of time, ms from anywhere: it never jumps. */
  get steady(): number {
    return performance.now()
  }
}
