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
} from './bench.ts'
import { finish, inChunks, inEachState, type State } from './states.ts'

const ENQUEUED = 20_000
const DRAINED = 10_000
const REMEMBERED = 1_000
const LOOK_UPS = 1_000
const CALLS = 200
/** Of the backlog beside the calls, ms: with ten at once, what the drain leaves lasts for four seconds. */
const WAIT = 4
const DRAIN_CONCURRENCY = 100
const RPC_CONCURRENCY = 10

/** enqueue_<position>, drain_<position>: per second; lookUp_<position>, rpc_<position>: p50, µs; and their slopes. */
export const growth: Measure = (bench, subject, largest) =>
  inEachState(largest, (state) => measureAt(bench, subject, state))

async function measureAt(bench: Bench, subject: Subject, { waiting, finished }: State): Promise<Figures> {
  const { crew, server } = bench
  const { system } = subject
  await server.empty()
  const lanes = await openProducer(bench, subject)
  await crew.tell(system, 'producer', 'remember', { tasks: REMEMBERED, wait: WAIT })
  if (finished > 0) {
    const enqueue = (): Promise<void> => enqueueMany(bench, system, finished)
    await finish(bench, subject, finished + REMEMBERED, enqueue)
  }
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

const enqueueMany = ({ crew }: Bench, system: SystemId, tasks: number): Promise<void> =>
  inChunks(tasks, (chunk) => crew.tell(system, 'producer', 'enqueue', { ...chunk, wait: WAIT }))
