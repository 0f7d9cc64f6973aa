/** How long an attempt may run: for its timeout, or until the task's deadline, whichever is over first. */

import type { Clock } from '../clock.ts'

export interface Limit {
  readonly why: 'timeout' | 'deadline'
  /** Ms that the attempt was given. */
  readonly allowed: number
  /** When it is over, by the steady clock. */
  readonly at: number
}

interface Run {
  /** By the steady clock. */
  readonly begunAt: number
  /** By the server's clock, epoch ms. */
  readonly deadline: number | undefined
}

/** Undefined: it has all the time that it wants. */
export function limitOf(run: Run, timeout: number | undefined, clock: Clock): Limit | undefined {
  const { begunAt, deadline } = run
  if (timeout === undefined && deadline === undefined) return undefined
  const now = clock.steady
  const at = timeout === undefined ? Number.POSITIVE_INFINITY : begunAt + timeout
  const left = deadline === undefined ? Number.POSITIVE_INFINITY : Math.max(0, deadline - clock.now)
  return at < now + left
    ? { why: 'timeout', allowed: timeout!, at }
    : { why: 'deadline', allowed: Math.ceil(left), at: now + left }
}
