import { setTimeout as delay } from 'node:timers/promises'
import { now } from '../clock.ts'
import { endWorkers, fill, type Measure, openWorker, whenRan } from './bench.ts'

/** How long a worker may be silent, ms. */
const LEASE = 1_000
/** For 10,000 tasks to begin or to come back; each takes a second or two. */
const PATIENCE = 20_000
const SURVIVOR_CONCURRENCY = 500

/**
 * A worker process that runs all tasks at once is killed; another, which has been up for longer than a lease, gets and
 * ends them. first, all: ms from the kill to the end of the first and of the last task; cpu: the server's, from the
 * kill on, µs per task, with its second run.
 */
export const recovery: Measure = async (bench, subject, tasks) => {
  const { crew, server } = bench
  const { system } = subject
  await server.empty()
  await fill(bench, subject, { way: 'bulk', bytes: 0, tasks })
  const doomed = { concurrency: tasks, handler: 'endless', tasks, skip: 0, lease: LEASE } as const
  await openWorker(bench, subject, doomed, 'doomed 1')
  await whenRan(bench, system, tasks, ['doomed 1'], PATIENCE)
  const survivor = {
    concurrency: SURVIVOR_CONCURRENCY,
    handler: 'noop',
    tasks,
    skip: 0,
    lease: LEASE,
  } as const
  await openWorker(bench, subject, survivor)
  await delay(1.5 * LEASE)
  const { ran } = await crew.tell(system, 'worker', 'tally')
  if (ran > 0) throw new Error(`${system}: ${ran} tasks were taken from a worker that lived`)

  const cpu = await server.cpu()
  const killedAt = now()
  crew.kill(system, 'doomed 1')
  const [tally] = await whenRan(bench, system, tasks, ['worker'], PATIENCE)
  const used = (await server.cpu()) - cpu
  await endWorkers(bench, subject, tasks)
  return { first: tally!.firstAt! - killedAt, all: tally!.lastAt! - killedAt, cpu: used / tasks }
}
