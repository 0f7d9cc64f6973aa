/** What `queue.run()` is in this process: a worker, one of a supervisor's workers, or the supervisor of them. */

import { availableParallelism } from 'node:os'
import { OptionError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { type Check, integer } from '../options.ts'
import { runUntilSignal } from '../work/signals.ts'
import { type Runnable, runAsChild } from './as-child.ts'
import { isChild } from './child.ts'
import { type Supervision, supervised } from './supervise.ts'

/** More than any machine has cores: it was meant to be something else. */
const MOST_PROCESSES = 1_024

/** A whole number, or `auto`. */
export const processesOption: Check<number | 'auto'> = (what, value) => {
  if (value === 'auto') return value
  return integer(1, 1, MOST_PROCESSES)(`${what} (or 'auto')`, value)
}

export interface RunPlan {
  readonly processes: number | 'auto'
  /** Of a worker, ms. */
  readonly drainTimeout: number
  readonly isInline: boolean
  readonly newWorker: () => Runnable
  /** For whoever closes the queue: it stops what runs here, and takes no part otherwise. */
  readonly onSupervisor: (supervisor: Supervision) => void
  readonly onError: (error: Error) => void
  readonly logger?: Logger | undefined
}

/** Until SIGTERM or SIGINT, or until it is stopped. Throws OptionError. */
export async function runHere(plan: RunPlan): Promise<void> {
  const { processes, isInline, drainTimeout, onError, logger, newWorker, onSupervisor } = plan
  if (isInline && processes !== 'auto' && processes > 1) {
    throw new OptionError(
      `queue.run: an inline queue runs in this process alone (processes given: ${processes})`,
    )
  }
  if (isChild) return await runAsChild(newWorker(), drainTimeout)
  const wanted = isInline ? 1 : processes === 'auto' ? availableParallelism() : processes
  if (wanted === 1) return await runUntilSignal(newWorker())
  const supervisor = supervised({ processes: wanted, drainTimeout, onError, logger })
  onSupervisor(supervisor)
  await runUntilSignal(supervisor)
}
