/**
 * Does what is due: delayed tasks and retries go to their lanes, what came too late expires. Every worker sleeps until
 * the nearest time; when a nearer one is added the script tells all of them, so nobody has to poll.
 */

import type { Clock } from '../clock.ts'
import type { Store } from '../redis/store.ts'
import { Loop } from './loop.ts'

/** Tasks in one script: a few ms of Redis' time. */
const MOST = 200
/** Should the word of a nearer time be lost with a connection: looked at anyway, ms. */
const AT_LEAST_EVERY = 10_000
/** Not all workers at the very same instant, ms. */
const SPREAD = 2

export interface PromoteOptions {
  readonly store: Store
  readonly clock: Clock
  readonly failedTtl: number
  readonly maxFailed: number
}

export class Promoter {
  readonly #loop: Loop

  constructor(options: PromoteOptions) {
    const { store, clock, failedTtl, maxFailed } = options
    this.#loop = new Loop({
      pause: 1_000,
      isExact: true,
      onError: () => {},
      round: async () => {
        const { wait, now } = await store.promote(MOST, failedTtl, maxFailed)
        clock.learn(now)
        if (wait === undefined || wait > AT_LEAST_EVERY) return AT_LEAST_EVERY
        return wait === 0 ? 0 : wait + Math.random() * SPREAD
      },
    })
  }

  start(): void {
    this.#loop.start()
    this.#loop.kick()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Something nearer was added, due in so many ms; 0: look now. */
  due(wait: number): void {
    this.#loop.hurry(wait === 0 ? 0 : wait + Math.random() * SPREAD)
  }
}
