/**
 * Whether a worker really gets work, which no connection alone can tell: each turn and each read that asks for work is
 * answered, within seconds even where there is none.
 */
export class Consuming {
  #since: Date | undefined
  #answeredAt = performance.now()

  /** Since when each of them was answered; undefined: the last was not, or none has been yet. */
  get since(): Date | undefined {
    return this.#since
  }

  /** Ms since the last answer, or since it was allowed to ask. */
  get silence(): number {
    return performance.now() - this.#answeredAt
  }

  /** It may ask from now on: registered anew, or no longer paused. */
  begin(): void {
    this.#since = undefined
    this.#answeredAt = performance.now()
  }

  answered(): void {
    this.#since ??= new Date()
    this.#answeredAt = performance.now()
  }

  /** One was not answered. */
  broken(): void {
    this.#since = undefined
  }
}
