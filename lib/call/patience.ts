/** What a call that Redis has not accepted may still hope for, and what is said of it at the end. */

import { EnqueueError, RedisError } from '../errors.ts'
import { isTransient, messageOf } from '../redis/faults.ts'
import { MOST_HEARERS } from '../tie-options.ts'

/** A full memory or disk does not pass by itself within a call's patience: the caller hears of it at once. */
export const isWorthWaiting = (error: RedisError): boolean =>
  isTransient(error) && !/^(OOM|MISCONF)\b/.test(error.message)

export function enqueueError(count: number, cause: RedisError, accepted: false | 'unknown'): EnqueueError {
  const what = count === 1 ? 'the call was' : `${count} calls were`
  const how = accepted === 'unknown' ? 'perhaps not enqueued' : 'not enqueued'
  return new EnqueueError(`${what} ${how}: ${messageOf(cause)}`, accepted, { cause })
}

/** It would have joined that task. */
export function crowdedError(id: string): EnqueueError {
  const advice = 'call without onProgress, or under another key'
  return new EnqueueError(
    `${MOST_HEARERS} calls hear of the progress of task ${id} already; ${advice}`,
    false,
  )
}

/** A call may have less time than a socket is given to answer. */
export function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new RedisError("Redis gave no answer in the call's time", 'unknown'))
    const timer = setTimeout(late, Math.max(0, ms))
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
