import type { HandlerKind } from '../duties/handlers.ts'
import type { Tally } from '../protocol.ts'
import { endWorkers, fill, type Measure, openWorker, perSecond, whenRan } from './bench.ts'

const ROLES = ['worker', 'worker 2'] as const

/**
 * Two worker processes on one line of tasks, opened at the same moment. rate: completions per second of both; share:
 * what the one with fewer tasks ran, in % of all: 50 is even.
 */
export function share(options: { concurrency: number; handler: HandlerKind }): Measure {
  return async (bench, subject, tasks) => {
    const { concurrency } = options
    await bench.server.empty()
    await fill(bench, subject, { way: 'bulk', bytes: 0, tasks })
    const order = { ...options, tasks, skip: concurrency }
    // A process that has to start first would come to an empty table.
    await Promise.all(ROLES.map((role) => bench.crew.tell(subject.system, role, 'tally')))
    await Promise.all(ROLES.map((role) => openWorker(bench, subject, order, role)))
    const tallies = await whenRan(bench, subject.system, tasks, ROLES)
    await endWorkers(bench, subject, tasks, ROLES)
    const fewest = Math.min(...tallies.map(({ ran }) => ran))
    return { rate: rateOf(tallies, concurrency), share: (fewest / tasks) * 100 }
  }
}

/** The clock of each begins at its completion number `skip`. */
function rateOf(tallies: readonly Tally[], skip: number): number {
  const begun = tallies.filter(({ firstAt }) => firstAt !== undefined)
  const tasks = begun.reduce((sum, { ran }) => sum + ran - skip, 0)
  const startedAt = Math.min(...begun.map(({ firstAt }) => firstAt!))
  const endedAt = Math.max(...begun.map(({ lastAt }) => lastAt!))
  return perSecond(tasks, endedAt - startedAt)
}
