/** Several copies of this process, in which the same calls of `queue.run()` are workers; and their supervisor here. */

import { isatty } from 'node:tty'
import { OptionError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { END_GRACE, type Runnable } from './as-child.ts'
import { WorkerProcessError } from './process-error.ts'
import { Supervisor } from './supervisor.ts'

export interface Supervised {
  /** How many. */
  readonly processes: number
  /** Of the workers, ms. */
  readonly drainTimeout: number
  readonly onError: (error: Error) => void
  /** Gets a line for each process that has taken the place of another. */
  readonly logger?: Logger | undefined
}

/** Run and stopped as a worker is. */
export interface Supervision extends Runnable {
  /** What SIGHUP does: lib/processes/supervisor.ts. */
  reload(why: string): Promise<boolean>
  /** How many processes do their work now. */
  ready(): number
}

/** Several queues that run in one program have one supervisor: each child makes all their calls. */
let common: Supervisor | undefined

/**
 * `stop()` drains them all; `stop({ timeout: 0 })` makes them give back what they hold and end; once more: kills them.
 * Throws OptionError.
 */
export function supervised({ processes, drainTimeout, onError, logger }: Supervised): Supervision {
  const file = process.argv[1]
  if (file === undefined) {
    throw new OptionError(
      'queue.run: processes above 1 need a script file to start them from (process.argv[1])',
    )
  }
  if (common && common.processes !== processes) {
    const given = `${common.processes} and ${processes}`
    throw new OptionError(
      `queue.run: processes must be the same for all queues of a program (given: ${given})`,
    )
  }
  const supervisor = common ?? new Supervisor({ file, args: process.argv.slice(2), processes })
  common = supervisor
  const isFirst = supervisor.listenerCount('ended') === 0
  const stopTimeout = drainTimeout + END_GRACE
  supervisor.stopTimeout = isFirst ? stopTimeout : Math.max(supervisor.stopTimeout, stopTimeout)
  supervisor.on('ended', (child) => {
    if (!child.asked) onError(new WorkerProcessError(child))
  })
  supervisor.on('killed', ({ why, ...child }) =>
    onError(new WorkerProcessError({ ...child, signal: 'SIGKILL', why: `is killed, because it ${why}` })),
  )
  supervisor.on('late', ({ why, ...child }) =>
    onError(new WorkerProcessError({ ...child, why: `${why}, and its predecessor goes on` })),
  )
  if (logger && supervisor.listenerCount('replaced') === 0) {
    supervisor.on('replaced', ({ slot, pid, old, why, ms }) => {
      const who = old === undefined ? 'one that could not be started' : `pid ${old}`
      const fields = { process: slot, child: pid, old, why, ms }
      logger.info(fields, `worker process ${slot} (pid ${pid}) has taken the place of ${who}`)
    })
  }
  let isHurried = false
  return {
    run: () => (isFirst ? untilEnded(supervisor) : supervisor.run()),
    reload: (why) => supervisor.reload(why),
    ready: () => supervisor.ready,
    stop: ({ timeout } = {}) => {
      if (timeout === undefined) return supervisor.stop()
      if (timeout > 0 || isHurried) return supervisor.stop({ timeout })
      isHurried = true
      return supervisor.hurry()
    },
  }
}

async function untilEnded(supervisor: Supervisor): Promise<void> {
  const hadTerminal = isatty(0)
  // A terminal that was closed says SIGHUP too, and means the end.
  const onHangUp = (): void => {
    if (!hadTerminal || isatty(0)) return void supervisor.reload('SIGHUP')
    // A write to it, be it of a child's words, must not end the drain.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
    void supervisor.stop()
  }
  process.on('SIGHUP', onHangUp)
  try {
    await supervisor.run()
  } finally {
    process.off('SIGHUP', onHangUp)
    common = undefined
  }
}
