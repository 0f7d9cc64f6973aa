/** Tells what a worker does on P:events, while somebody listens: lib/redis/events.ts. */

import type { QueueEvent } from '../redis/events.ts'
import { toError } from '../report.ts'
import type { TaskEnd, TaskStart, WorkerEvents } from './worker-options.ts'

/** Events go together, ms. */
const TOGETHER = 50
/** Of those, at most: what is more is counted. */
const MOST = 1_000
const MAX_ERROR = 300

type Told = Omit<QueueEvent, 'at' | 'worker'>

interface Emitter {
  on<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): unknown
  off<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): unknown
}

export interface BroadcastOptions {
  readonly emitter: Emitter
  readonly worker: () => string
  readonly publish: (message: string) => Promise<unknown>
}

export class Broadcast {
  readonly #options: BroadcastOptions
  readonly #events: (Told & { at: number; worker: string })[] = []
  #dropped = 0
  /** Kept, because it is none any more when it has died or stopped. */
  #worker = ''
  #flushing: NodeJS.Timeout | undefined
  #ending: NodeJS.Timeout | undefined

  constructor(options: BroadcastOptions) {
    this.#options = options
  }

  /** Somebody listens, for so many ms from now. */
  watched(ms: number): void {
    this.#worker = this.#options.worker() || this.#worker
    if (!this.#ending) this.#follow('on')
    clearTimeout(this.#ending)
    this.#ending = setTimeout(() => this.stop(), ms).unref()
  }

  /** Tells what it has, and nothing more. Safe twice. */
  stop(): void {
    if (!this.#ending) return
    clearTimeout(this.#ending)
    this.#ending = undefined
    this.#follow('off')
    this.#flush()
  }

  #follow(how: 'on' | 'off'): void {
    const { emitter } = this.#options
    emitter[how]('started', this.#started)
    emitter[how]('ended', this.#ended)
    emitter[how]('ready', this.#ready)
    emitter[how]('dead', this.#dead)
    emitter[how]('recovered', this.#recovered)
    emitter[how]('stopped', this.#stopped)
  }

  readonly #started = ({ id, name, attempt }: TaskStart): void =>
    this.#tell({ type: 'started', id, name, attempt })
  readonly #ended = ({ id, name, attempt, state, ms, error, delay }: TaskEnd): void =>
    this.#tell({
      ...{ type: state, id, name, attempt, ms },
      ...(delay !== undefined && { delay }),
      ...(error && { error: textOf(error) }),
    })
  readonly #ready = (): void => this.#tell({ type: 'ready' })
  readonly #dead = (): void => this.#tell({ type: 'dead' })
  readonly #recovered = ({ recovered }: { recovered: number }): void =>
    this.#tell({ type: 'recovered', count: recovered })
  readonly #stopped = (): void => this.#tell({ type: 'stopped' })

  #tell(event: Told): void {
    this.#worker = this.#options.worker() || this.#worker
    if (this.#events.length < MOST) this.#events.push({ ...event, at: Date.now(), worker: this.#worker })
    else this.#dropped += 1
    this.#flushing ??= setTimeout(() => this.#flush(), TOGETHER).unref()
  }

  #flush(): void {
    clearTimeout(this.#flushing)
    this.#flushing = undefined
    const told: object[] = this.#events.splice(0)
    if (this.#dropped > 0) {
      told.push({ type: 'dropped', count: this.#dropped, at: Date.now(), worker: this.#worker })
    }
    this.#dropped = 0
    // Nobody may do without it: what cannot be told is not.
    if (told.length > 0) this.#options.publish(JSON.stringify(told)).catch(() => {})
  }
}

const textOf = (thrown: unknown): string => {
  const { name, message } = toError(thrown)
  return `${name}: ${message}`.slice(0, MAX_ERROR)
}
