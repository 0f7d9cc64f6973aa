/**
 * Compares the worker's own pending list with what it holds: an entry whose delivery was lost on the way is found,
 * and so is a task that was taken away. Runs every few seconds, and after every reconnect.
 */

import type { Store } from '../redis/store.ts'
import { type Place, placeKey } from '../redis/wire.ts'
import { Loop } from './loop.ts'

const PERIOD = 5_000
/** After a round without an answer: the silent socket took deliveries along, perhaps, and is being replaced. */
const RETRY = 500
/** Room beyond what is held; a longer list is finished by the rounds that follow. */
const MORE = 256

export interface ReconcileOptions {
  readonly store: Store
  readonly worker: () => string
  /** Keys of the places that the worker holds. */
  readonly held: () => ReadonlySet<string>
  readonly isHeld: (key: string) => boolean
  /** In the pending list, not held: to be taken up. */
  readonly onStray: (places: readonly Place[]) => Promise<void>
  /** Held, not in the pending list: somebody else's now, or gone. */
  readonly onLost: (keys: readonly string[]) => void
  /** Keys of places of running tasks, anybody's, that shall be aborted. */
  readonly onCancelled: (keys: readonly string[]) => void
  readonly onDead: (worker: string) => void
}

export function reconcileLoop(options: ReconcileOptions): Loop {
  const { store, worker, held, isHeld, onStray, onLost, onCancelled, onDead } = options
  return new Loop({
    pause: PERIOD,
    retry: RETRY,
    onError: () => {},
    round: async () => {
      const before = held()
      const id = worker()
      const most = before.size + MORE
      const pending = await store.pending(id, most)
      // Replies that came before this one may still be on their way through promises.
      await new Promise(setImmediate)
      if (id !== worker()) return PERIOD
      if (pending === 'dead') {
        onDead(id)
        return PERIOD
      }
      onCancelled(pending.cancelled)
      // What was held when the question was asked, and is not any more, has ended meanwhile.
      const isStray = (key: string): boolean => !before.has(key) && !isHeld(key)
      const strays = pending.places.filter((place) => isStray(placeKey(place)))
      if (strays.length > 0) await onStray(strays.slice(0, MORE))
      const known = new Set(pending.places.map(placeKey))
      const lost = [...before].filter((key) => !known.has(key) && isHeld(key))
      if (lost.length > 0) onLost(lost)
      return PERIOD
    },
  })
}
