import { type SystemId, Unavailable } from '../systems/system.ts'
import {
  type Bench,
  callBesideBacklog,
  expectOpen,
  type Figures,
  type Measure,
  openWorker,
  perSecond,
  type Subject,
  whenRan,
} from './bench.ts'

/** What waits and what is kept while the same work is measured. */
export interface State {
  readonly waiting: number
  readonly finished: number
}

/** Tasks to an order: a million promises at once would measure the heap. */
const CHUNK = 50_000
const ENQUEUED = 20_000
const DRAINED = 10_000
const REMEMBERED = 1_000
const LOOK_UPS = 1_000
const CALLS = 200
/** Of the backlog beside the calls, ms: with ten at once, what the drain leaves lasts for four seconds. */
const WAIT = 4
const DRAIN_CONCURRENCY = 100
const RPC_CONCURRENCY = 10
const FINISH_CONCURRENCY = 500

/** By position, so that the rows of a quick and of a full run have the same names. */
const POSITIONS = ['empty', 'some', 'many', 'kept'] as const
const MEASURED = ['enqueue', 'drain', 'lookUp', 'rpc'] as const

/** 0, 10,000 and `largest` waiting; nothing waiting and `largest` finished. */
export const statesOf = (largest: number): readonly State[] => [
  { waiting: 0, finished: 0 },
  { waiting: Math.min(10_000, largest), finished: 0 },
  { waiting: largest, finished: 0 },
  { waiting: 0, finished: largest },
]

/**
 * <what>_<position>: enqueue, drain: per second; lookUp, rpc: p50, µs. <what>_many_slope, <what>_kept_slope: that
 * divided by the same with nothing there: 1 is flat.
 */
export const growth: Measure = async (bench, subject, largest) => {
  const figures: Record<string, number> = {}
  for (const [index, state] of statesOf(largest).entries()) {
    const found = await measureAt(bench, subject, state)
    for (const [what, value] of Object.entries(found)) figures[`${what}_${POSITIONS[index]}`] = value
  }
  for (const what of MEASURED) {
    for (const position of ['many', 'kept']) {
      const [from, to] = [figures[`${what}_empty`], figures[`${what}_${position}`]]
      if (from !== undefined && to !== undefined) figures[`${what}_${position}_slope`] = to / from
    }
  }
  return figures
}

async function measureAt(bench: Bench, subject: Subject, { waiting, finished }: State): Promise<Figures> {
  const { crew, server } = bench
  const { system } = subject
  await server.empty()
  const lanes = await openProducer(bench, subject)
  await crew.tell(system, 'producer', 'remember', { tasks: REMEMBERED, wait: WAIT })
  if (finished > 0) await finish(bench, subject, finished)
  await enqueueMany(bench, system, waiting)
  const enqueueMs = await crew.tell(system, 'producer', 'enqueue', {
    ...{ way: 'all', bytes: 0, tasks: ENQUEUED, wait: WAIT },
  })
  const accepted = REMEMBERED + finished + waiting + ENQUEUED
  let ended = finished > 0 ? finished + REMEMBERED : 0
  await expectOpen(bench, system, accepted - ended)

  const lookUp = (await crew.tell(system, 'producer', 'lookUp', { calls: LOOK_UPS })).p50

  const order = {
    concurrency: DRAIN_CONCURRENCY,
    handler: 'noop',
    tasks: DRAINED,
    skip: DRAIN_CONCURRENCY,
  } as const
  await openWorker(bench, subject, order)
  const drained = await crew.tell(system, 'worker', 'drained')
  // What it had taken beyond those ends too, or is given back.
  ended += await crew.tell(system, 'worker', 'closeWorker')
  await expectOpen(bench, system, accepted - ended)

  const figures = {
    enqueue: perSecond(ENQUEUED, enqueueMs),
    drain: perSecond(drained.tasks, drained.ms),
    lookUp,
  }
  if (!lanes) {
    await crew.tell(system, 'producer', 'closeProducer')
    return figures
  }
  const beside = { calls: CALLS, concurrency: RPC_CONCURRENCY, accepted, ended }
  const { p50 } = await callBesideBacklog(bench, subject, beside)
  await crew.tell(system, 'producer', 'closeProducer')
  return { ...figures, rpc: p50 }
}

/** False: without lanes, so no call can go ahead of what waits. */
async function openProducer({ crew, note }: Bench, { system, setting }: Subject): Promise<boolean> {
  try {
    await crew.tell(system, 'producer', 'openProducer', { rpc: true, lanes: true, setting })
    return true
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    note(`growth, ${system}: no RPC in a higher lane, priorities are ${error.message}`)
    await crew.tell(system, 'producer', 'openProducer', { rpc: true, setting })
    return false
  }
}

async function enqueueMany({ crew }: Bench, system: SystemId, tasks: number): Promise<void> {
  for (let done = 0; done < tasks; done += CHUNK) {
    const order = { way: 'bulk', bytes: 0, tasks: Math.min(CHUNK, tasks - done), wait: WAIT } as const
    await crew.tell(system, 'producer', 'enqueue', order)
  }
}

/** So many tasks and those remembered, all run before anything is measured. */
async function finish(bench: Bench, subject: Subject, tasks: number): Promise<void> {
  const { crew, server } = bench
  const { system } = subject
  const all = tasks + REMEMBERED
  await openWorker(bench, subject, { concurrency: FINISH_CONCURRENCY, handler: 'noop', tasks: all, skip: 0 })
  await enqueueMany(bench, system, tasks)
  await whenRan(bench, system, all)
  const ran = await crew.tell(system, 'worker', 'closeWorker')
  if (ran !== all) throw new Error(`${system}: ${all} tasks, but handlers ran ${ran} times`)
  await expectOpen(bench, system, 0)
  // Each has a key of its own. To look into a million of them would weigh on what is measured next.
  const keys = await server.keys()
  if (keys < all) throw new Error(`${system}: ${all} tasks should be kept, there are ${keys} keys`)
}
