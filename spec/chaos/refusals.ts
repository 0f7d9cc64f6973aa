/** Calls that Redis refuses for want of room: each has to say so by an error that can be told from others. */

import { EnqueueError, RedisError, type TaskHandle } from '../../lib/index.ts'

export class Refusals {
  readonly #reply: RegExp
  /** Refused, and said so as it should be. */
  count = 0
  /** Rejected with something else. */
  readonly mistyped: string[] = []

  /** reply: how Redis' own answer begins, which is the error's cause. */
  constructor(reply: RegExp) {
    this.#reply = reply
  }

  watch(handle: TaskHandle): void {
    handle.enqueued.catch((error: unknown) => {
      const { cause } = error as Error
      const isTyped = error instanceof EnqueueError && error.accepted === false
      if (isTyped && cause instanceof RedisError && this.#reply.test(cause.message)) this.count += 1
      else this.mistyped.push(String(error))
    })
  }

  get problems(): string[] {
    if (this.mistyped.length > 0)
      return [`${this.mistyped.length} calls were refused without saying why: ${this.mistyped[0]}`]
    return this.count === 0 ? ['no call was refused: there was room all the time'] : []
  }
}
