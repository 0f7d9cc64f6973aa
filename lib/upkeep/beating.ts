/**
 * The thread that beats, as the main thread sees it: started with the first worker, shared by all of this process, and
 * kept for a while after the last. To start one takes 0.2 s of CPU, in which tasks would run at half their speed, and
 * 26 MB.
 *
 *   none ──begin──► beats ──the last heart has ended──► lingers ──LINGER──► none
 *                    │  ▲ ◄──────────begin─────────────────┘
 *    it has died ◄───┘  └──RESTART_PAUSE: all hearts begin anew
 */

import { isMainThread, Worker as Thread } from 'node:worker_threads'
import type { HeartData, HeartNews, HeartOrder } from './heart.ts'
import type { ThreadData, ThreadNews, ThreadOrder } from './heartbeat-thread.ts'
import { orphanData } from './orphan.ts'

export interface HeartListener {
  readonly data: HeartData
  readonly hear: (news: HeartNews) => void
  /** The thread had died, and another has begun: this heart follows nobody there. */
  readonly onAnew: () => void
  readonly onError: (error: Error) => void
}

/** A heart in that thread. */
export interface DistantHeart {
  tell(order: HeartOrder): void
  /** Resolves when it beats no more and has no connection. */
  end(): Promise<void>
}

interface Listening {
  readonly listener: HeartListener
  /** Where it is to end: resolves who waits for that. */
  ended: (() => void) | undefined
}

/** From source it is started through a bootstrap, from the build as it is. */
const FILE = import.meta.url.endsWith('.ts')
  ? new URL('./heartbeat-thread.dev.mjs', import.meta.url)
  : new URL('./heartbeat-thread.js', import.meta.url)

const RESTART_PAUSE = 500
/** After the last heart has ended: programs that start and stop workers are specs, deployments and benchmarks. */
const LINGER = 60_000

export class BeatingThread {
  readonly #linger: number
  #thread: Thread | undefined
  #isDead = false
  readonly #hearts = new Map<number, Listening>()
  #lastNumber = 0
  #lingering: NodeJS.Timeout | undefined

  /** linger: ms. */
  constructor(linger = LINGER) {
    this.#linger = linger
  }

  begin(listener: HeartListener): DistantHeart {
    this.#lastNumber += 1
    const number = this.#lastNumber
    this.#hearts.set(number, { listener, ended: undefined })
    clearTimeout(this.#lingering)
    this.#thread ??= this.#start()
    this.#thread.ref()
    this.#begin(number, listener)
    return {
      tell: (order) => this.#say(number, order),
      end: () => this.#end(number),
    }
  }

  #begin(number: number, { data }: HeartListener): void {
    this.#say(number, { type: 'begin', data, orphan: orphanData() })
  }

  #say(heart: number, order: ThreadOrder['order']): void {
    this.#thread?.postMessage({ heart, order } satisfies ThreadOrder)
  }

  #end(number: number): Promise<void> {
    return new Promise((resolve) => {
      const listening = this.#hearts.get(number)
      if (!listening) return resolve()
      listening.ended = resolve
      if (this.#isDead) this.#ended(number)
      else this.#say(number, { type: 'end' })
    })
  }

  #ended(number: number): void {
    const listening = this.#hearts.get(number)
    this.#hearts.delete(number)
    listening?.ended?.()
    if (this.#hearts.size > 0) return
    this.#thread?.unref()
    this.#lingering = setTimeout(() => this.#dismiss(), this.#linger).unref()
  }

  #dismiss(): void {
    const thread = this.#thread
    this.#thread = undefined
    void thread?.terminate()
  }

  #start(): Thread {
    const workerData: ThreadData = { isMain: isMainThread }
    const thread = new Thread(FILE, { workerData, execArgv: [], name: 'millrace-heartbeat' })
    this.#isDead = false
    thread.on('message', ({ heart, news }: ThreadNews) => {
      const listening = this.#hearts.get(heart)
      if (news.type === 'ended') this.#ended(heart)
      else if (listening && !listening.ended) listening.listener.hear(news)
    })
    thread.on('error', (error: Error) => {
      for (const { listener } of this.#hearts.values()) listener.onError(error)
    })
    thread.on('exit', () => {
      if (thread === this.#thread) this.#died(thread)
    })
    return thread
  }

  /** It ended although nobody stopped it. */
  #died(thread: Thread): void {
    this.#isDead = true
    for (const [number, { ended }] of [...this.#hearts]) if (ended) this.#ended(number)
    setTimeout(() => this.#revive(thread), RESTART_PAUSE).unref()
  }

  #revive(dead: Thread): void {
    // Nobody needed it meanwhile, or another was started since.
    if (this.#thread !== dead) return
    this.#thread = undefined
    if (this.#hearts.size === 0) return
    this.#thread = this.#start()
    for (const [number, { listener }] of this.#hearts) {
      this.#begin(number, listener)
      listener.onAnew()
    }
  }
}

const thread = new BeatingThread()

/** Another heart in the thread of this process. It beats once it is told for whom. */
export const beginHeart = (listener: HeartListener): DistantHeart => thread.begin(listener)
