/**
 * Takes tasks that other workers did not know and this one does. Runs when the worker comes, and whenever somebody
 * parks a task that a live worker knows.
 */

import type { Store } from '../redis/store.ts'
import { Loop } from './loop.ts'

/** Tasks in one script. */
const MOST = 50
/** Between scripts while there are more, and until there is room, ms. */
const PAUSE = 50
/** Should the word of a parked task be lost with a connection, ms. */
const PERIOD = 15_000

export interface UnparkOptions {
  readonly store: Store
  readonly worker: () => string
  /** Names that it knows. */
  readonly names: () => readonly string[]
  /** How many more tasks it could run now. */
  readonly room: () => number
  /** They are in its pending list. */
  readonly onTaken: () => void
}

export function unparkLoop(options: UnparkOptions): Loop {
  const { store, worker, names, room, onTaken } = options
  return new Loop({
    pause: PAUSE,
    onError: () => {},
    round: async () => {
      const most = Math.min(room(), MOST)
      if (most <= 0) return PAUSE
      const taken = await store.unpark(worker(), most, names())
      if (taken > 0) onTaken()
      return taken < most ? PERIOD : PAUSE
    },
  })
}
