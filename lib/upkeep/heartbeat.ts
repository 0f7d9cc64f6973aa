/** The main thread's side of the heartbeat: starts the thread, names the worker to beat for, hears how it goes. */

import { isMainThread, Worker as Thread } from 'node:worker_threads'
import { portableTarget, type RedisTarget } from '../redis/target.ts'
import type { Begun } from './begun.ts'
import { Ending } from './ending.ts'
import type { HeartbeatData, HeartbeatNews, HeartbeatOrder } from './heartbeat-thread.ts'
import { Loop } from './loop.ts'
import { orphanData } from './orphan.ts'
import type { Watch } from './watch.ts'

export interface HeartbeatOptions {
  readonly target: RedisTarget
  readonly namespace: string
  readonly queue: string
  readonly lease: number
  readonly failedTtl: number
  readonly maxFailed: number
  readonly begun: Begun
  readonly watch: Watch
  /** One beat from the main loop, as soon as Redis can be reached; false: declared dead. */
  readonly beat: (worker: string) => Promise<boolean>
  /** The main loop stood still, and the thread gave back what had not begun: keys of their places. */
  readonly onGivenBack: (keys: readonly string[]) => void
  /** This worker id was declared dead: it must not be used again. */
  readonly onDead: (worker: string) => void
  readonly onError: (error: Error) => void
}

/** From source it is started through a bootstrap, from the build as it is. */
const THREAD = import.meta.url.endsWith('.ts')
  ? new URL('./heartbeat-thread.dev.mjs', import.meta.url)
  : new URL('./heartbeat-thread.js', import.meta.url)

const RESTART_PAUSE = 500
/** Where connections are cut again and again, one that waited a third of its lease after each would miss all of it. */
const STAND_IN_RETRY = 100
/** Of all workers of this process. */
const ending = new Ending()

export class Heartbeat {
  readonly #options: HeartbeatOptions
  /** Until the thread beats: on a busy machine its start can take longer than a lease. */
  readonly #standIn: Loop
  #thread: Thread | undefined
  #worker: string | undefined
  #lastBeat = 0

  constructor(options: HeartbeatOptions) {
    this.#options = options
    const pause = options.lease / 3
    const retry = Math.min(pause, STAND_IN_RETRY)
    this.#standIn = new Loop({ pause, retry, onError: () => {}, round: () => this.#beat().then(() => pause) })
  }

  /** Whether Redis has surely heard of this worker within its lease. False too when the main loop was blocked. */
  get isFresh(): boolean {
    return performance.now() - this.#lastBeat < this.#options.lease
  }

  /** Ms since Redis has surely heard of the worker that it beats for; undefined: there is none. */
  get age(): number | undefined {
    return this.#worker === undefined ? undefined : performance.now() - this.#lastBeat
  }

  /** Beats for this id, which was registered just now. */
  follow(worker: string): void {
    this.#worker = worker
    this.#lastBeat = performance.now()
    this.#thread ??= this.#start()
    this.#say({ type: 'follow', worker })
    this.#standIn.start()
  }

  /** Somebody asks what this worker is doing: the thread answers, which also can where this loop cannot. */
  asked(question: string): void {
    this.#say({ type: 'question', question })
  }

  async stop(): Promise<void> {
    this.#worker = undefined
    const thread = this.#thread
    this.#thread = undefined
    await Promise.all([thread?.terminate(), this.#standIn.stop()])
  }

  #say(order: HeartbeatOrder): void {
    this.#thread?.postMessage(order)
  }

  async #beat(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    const alive = await this.#options.beat(worker)
    // If it is dead, the thread will say so.
    if (alive && worker === this.#worker) this.#lastBeat = performance.now()
  }

  /** It ended although nobody stopped it. */
  #restart(ended: Thread): void {
    if (this.#thread !== ended || this.#worker === undefined) return
    // Perhaps it ended while it gave something back; the pending list will tell.
    this.#options.onGivenBack([])
    this.#thread = this.#start()
    this.#say({ type: 'follow', worker: this.#worker })
    this.#standIn.start()
  }

  #start(): Thread {
    const { target, namespace, queue, lease, failedTtl, maxFailed, begun, watch } = this.#options
    const { onError, onDead } = this.#options
    const workerData: HeartbeatData = {
      ...{ target: portableTarget(target), namespace, queue, lease, failedTtl, maxFailed },
      ...{ begun: begun.memory, watch: watch.memory, ending: ending.memory },
      ...{ isMain: isMainThread, orphan: orphanData() },
    }
    const thread = new Thread(THREAD, { workerData, execArgv: [], name: 'millrace-heartbeat' })
    thread.on('message', (news: HeartbeatNews) => {
      if (news.type === 'trouble') return
      if (news.type === 'call') {
        thread.postMessage({ type: 'heard' } satisfies HeartbeatOrder)
        return
      }
      if (news.type === 'given back') {
        this.#options.onGivenBack(news.keys)
        return
      }
      if (news.worker !== this.#worker) return
      void this.#standIn.stop()
      if (news.type === 'alive') this.#lastBeat = performance.now()
      else onDead(news.worker)
    })
    thread.on('error', onError)
    ending.count(1)
    thread.on('exit', () => {
      ending.count(-1)
      setTimeout(() => this.#restart(thread), RESTART_PAUSE).unref()
    })
    return thread
  }
}
