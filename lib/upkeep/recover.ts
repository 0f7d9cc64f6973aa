/**
 * Puts back in line what dead workers hold. Every worker runs it; the script decides, moves and holds the gate, so
 * any number may run at once. It says itself when the next lease ends, so an idle system is looked at seldom and a
 * dead worker is still found when its lease is over.
 */

import type { Recovery, Store } from '../redis/store.ts'
import { Loop } from './loop.ts'

/** Entries in one script: a few ms of Redis' time. */
const MOST = 100
/** After the end of a lease, so that a beat that is just late comes first. */
const SLACK = 50

export interface RecoverOptions {
  readonly store: Store
  /** Id of the worker that looks. */
  readonly worker: () => string
  readonly lease: number
  readonly maxCrashes: number
  readonly failedTtl: number
  readonly maxFailed: number
  readonly onRecovered: (recovery: Recovery) => void
}

export function recoverLoop(options: RecoverOptions): Loop {
  const { store, worker, lease, maxCrashes, failedTtl, maxFailed, onRecovered } = options
  return new Loop({
    pause: lease / 3,
    onError: () => {},
    round: async () => {
      const found = await store.recover(worker(), { lease, most: MOST, maxCrashes, failedTtl, maxFailed })
      if (found.recovered + found.poisoned > 0 || found.dead.length > 0) onRecovered(found)
      return found.wait === 0 ? 0 : Math.min(found.wait, lease) + SLACK
    },
  })
}
