/**
 * The heart of one worker, in the thread that beats: it has a connection of its own and beats for one worker id at a
 * time, the one that the main thread names. It also looks after the main loop, which may be blocked.
 */

import { Connection } from '../redis/connection.ts'
import { Directory } from '../redis/directory.ts'
import { Keys } from '../redis/keys.ts'
import { Runner } from '../redis/runner.ts'
import { Store } from '../redis/store.ts'
import type { RedisTarget } from '../redis/target.ts'
import { placeKey } from '../redis/wire.ts'
import { Answers } from './answers.ts'
import { Begun } from './begun.ts'
import { Loop } from './loop.ts'
import { Watch } from './watch.ts'
import { Watchdog } from './watchdog.ts'

export interface HeartData {
  readonly target: RedisTarget
  readonly namespace: string
  readonly queue: string
  readonly lease: number
  readonly failedTtl: number
  readonly maxFailed: number
  readonly begun: SharedArrayBuffer
  readonly watch: SharedArrayBuffer
}

/** To the main thread. */
export type HeartNews =
  | { readonly type: 'alive' | 'dead'; readonly worker: string }
  | { readonly type: 'given back'; readonly keys: readonly string[] }
  | { readonly type: 'call' }

/** From the main thread: for whom to beat; somebody asks what that worker is doing; a call was heard. */
export type HeartOrder =
  | { readonly type: 'follow'; readonly worker: string }
  | { readonly type: 'question'; readonly question: string }
  | { readonly type: 'heard' }

export interface HeartOptions {
  readonly data: HeartData
  readonly tell: (news: HeartNews) => void
  /** Whether the worker is in the process's main thread. */
  readonly isMain: boolean
  /** This process is going to end: the other workers in it give back what they hold. */
  readonly leaveOthers: () => Promise<unknown>
  /** Between looks, ms. Tasks that wait behind one that keeps the main loop, or all slots, for one to two of these are given back. */
  readonly period: number
}

const MOST_GIVEN_BACK = 2_000
/** The queue's name goes to the directory, ms. */
const SEEN_EVERY = 600_000

export class Heart {
  readonly #options: HeartOptions
  readonly #begun: Begun
  readonly #connection: Connection
  readonly #store: Store
  readonly #answers: Answers
  readonly #watchdog: Watchdog
  readonly #loop: Loop
  #worker: string | undefined
  #beginnings = 0
  #isGivingBack = false

  constructor(options: HeartOptions) {
    this.#options = options
    const { data, tell, isMain, leaveOthers, period } = options
    const { target, namespace, queue, lease, failedTtl, maxFailed } = data
    const pause = lease / 3
    const begun = new Begun(data.begun)
    const connection = new Connection(target, {
      role: 'heartbeat',
      onReady: () => this.#loop.kick(),
      // After an outage the first to be back waits a lease for the others, and then takes them for dead.
      maxBackoff: Math.min(pause, 2_000),
    })
    const keys = new Keys(namespace, queue)
    const store = new Store(connection, keys)
    const directory = new Directory({ connection, namespace, queue, every: SEEN_EVERY })
    const answers = new Answers({
      ...{ runner: new Runner(connection, keys), begun, isMain },
      ready: () => connection.ready(pause),
      call: () => tell({ type: 'call' }),
    })
    this.#begun = begun
    this.#connection = connection
    this.#store = store
    this.#answers = answers
    this.#watchdog = new Watchdog({
      ...{ begun, store, period, failedTtl, maxFailed, leaveOthers },
      watch: new Watch(data.watch),
      ready: () => connection.ready(period),
      worker: () => this.#worker,
    })
    this.#loop = new Loop({
      pause: Math.min(pause, 1_000),
      // The main thread has a connection too, and tells what is wrong with it.
      onError: () => {},
      round: async () => {
        const worker = this.#worker
        if (worker === undefined) return pause
        await connection.ready(pause)
        answers.call()
        const alive = await store.beat(worker, lease, (question) => answers.asked(worker, question))
        tell({ type: alive ? 'alive' : 'dead', worker })
        if (!alive && this.#worker === worker) this.#worker = undefined
        directory.touch()
        return pause
      },
    })
    this.#loop.start()
  }

  obey(order: HeartOrder): void {
    if (order.type === 'heard') this.#answers.heard()
    else if (order.type === 'question') {
      if (this.#worker !== undefined) this.#answers.asked(this.#worker, order.question)
    } else {
      this.#worker = order.worker
      this.#loop.kick()
    }
  }

  /** To be called every `period` ms. */
  look(): void {
    const begun = this.#begun
    this.#watchdog.look()
    const before = this.#beginnings
    this.#beginnings = begun.beginnings
    const isStill = before === this.#beginnings && begun.hasWaiting
    if (!isStill || this.#worker === undefined || this.#isGivingBack) return
    if (!begun.stopAt(this.#beginnings)) return
    this.#isGivingBack = true
    void this.#giveBack(this.#worker).then((keys) => {
      this.#isGivingBack = false
      this.#options.tell({ type: 'given back', keys })
    })
  }

  /** This process is going to end. Resolves when its worker holds nothing any more. */
  leave(): Promise<void> {
    return this.#watchdog.leave()
  }

  /** It beats no more. */
  async stop(): Promise<void> {
    this.#connection.close()
    await this.#loop.stop()
  }

  /** What was given back, or perhaps was: the pending list will tell. */
  async #giveBack(id: string): Promise<string[]> {
    const pending = await this.#store.pending(id, MOST_GIVEN_BACK).catch(() => 'dead' as const)
    if (pending === 'dead') return []
    const waiting = pending.places.filter(({ lane, entry }) => !this.#begun.hasBegun(lane, entry))
    if (waiting.length > 0) {
      const places = waiting.map((place) => ({ ...place, begun: false }))
      await this.#store.release(id, places, this.#options.data.failedTtl).catch(() => {})
    }
    return waiting.map(placeKey)
  }
}
