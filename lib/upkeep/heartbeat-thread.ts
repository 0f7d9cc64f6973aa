/**
 * The thread that beats: with an event loop and a connection of its own, so a handler that blocks the main loop
 * does not silence its worker. It beats for one worker id at a time, the one that the main thread names.
 */

import { parentPort, workerData } from 'node:worker_threads'
import { Connection } from '../redis/connection.ts'
import { Directory } from '../redis/directory.ts'
import { Keys } from '../redis/keys.ts'
import { Runner } from '../redis/runner.ts'
import { Store } from '../redis/store.ts'
import type { RedisTarget } from '../redis/target.ts'
import { placeKey } from '../redis/wire.ts'
import { Answers } from './answers.ts'
import { Begun } from './begun.ts'
import { Ending } from './ending.ts'
import { Loop } from './loop.ts'
import { type OrphanData, OrphanWatch } from './orphan.ts'
import { Watch } from './watch.ts'
import { Watchdog } from './watchdog.ts'

export interface HeartbeatData {
  readonly target: RedisTarget
  readonly namespace: string
  readonly queue: string
  readonly lease: number
  readonly failedTtl: number
  readonly maxFailed: number
  readonly begun: SharedArrayBuffer
  readonly watch: SharedArrayBuffer
  readonly ending: SharedArrayBuffer
  /** Whether the worker is in the process's main thread. */
  readonly isMain: boolean
  /** Of a process that has a supervisor. */
  readonly orphan: OrphanData | undefined
}

/** To the main thread. */
export type HeartbeatNews =
  | { readonly type: 'alive' | 'dead'; readonly worker: string }
  | { readonly type: 'given back'; readonly keys: readonly string[] }
  | { readonly type: 'trouble'; readonly message: string }
  | { readonly type: 'call' }

/** From the main thread: for whom to beat; somebody asks what that worker is doing; a call was heard. */
export type HeartbeatOrder =
  | { readonly type: 'follow'; readonly worker: string }
  | { readonly type: 'question'; readonly question: string }
  | { readonly type: 'heard' }

/** Tasks that wait behind one that keeps the main loop, or all slots, for one to two of these are given back. */
const LOOK = 50
const MOST_GIVEN_BACK = 2_000
/** The queue's name goes to the directory, ms. */
const SEEN_EVERY = 600_000

const data = workerData as HeartbeatData
const begun = new Begun(data.begun)
const connection = new Connection(data.target, {
  role: 'heartbeat',
  onReady: () => loop.kick(),
  // After an outage the first to be back waits a lease for the others, and then takes them for dead.
  maxBackoff: Math.min(data.lease / 3, 2_000),
})
const { namespace, queue } = data
const keys = new Keys(namespace, queue)
const store = new Store(connection, keys)
const directory = new Directory({ connection, namespace, queue, every: SEEN_EVERY })
const tell = (news: HeartbeatNews): void => parentPort?.postMessage(news)
const answers = new Answers({
  ...{ runner: new Runner(connection, keys), begun, isMain: data.isMain },
  ready: () => connection.ready(period),
  call: () => tell({ type: 'call' }),
})
const period = data.lease / 3
let worker: string | undefined

const loop = new Loop({
  pause: Math.min(period, 1_000),
  onError: (error) => tell({ type: 'trouble', message: (error as Error).message }),
  round: async () => {
    const beating = worker
    if (beating === undefined) return period
    await connection.ready(period)
    answers.call()
    const alive = await store.beat(beating, data.lease, (question) => answers.asked(beating, question))
    tell({ type: alive ? 'alive' : 'dead', worker: beating })
    if (!alive && worker === beating) worker = undefined
    directory.touch()
    return period
  },
})

parentPort?.on('message', (order: HeartbeatOrder) => {
  if (order.type === 'heard') answers.heard()
  else if (order.type === 'question') {
    if (worker !== undefined) answers.asked(worker, order.question)
  } else {
    worker = order.worker
    loop.kick()
  }
})
loop.start()

const watchdog = new Watchdog({
  ...{ begun, store, period: LOOK, failedTtl: data.failedTtl, maxFailed: data.maxFailed },
  watch: new Watch(data.watch),
  ending: new Ending(data.ending),
  ready: () => connection.ready(LOOK),
  worker: () => worker,
})

const orphan = data.orphan && new OrphanWatch(data.orphan, LOOK)

let beginnings = 0
let isGivingBack = false
setInterval(() => {
  watchdog.look()
  orphan?.look()
  const before = beginnings
  beginnings = begun.beginnings
  if (before !== beginnings || !begun.hasWaiting || worker === undefined || isGivingBack) return
  if (!begun.stopAt(beginnings)) return
  isGivingBack = true
  void giveBack(worker).then((keys) => {
    isGivingBack = false
    tell({ type: 'given back', keys })
  })
}, LOOK)

/** What was given back, or perhaps was: the pending list will tell. */
async function giveBack(id: string): Promise<string[]> {
  const pending = await store.pending(id, MOST_GIVEN_BACK).catch(() => 'dead' as const)
  if (pending === 'dead') return []
  const waiting = pending.places.filter(({ lane, entry }) => !begun.hasBegun(lane, entry))
  if (waiting.length > 0) {
    await store
      .release(
        id,
        waiting.map((place) => ({ ...place, begun: false })),
        data.failedTtl,
      )
      .catch(() => {})
  }
  return waiting.map(placeKey)
}
