/**
 * The server's clock, as far as it is known here: every time that tasks carry is read from that one clock. It was read
 * between the question and the answer, so each answer bounds how far it is ahead of ours, and several bound it closely,
 * however long a busy event loop or a slow link let some of them wait.
 */
export class Clock {
  /** Ms that the server's clock is ahead of ours. */
  #least = Number.NEGATIVE_INFINITY
  #most = Number.POSITIVE_INFINITY
  #ahead = 0

  /** now: the server's time, epoch ms, told just now in answer to a question of `askedAt`, by Date.now(). */
  learn(now: number, askedAt: number): void {
    // Both clocks leave out parts of a millisecond.
    const least = now - Date.now() - 1
    const most = now - askedAt + 1
    // Ours was set back meanwhile.
    if (least > most) return
    const isSet = least > this.#most || most < this.#least
    this.#least = isSet ? least : Math.max(least, this.#least)
    this.#most = isSet ? most : Math.min(most, this.#most)
    this.#ahead = Math.round((this.#least + this.#most) / 2)
  }

  /** By so many ms `now` may be wrong. */
  get doubt(): number {
    return (this.#most - this.#least) / 2
  }

  get now(): number {
    return Date.now() + this.#ahead
  }

  /** For spans of time, ms from anywhere: it never jumps. */
  get steady(): number {
    return performance.now()
  }
}
