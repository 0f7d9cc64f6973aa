import { setTimeout as delay } from 'node:timers/promises'
import { Monitor } from '../monitor.ts'
import { type Bench, endWorkers, fill, type Measure, openWorker, type Subject } from './bench.ts'

const MB = 1_000_000
/** Before an idle worker is looked at: its start is not what is asked about. */
const CALM_MS = 3_000
/** Workers to a process. */
const PER_PROCESS = 8

const IDLE = { concurrency: 10, handler: 'noop', tasks: 0, skip: 0 } as const

/** rss, heap: MB of a new process with one worker that has had nothing to do for three seconds. */
export const idleMemory: Measure = async (bench, subject) => {
  const { crew, server } = bench
  const { system } = subject
  await server.empty()
  await openWorker(bench, subject, IDLE, 'idle 1')
  await delay(CALM_MS)
  const { rss, heap } = await crew.tell(system, 'idle 1', 'memory')
  await crew.tell(system, 'idle 1', 'closeWorker')
  await crew.retire(system, 'idle 1')
  return { rss: rss / MB, heap: heap / MB }
}

/**
 * What idle workers cost Redis, for each of these numbers of them. all_<n>: commands per second, those of scripts
 * included; sent_<n>: without those; cpu_<n>: ‰ of a core.
 */
export function idleCost(numbers: readonly number[]): Measure {
  return async (bench, subject, seconds) => {
    const figures: Record<string, number> = {}
    for (const workers of numbers) Object.assign(figures, await costOf(bench, subject, workers, seconds))
    return figures
  }
}

async function costOf(
  bench: Bench,
  subject: Subject,
  workers: number,
  seconds: number,
): Promise<Record<string, number>> {
  const { crew, server } = bench
  const { system } = subject
  await server.empty()
  const processes = Math.ceil(workers / PER_PROCESS)
  const roles = Array.from({ length: processes }, (_, i) => `idle ${i + 1}` as const)
  const copies = workers / processes
  await Promise.all(roles.map((role) => openWorker(bench, subject, { ...IDLE, copies }, role)))
  await delay(CALM_MS)
  const monitor = await Monitor.start(server)
  const cpu = await server.cpu()
  await delay(seconds * 1_000)
  const used = (await server.cpu()) - cpu
  const { sent, inScripts } = await monitor.commands(server)
  monitor.close()
  await Promise.all(roles.map((role) => crew.tell(system, role, 'closeWorker')))
  await Promise.all(roles.map((role) => crew.retire(system, role)))
  return {
    [`all_${workers}`]: (sent + inScripts) / seconds,
    [`sent_${workers}`]: sent / seconds,
    [`cpu_${workers}`]: used / 1_000 / seconds,
  }
}

/** ms: from the fork of a process to the end of its first task, which is in line already. */
export const startUp: Measure = async (bench, subject) => {
  const { crew, server } = bench
  const { system } = subject
  await server.empty()
  await fill(bench, subject, { way: 'bulk', bytes: 0, tasks: 1 })
  const startedAt = crew.start(system, 'starter 1')
  await openWorker(bench, subject, { ...IDLE, tasks: 1 }, 'starter 1')
  await crew.tell(system, 'starter 1', 'drained')
  const { firstAt } = await crew.tell(system, 'starter 1', 'tally')
  await endWorkers(bench, subject, 1, ['starter 1'])
  await crew.retire(system, 'starter 1')
  return { ms: firstAt! - startedAt }
}
