/**
 * What all measurements share. Each begins with an empty Redis, opens what it needs, checks against Redis and the
 * workers' own counts that every task really was accepted and really ran once, closes what it opened, and answers with
 * figures. What is opened, checked and closed is not on the clock.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { Crew, Role } from '../crew.ts'
import type { EnqueueOrder, RpcFigures, Tally, WorkerOrder } from '../protocol.ts'
import type { Server } from '../server.ts'
import { loadSystem } from '../systems/index.ts'
import type { Setting, SystemId } from '../systems/system.ts'

/** Who is measured: a system in a setting. */
export interface Subject {
  readonly system: SystemId
  readonly setting: Setting
}

export interface Bench {
  readonly crew: Crew
  readonly server: Server
  /** For the report: what a reader of the figures has to know. */
  readonly note: (text: string) => void
}

/** By name; the rows of the cases say what each is and in which unit. */
export type Figures = Readonly<Record<string, number>>
export type Measure = (bench: Bench, subject: Subject, tasks: number) => Promise<Figures>

/** For what is on its way to be recorded after the last handler has ended. */
const SETTLE_TIMEOUT_MS = 5_000
const SETTLE_PAUSE_MS = 10
const TALLY_PAUSE_MS = 20
const TALLY_TIMEOUT_MS = 180_000

export const perSecond = (tasks: number, ms: number): number => (tasks / ms) * 1_000

/** Opens a producer, does this, closes it. */
export async function withProducer<T>(
  { crew }: Bench,
  { system, setting }: Subject,
  options: { readonly rpc: boolean; readonly lanes?: boolean },
  use: () => Promise<T>,
): Promise<T> {
  await crew.tell(system, 'producer', 'openProducer', { ...options, setting })
  const result = await use()
  await crew.tell(system, 'producer', 'closeProducer')
  return result
}

/** Puts tasks in line; answers the ms that it took. */
export async function fill(bench: Bench, subject: Subject, order: EnqueueOrder): Promise<number> {
  const { system } = subject
  const ms = await withProducer(bench, subject, { rpc: false }, () =>
    bench.crew.tell(system, 'producer', 'enqueue', order),
  )
  await expectOpen(bench, system, order.tasks)
  return ms
}

export async function expectOpen({ server }: Bench, system: SystemId, tasks: number): Promise<void> {
  const open = await (await loadSystem(system)).countOpen(server.redis)
  if (open !== tasks) throw new Error(`${system}: ${tasks} tasks should be in line, there are ${open}`)
}

export async function openWorker(
  { crew }: Bench,
  { system, setting }: Subject,
  order: Omit<WorkerOrder, 'setting'>,
  role: Role = 'worker',
): Promise<void> {
  await crew.tell(system, role, 'openWorker', { ...order, setting })
}

/** Waits until Redis has recorded all, then stops the workers and compares their counts. */
export async function endWorkers(
  { crew, server }: Bench,
  { system, setting }: Subject,
  tasks: number,
  roles: readonly Role[] = ['worker'],
): Promise<void> {
  const { countOpen, countCompleted } = await loadSystem(system)
  const deadline = performance.now() + SETTLE_TIMEOUT_MS
  for (;;) {
    const open = await countOpen(server.redis)
    // At best settings what is done is removed.
    const counted = open === 0 && setting !== 'best' ? await countCompleted(server.redis) : undefined
    const completed = counted ?? tasks
    if (open === 0 && completed === tasks) break
    if (performance.now() > deadline) {
      throw new Error(`${system}: of ${tasks} tasks ${completed} are recorded as done, ${open} are open`)
    }
    await delay(SETTLE_PAUSE_MS)
  }
  const ran = await Promise.all(roles.map((role) => crew.tell(system, role, 'closeWorker')))
  const all = ran.reduce((sum, one) => sum + one, 0)
  if (all !== tasks) throw new Error(`${system}: ${tasks} tasks, but handlers ran ${all} times`)
}

/** Waits until these processes together have run so many. */
export async function whenRan(
  { crew }: Bench,
  system: SystemId,
  tasks: number,
  roles: readonly Role[] = ['worker'],
  timeout = TALLY_TIMEOUT_MS,
): Promise<readonly Tally[]> {
  const deadline = performance.now() + timeout
  for (;;) {
    const tallies = await Promise.all(roles.map((role) => crew.tell(system, role, 'tally')))
    const ran = tallies.reduce((sum, tally) => sum + tally.ran, 0)
    if (ran >= tasks) return tallies
    if (performance.now() > deadline)
      throw new Error(`${system}, ${roles}: ${ran} of ${tasks} tasks ran within ${timeout / 1_000} s`)
    await delay(TALLY_PAUSE_MS)
  }
}

export interface BesideBacklog {
  readonly calls: number
  readonly concurrency: number
  /** Tasks that were accepted before, and how many of them have ended already. */
  readonly accepted: number
  readonly ended: number
}

/**
 * Calls one by one, while a worker is busy with a backlog in a lower lane. What is left of the backlog is not run:
 * what ran and what is in line together have to be what was accepted. The producer is open, with lanes.
 */
export async function callBesideBacklog(
  bench: Bench,
  subject: Subject,
  { calls, concurrency, accepted, ended }: BesideBacklog,
): Promise<RpcFigures & { readonly ran: number }> {
  const { crew, server } = bench
  const { system } = subject
  /** One call comes before the clock starts. */
  const tasks = accepted + calls + 1
  await openWorker(bench, subject, { concurrency, handler: 'asked', rpc: true, tasks, skip: 0 })
  const figures = await crew.tell(system, 'producer', 'rpc', { calls, inFlight: 1 })
  const { countOpen } = await loadSystem(system)
  if ((await countOpen(server.redis)) === 0)
    throw new Error(`${system}: the backlog did not outlast the calls`)
  const ran = await crew.tell(system, 'worker', 'closeWorker')
  await expectOpen(bench, system, tasks - ended - ran)
  return { ...figures, ran }
}
