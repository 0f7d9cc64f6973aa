/** What was told of tasks that are not here (yet): the connection that brings words may be ahead of the one that brings tasks. */

/** Keys that are remembered, at most: most are of tasks that others run. */
const MAX_KEYS = 2_000

export class Early {
  readonly #words = new Map<string, string>()

  /** The first word on a task counts. */
  keep(key: string, word: string): void {
    if (!this.#words.has(key)) this.#words.set(key, word)
    for (const oldest of this.#words.keys()) {
      if (this.#words.size <= MAX_KEYS) break
      this.#words.delete(oldest)
    }
  }

  /** Calls back with each word on one of these, which have come now. */
  about(come: readonly { readonly key: string }[], hear: (key: string, word: string) => void): void {
    if (this.#words.size === 0) return
    for (const { key } of come) {
      const word = this.#words.get(key)
      if (word !== undefined) hear(key, word)
    }
  }
}
