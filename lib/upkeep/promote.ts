/** Does what is due: delayed tasks and retries go to their lanes, what came too late expires. */

import type { Clock } from '../clock.ts'
import type { Store } from '../redis/store.ts'
import { DueLoop, nextLook } from './due.ts'

/** Tasks in one script: a few ms of Redis' time. */
const MOST = 200

export interface PromoteOptions {
  readonly store: Store
  readonly clock: Clock
  readonly failedTtl: number
  readonly maxFailed: number
}

export class Promoter extends DueLoop {
  constructor({ store, clock, failedTtl, maxFailed }: PromoteOptions) {
    super(async () => {
      const { wait, now } = await store.promote(MOST, failedTtl, maxFailed)
      clock.learn(now)
      return nextLook(wait)
    })
  }
}
