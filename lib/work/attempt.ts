/** After an attempt that failed: is there another, and when? */

import type { Backoff, CallOptions } from '../envelope.ts'
import { DoNotRetry, RetryLater, TaskTimeoutError } from '../errors.ts'
import type { WorkerPlan } from '../task-options.ts'

const DEFAULT: Backoff = { type: 'exponential', delay: 1_000 }
const MOST_DELAY = 3_600_000
const JITTER = { fixed: 0, exponential: 0.5 } as const
const MOST_DOUBLINGS = 40

export interface Failure {
  readonly thrown: unknown
  /** Attempts that failed before this one. */
  readonly failures: number
  readonly attempt: number
  readonly call: CallOptions
  readonly definition: WorkerPlan
  /** Ms until the task's deadline. */
  readonly timeLeft: number
}

/** Ms until the next attempt; undefined: the task has failed. */
export function nextAttempt(failure: Failure, chance = Math.random): number | undefined {
  const { thrown, failures, definition, timeLeft } = failure
  if (thrown instanceof DoNotRetry) return undefined
  const isAsked = thrown instanceof RetryLater
  if (!isAsked && !(failures < retriesOf(failure) && isWorthIt(definition, thrown))) return undefined
  const asked = isAsked ? thrown.delay : undefined
  const delay = asked ?? backoffOf(failure, chance)
  // Nobody starts what cannot end in time.
  return delay < timeLeft ? Math.ceil(delay) : undefined
}

/** The same, asked before an attempt that may run into its timeout, ms. */
export function afterTimeout(timeout: number, failure: Omit<Failure, 'thrown'>): number | undefined {
  const { failures, call, definition } = failure
  if (failures >= retriesOf(failure)) return undefined
  // Made only for functions that look at it: an error costs more than all the rest.
  const isSeen = definition.retryIf || typeof (call.backoff ?? definition.backoff) === 'function'
  return nextAttempt({ ...failure, thrown: isSeen ? new TaskTimeoutError(timeout) : undefined })
}

/** What callers see of what a handler threw. */
export const causeOf = (thrown: unknown): unknown => {
  if (thrown instanceof DoNotRetry || (thrown instanceof RetryLater && thrown.cause !== undefined))
    return thrown.cause
  return thrown
}

const retriesOf = ({ call, definition }: Pick<Failure, 'call' | 'definition'>): number =>
  call.retries ?? definition.retries ?? 0

function isWorthIt({ retryIf }: WorkerPlan, thrown: unknown): boolean {
  if (!retryIf) return true
  try {
    return retryIf(thrown) === true
  } catch {
    return false
  }
}

function backoffOf({ thrown, failures, attempt, call, definition }: Failure, chance: () => number): number {
  const given = call.backoff ?? definition.backoff ?? DEFAULT
  if (typeof given !== 'function') return delayOf(given, failures, chance)
  try {
    const delay = given(attempt, thrown)
    if (Number.isFinite(delay) && delay >= 0) return delay
  } catch {}
  // The user's function gave no number: the default is better than none.
  return delayOf(DEFAULT, failures, chance)
}

function delayOf(backoff: Backoff, failures: number, chance: () => number): number {
  const { type, delay, max = Math.max(delay, MOST_DELAY), jitter = JITTER[type] } = backoff
  const whole = type === 'fixed' ? delay : delay * 2 ** Math.min(failures, MOST_DOUBLINGS)
  const bounded = Math.min(whole, max)
  return bounded * (1 - jitter * chance())
}
