/** What the end of a task is to those who wait for it: a value, or an error. */

import { TaskCancelledError, TaskExpiredError, TaskFailedError, TaskLostError } from '../errors.ts'
import { decodeError } from '../remote-error.ts'
import type { Outcome } from './replies.ts'

/** Undefined: it succeeded. */
export function errorOf(id: string, outcome: Outcome): Error | undefined {
  if (outcome.state === 'succeeded') return undefined
  if (outcome.state === 'lost') return new TaskLostError(id)
  if (outcome.state === 'rejected') return outcome.error
  const cause = decodeError(outcome.value)
  const message = cause instanceof Error ? cause.message : ''
  if (outcome.state === 'cancelled') return new TaskCancelledError(id, message)
  if (outcome.state === 'expired') return new TaskExpiredError(id, message)
  return new TaskFailedError(id, `task ${id} failed: ${summary(cause)}`, { cause })
}

const summary = (cause: unknown): string => {
  if (cause instanceof Error) return `${cause.name}: ${cause.message}`
  return `it threw ${typeof cause === 'string' ? JSON.stringify(cause.slice(0, 200)) : String(cause)}`
}
