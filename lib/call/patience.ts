/** What a call that Redis has not accepted may still hope for, and what is said of it at the end. */

import { EnqueueError, RedisError } from '../errors.ts'
import type { Backend } from '../redis/backend.ts'
import { isTransient, messageOf, toRedisError } from '../redis/faults.ts'
import { ANSWER_TIMEOUT } from '../redis/runner.ts'
import { MOST_HEARERS } from '../tie-options.ts'

/** A full memory or disk does not pass by itself within a call's patience: the caller hears of it at once. */
const isWorthWaiting = (error: RedisError): boolean =>
  isTransient(error) && !/^(OOM|MISCONF)\b/.test(error.message)

function enqueueError(count: number, cause: RedisError, accepted: false | 'unknown'): EnqueueError {
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
function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new RedisError("Redis gave no answer in the call's time", 'unknown'))
    const timer = setTimeout(late, Math.max(0, ms))
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/**
 * Sends calls until Redis answers, `timeout` ms from `madeAt` at most. isResent: they may have been accepted before.
 * Rejects with EnqueueError.
 */
export async function untilAnswered<T>(
  { backend, timeout }: { readonly backend: Pick<Backend, 'isReady' | 'ready'>; readonly timeout: number },
  madeAt: number,
  count: number,
  send: (isResent: boolean) => Promise<T>,
): Promise<T> {
  const deadline = madeAt + timeout
  let accepted: false | 'unknown' = false
  for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
    try {
      if (!backend.isReady) await backend.ready(Math.max(0, deadline - performance.now()))
      const answer = send(accepted === 'unknown')
      const left = deadline - performance.now()
      // Else the socket's own deadline comes first.
      return await (left < ANSWER_TIMEOUT ? within(left, answer) : answer)
    } catch (thrown) {
      const error = toRedisError(thrown)
      if (error.executed === 'unknown') accepted = 'unknown'
      if (!isWorthWaiting(error) || performance.now() + wait > deadline) {
        throw enqueueError(count, error, accepted)
      }
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
}
