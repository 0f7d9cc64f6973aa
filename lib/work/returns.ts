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

  constructor(options: ReturnsOptions) {
    this.#options = options
  }

  /** begun: the attempt counts. delay: ms until they are in line again. */
  async give(places: readonly Place[], begun: boolean, delay?: number): Promise<void> {
    if (places.length === 0) return
    const { store, failedTtl, patience, worker } = this.#options
    const id = worker()
    const given = places.map(({ lane, entry }) => ({ lane, entry, begun, delay }))
    await insist(patience, () => store.release(id, given, failedTtl))
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
    return this.#byThread.has(placeKey(place))
  }

  /** Still in the pending list: giving them back has failed. */
  keep(places: readonly Place[]): void {
    for (const place of places) this.#byThread.delete(placeKey(place))
  }
}
