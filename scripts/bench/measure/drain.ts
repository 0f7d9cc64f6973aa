import type { HandlerKind } from '../duties/handlers.ts'
import { endWorkers, fill, type Measure, openWorker, perSecond } from './bench.ts'

/** rate: completions per second of a worker that finds all tasks in line. The producer is gone by then. */
export function drain(options: { concurrency: number; handler: HandlerKind }): Measure {
  return async (bench, subject, tasks) => {
    await bench.server.empty()
    await fill(bench, subject, { way: 'bulk', bytes: 0, tasks })
    await openWorker(bench, subject, { ...options, tasks, skip: options.concurrency })
    const clock = await bench.crew.tell(subject.system, 'worker', 'drained')
    await endWorkers(bench, subject, tasks)
    return { rate: perSecond(clock.tasks, clock.ms) }
  }
}
