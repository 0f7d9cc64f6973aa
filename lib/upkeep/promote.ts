/** Does what is due: delayed tasks and retries go to their lanes, what came too late expires. */

import type { Clock } from '../clock.ts'
import type { Store } from '../redis/store.ts'
import { DueLoop, nextLook } from './due.ts'

/** Tasks in one script: a few ms of Redis' time. */
const MOST = 200
/** Ms. A clock that may be wrong by more is asked for again: the first answer often waits while the process starts. */
const MOST_DOUBT = 20
const FIRST_PAUSE = 100

export interface PromoteOptions {
  readonly store: Store
  readonly clock: Clock
  readonly failedTtl: number
  readonly maxFailed: number
}

export class Promoter extends DueLoop {
  constructor({ store, clock, failedTtl, maxFailed }: PromoteOptions) {
    let pause = FIRST_PAUSE
    super(async () => {
      const askedAt = Date.now()
      const { wait, now } = await store.promote(MOST, failedTtl, maxFailed)
      clock.learn(now, askedAt)
      if (clock.doubt <= MOST_DOUBT) return nextLook(wait)
      const look = Math.min(nextLook(wait), pause)
      // Behind a slow link it stays so: soon it is asked as seldom as ever.
      pause *= 2
      return look
    })
  }
}
