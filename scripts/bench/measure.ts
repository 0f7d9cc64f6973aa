/**
 * The kinds of measurement. Each begins with an empty Redis, opens what it needs, checks against Redis and the worker's
 * own count that every task really was accepted and really ran once, closes what it opened, and answers with figures.
 * What is opened, checked and closed is not on the clock.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { Crew } from './crew.ts'
import type { HandlerKind } from './handlers.ts'
import type { EnqueueOrder } from './protocol.ts'
import type { Server } from './server.ts'
import { loadSystem } from './systems/index.ts'
import type { SystemId } from './systems/system.ts'

/** Who is measured: a system, perhaps in a special setting. */
export interface Subject {
  readonly system: SystemId
  readonly strict: boolean
}

export interface Bench {
  readonly crew: Crew
  readonly server: Server
}

/** By name; the rows of cases.ts say what each is and in which unit. */
export type Figures = Readonly<Record<string, number>>
export type Measure = (bench: Bench, subject: Subject, tasks: number) => Promise<Figures>

/** For what is on its way to be recorded after the last handler has ended. */
const SETTLE_TIMEOUT_MS = 5_000
const SETTLE_PAUSE_MS = 10

const perSecond = (tasks: number, ms: number): number => (tasks / ms) * 1_000

/** rate: calls accepted by Redis, per second. */
export function enqueue(options: Pick<EnqueueOrder, 'way' | 'bytes'>): Measure {
  return async ({ crew, server }, { system }, tasks) => {
    await server.empty()
    const ms = await fill({ crew, server }, system, { ...options, tasks })
    return { rate: perSecond(tasks, ms) }
  }
}

/** rate: completions per second of a worker that finds all tasks in line. The producer is gone by then. */
export function drain(options: { concurrency: number; handler: HandlerKind }): Measure {
  return async (bench, { system, strict }, tasks) => {
    const { crew, server } = bench
    await server.empty()
    await fill(bench, system, { way: 'bulk', bytes: 0, tasks })
    await crew.tell(system, 'worker', 'openWorker', { ...options, strict, tasks, skip: options.concurrency })
    const clock = await crew.tell(system, 'worker', 'drained')
    await endWorker(bench, system, tasks)
    return { rate: perSecond(clock.tasks, clock.ms) }
  }
}

/** rate: results that came back, per second; p50, p90, p99: from a call to its result, µs. */
export function rpc(options: { inFlight: number; concurrency: number }): Measure {
  return async (bench, { system, strict }, calls) => {
    const { crew, server } = bench
    const { inFlight, concurrency } = options
    /** One before the clock starts. */
    const tasks = calls + 1
    await server.empty()
    await crew.tell(system, 'worker', 'openWorker', { concurrency, strict, handler: 'echo', tasks, skip: 0 })
    await crew.tell(system, 'producer', 'openProducer', { rpc: true })
    const { ms, p50, p90, p99 } = await crew.tell(system, 'producer', 'rpc', { calls, inFlight })
    await crew.tell(system, 'producer', 'closeProducer')
    await endWorker(bench, system, tasks)
    return { rate: perSecond(calls, ms), p50, p90, p99 }
  }
}

/**
 * One task's whole life as Redis sees it. cpu: the server's CPU time for enqueue and drain together, µs per task, with
 * the connections that this opens; queued, completed: bytes per task in line, and per task that is done.
 */
export function life(options: { concurrency: number }): Measure {
  return async (bench, { system, strict }, tasks) => {
    const { crew, server } = bench
    await server.empty()
    const emptyBytes = await server.memory()

    const enqueueStart = await server.cpu()
    await crew.tell(system, 'producer', 'openProducer', { rpc: false })
    await crew.tell(system, 'producer', 'enqueue', { way: 'bulk', bytes: 0, tasks })
    const enqueueCpu = (await server.cpu()) - enqueueStart
    await crew.tell(system, 'producer', 'closeProducer')
    await expectOpen(bench, system, tasks)
    const queuedBytes = await server.memory()

    const drainStart = await server.cpu()
    const order = { ...options, strict, handler: 'noop', tasks, skip: 0 } as const
    await crew.tell(system, 'worker', 'openWorker', order)
    await crew.tell(system, 'worker', 'drained')
    const drainCpu = (await server.cpu()) - drainStart
    await endWorker(bench, system, tasks)
    const completedBytes = await server.memory()

    return {
      cpu: (enqueueCpu + drainCpu) / tasks,
      queued: (queuedBytes - emptyBytes) / tasks,
      completed: (completedBytes - emptyBytes) / tasks,
    }
  }
}

/** Puts tasks in line; answers the ms that it took. */
async function fill(bench: Bench, system: SystemId, order: EnqueueOrder): Promise<number> {
  const { crew } = bench
  await crew.tell(system, 'producer', 'openProducer', { rpc: false })
  const ms = await crew.tell(system, 'producer', 'enqueue', order)
  await crew.tell(system, 'producer', 'closeProducer')
  await expectOpen(bench, system, order.tasks)
  return ms
}

async function expectOpen({ server }: Bench, system: SystemId, tasks: number): Promise<void> {
  const { open } = await (await loadSystem(system)).census(server.redis)
  if (open !== tasks) throw new Error(`${system}: ${tasks} tasks were enqueued, ${open} are in line`)
}

/** Waits until Redis has recorded all, then stops the worker and compares its count. */
async function endWorker({ crew, server }: Bench, system: SystemId, tasks: number): Promise<void> {
  const { census } = await loadSystem(system)
  const deadline = performance.now() + SETTLE_TIMEOUT_MS
  for (;;) {
    const { open, completed = tasks } = await census(server.redis)
    if (open === 0 && completed === tasks) break
    if (performance.now() > deadline) {
      throw new Error(
        `${system}: of ${tasks} tasks ${completed} are recorded as done, ${open} are still open`,
      )
    }
    await delay(SETTLE_PAUSE_MS)
  }
  const ran = await crew.tell(system, 'worker', 'closeWorker')
  if (ran !== tasks) throw new Error(`${system}: ${tasks} tasks, but handlers ran ${ran} times`)
}
