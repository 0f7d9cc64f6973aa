/**
 * What operators have asked of this worker: read from Redis when it begins, at each word of a change, and after every
 * reconnect, again and again until Redis answers. So a word that is lost with a connection costs time and nothing else.
 */

import type { Admin, Settings } from '../redis/admin.ts'
import { insist, type Patience } from './retry.ts'

export interface OrdersOptions {
  readonly admin: Pick<Admin, 'settings'>
  readonly patience: Patience
  /** Registered now; '' while it is not. */
  readonly worker: () => string
  readonly obey: (settings: Settings) => void
}

export class Orders {
  readonly #options: OrdersOptions
  #reading: Promise<void> | undefined
  #isMore = false

  constructor(options: OrdersOptions) {
    this.#options = options
  }

  /** Resolves when what was asked until now is obeyed, or cannot be read. */
  read(): Promise<void> {
    // One that is on its way may have been answered before the change that this one is about.
    this.#isMore = true
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<void> {
    const { admin, patience, worker, obey } = this.#options
    while (this.#isMore) {
      this.#isMore = false
      const id = worker()
      if (id === '') continue
      try {
        const settings = await insist(patience, () => admin.settings(id))
        // Asked for again meanwhile, it may be of before a change whose word was heard and obeyed already.
        if (settings && id === worker() && !this.#isMore) obey(settings)
      } catch {
        // Refused, or this worker ends: the next reconnect asks again.
      }
    }
  }
}
