/** Tasks on their way back into line: those that this worker gives back, and those that its thread gave back for it. */

import type { Store } from '../redis/store.ts'
import { type Place, placeKey } from '../redis/wire.ts'
import { insist, type Patience } from './retry.ts'

/** Keys that are remembered, at most: of deliveries that are still on their way when the thread gives them back. */
const MAX_KEYS = 4_096

export interface ReturnsOptions {
  readonly store: Store
  readonly failedTtl: number
  readonly patience: Patience
  readonly worker: () => string
}

export class Returns {
  readonly #options: ReturnsOptions
  /** What the heartbeat's thread gave back lately. */
  readonly #byThread = new Set<string>()

  /** On their way back: the pending list still has them, and they are not strays. */
  readonly #leaving = new Set<string>()

  constructor(options: ReturnsOptions) {
    this.#options = options
  }

  /** begun: the attempt counts. delay: ms until they are in line again. */
  async give(places: readonly Place[], begun: boolean, delay?: number): Promise<void> {
    if (places.length === 0) return
    const { store, failedTtl, patience, worker } = this.#options
    const id = worker()
    const given = places.map(({ lane, entry }) => ({ lane, entry, begun, delay }))
    const keys = places.map(placeKey)
    for (const key of keys) this.#leaving.add(key)
    try {
      await insist(patience, () => store.release(id, given, failedTtl))
    } finally {
      for (const key of keys) this.#leaving.delete(key)
    }
  }

  gaveByThread(keys: readonly string[]): void {
    for (const key of keys) this.#byThread.add(key)
    for (const key of this.#byThread) {
      if (this.#byThread.size <= MAX_KEYS) break
      this.#byThread.delete(key)
    }
  }

  /** A delivery that arrives only now, and is not here any more. */
  isGone(place: Place): boolean {
    // As nearly always: asked of every delivery.
    if (this.#byThread.size + this.#leaving.size === 0) return false
    const key = placeKey(place)
    return this.#byThread.has(key) || this.#leaving.has(key)
  }

  /** Still in the pending list: giving them back has failed. */
  keep(places: readonly Place[]): void {
    for (const place of places) this.#byThread.delete(placeKey(place))
  }
}
