/** The main thread's side of a worker's heartbeat: names the worker to beat for, and hears how it goes. */

import { portableTarget } from '../redis/target.ts'
import { beginHeart, type DistantHeart } from './beating.ts'
import type { Begun } from './begun.ts'
import type { HeartData, HeartNews } from './heart.ts'
import { Loop } from './loop.ts'
import type { Watch } from './watch.ts'

export interface HeartbeatOptions extends Omit<HeartData, 'begun' | 'watch'> {
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

/** Where connections are cut again and again, one that waited a third of its lease after each would miss all of it. */
const STAND_IN_RETRY = 100

export class Heartbeat {
  readonly #options: HeartbeatOptions
  /** Until the thread beats: on a busy machine its start can take longer than a lease. */
  readonly #standIn: Loop
  #heart: DistantHeart | undefined
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
    this.#heart ??= this.#begin()
    this.#heart.tell({ type: 'follow', worker })
    this.#standIn.start()
  }

  /** Somebody asks what this worker is doing: the thread answers, which also can where this loop cannot. */
  asked(question: string): void {
    this.#heart?.tell({ type: 'question', question })
  }

  async stop(): Promise<void> {
    this.#worker = undefined
    const heart = this.#heart
    this.#heart = undefined
    await Promise.all([heart?.end(), this.#standIn.stop()])
  }

  async #beat(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    const alive = await this.#options.beat(worker)
    // If it is dead, the thread will say so.
    if (alive && worker === this.#worker) this.#lastBeat = performance.now()
  }

  #begin(): DistantHeart {
    const { target, namespace, queue, lease, failedTtl, maxFailed, begun, watch, onError } = this.#options
    return beginHeart({
      data: {
        ...{ target: portableTarget(target), namespace, queue, lease, failedTtl, maxFailed },
        ...{ begun: begun.memory, watch: watch.memory },
      },
      hear: (news) => this.#hear(news),
      onAnew: () => this.#anew(),
      onError,
    })
  }

  #hear(news: HeartNews): void {
    if (news.type === 'call') this.#heart?.tell({ type: 'heard' })
    else if (news.type === 'given back') this.#options.onGivenBack(news.keys)
    else if (news.worker === this.#worker) {
      void this.#standIn.stop()
      if (news.type === 'alive') this.#lastBeat = performance.now()
      else this.#options.onDead(news.worker)
    }
  }

  #anew(): void {
    if (this.#worker === undefined) return
    // Perhaps it ended while it gave something back; the pending list will tell.
    this.#options.onGivenBack([])
    this.#heart?.tell({ type: 'follow', worker: this.#worker })
    this.#standIn.start()
  }
}
