/**
 * What happens to a queue's tasks, told live on P:events by the workers that run them, as JSON. They tell while somebody
 * listens, and who listens says so on P:control again and again: one that ends without a word costs nothing a few
 * seconds later. Nothing is kept: what is told while a connection is away is not heard.
 */

import { Connection } from './connection.ts'
import type { Keys } from './keys.ts'
import type { RedisTarget } from './target.ts'

/** For how long one word makes workers tell, ms; it is said three times in that. */
const WATCH_FOR = 15_000
const TIMEOUT = 5_000
/** Of one message, bytes. */
const MAX_MESSAGE = 1024 * 1024
/** Events that wait to be read here. */
const MAX_WAITING = 10_000

export const EVENT_TYPES = [
  ...['started', 'succeeded', 'failed', 'retry', 'cancelled', 'expired', 'parked'],
  ...['ready', 'dead', 'recovered', 'stopped', 'dropped'],
] as const

/** What a task went through, or a worker. */
export interface QueueEvent {
  /**
   * Of a task: `started`, and how an attempt ended (`retry`: another follows). Of a worker: `ready`, `dead` (it was
   * declared so), `recovered` (it has put tasks of dead workers back in line), `stopped`. `dropped`: so many were not told.
   */
  readonly type: (typeof EVENT_TYPES)[number]
  /** By the clock of the worker that tells it. */
  readonly at: Date
  /** Who tells it; '' = this process. */
  readonly worker: string
  /** Of the task. */
  readonly id?: string
  readonly name?: string
  readonly attempt?: number
  /** How long the attempt ran. */
  readonly ms?: number
  /** Ms until the next attempt. */
  readonly delay?: number
  /** Name and message, at most 300 characters. */
  readonly error?: string
  /** Of `recovered` and `dropped`. */
  readonly count?: number
}

export interface WatchOptions {
  readonly target: RedisTarget
  readonly keys: Keys
  /** For Redis to be reached, ms. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  /** Holds what listens, for whoever wants to end it. */
  readonly open: Set<Watching>
}

/** Events as they come, until the loop is left, `signal` aborts or the watching is closed. Rejects with RedisError. */
export async function* watchEvents(options: WatchOptions): AsyncGenerator<QueueEvent, void, void> {
  const { target, keys, timeout, signal, open } = options
  if (signal?.aborted) return
  const watching = new Watching(target, keys)
  const end = (): void => watching.close()
  open.add(watching)
  signal?.addEventListener('abort', end)
  try {
    await watching.ready(timeout)
    yield* watching.events()
  } catch (error) {
    if (!signal?.aborted) throw error
  } finally {
    end()
    open.delete(watching)
    signal?.removeEventListener('abort', end)
  }
}

export class Watching {
  readonly #connection: Connection
  readonly #waiting: QueueEvent[] = []
  #dropped = 0
  #isClosed = false
  #wake = (): void => {}
  #renewing: NodeJS.Timeout | undefined

  constructor(target: RedisTarget, keys: Keys) {
    // RESP3: one connection hears and speaks.
    this.#connection = new Connection(target, {
      role: 'events',
      protocol: 3,
      onReady: () => void this.#listen(keys),
    })
    this.#connection.client.on('messageBuffer', (_channel: Buffer, message: Buffer) => this.#hear(message))
  }

  /** Resolves when Redis can be reached; what is told from then on is heard. Rejects with RedisError. */
  ready(timeout: number): Promise<void> {
    return this.#connection.ready(timeout)
  }

  async *events(): AsyncGenerator<QueueEvent, void, void> {
    try {
      while (!this.#isClosed) {
        const next = this.#waiting.shift()
        if (next) yield next
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.close()
    }
  }

  /** Safe twice. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#renewing)
    this.#connection.close()
    this.#wake()
  }

  async #listen(keys: Keys): Promise<void> {
    const renew = (): void => {
      const word = `watch ${WATCH_FOR}`
      void this.#connection.send((redis) => redis.publish(keys.control, word), TIMEOUT).catch(() => {})
    }
    try {
      await this.#connection.send((redis) => redis.subscribe(keys.events), TIMEOUT)
      renew()
      clearInterval(this.#renewing)
      this.#renewing = setInterval(renew, WATCH_FOR / 3)
    } catch {
      // Not subscribed: start over with a new socket.
      if (!this.#isClosed && this.#connection.isReady) this.#connection.client.disconnect(true)
    }
  }

  #hear(message: Buffer): void {
    for (const event of readEvents(message)) {
      this.#waiting.push(event)
      if (this.#waiting.length > MAX_WAITING) {
        this.#waiting.shift()
        this.#dropped += 1
      }
    }
    if (this.#dropped > 0 && this.#waiting.length < MAX_WAITING) {
      this.#waiting.push({ type: 'dropped', at: new Date(), worker: '', count: this.#dropped })
      this.#dropped = 0
    }
    this.#wake()
  }
}

/** Those of a message that have the shape of one; what anybody else publishes there is passed over. */
function readEvents(message: Buffer): QueueEvent[] {
  if (message.length > MAX_MESSAGE) return []
  try {
    const items: unknown = JSON.parse(message.toString())
    return Array.isArray(items) ? items.flatMap(readEvent) : []
  } catch {
    return []
  }
}

const TEXTS = ['id', 'name', 'error'] as const
const NUMBERS = ['attempt', 'ms', 'delay', 'count'] as const

function readEvent(item: unknown): QueueEvent[] {
  if (typeof item !== 'object' || item === null) return []
  const given = item as Record<string, unknown>
  const { type, at, worker } = given
  const isOne =
    EVENT_TYPES.includes(type as QueueEvent['type']) && typeof at === 'number' && typeof worker === 'string'
  if (!isOne) return []
  const more: Record<string, unknown> = {}
  for (const field of TEXTS) if (typeof given[field] === 'string') more[field] = given[field]
  for (const field of NUMBERS) if (typeof given[field] === 'number') more[field] = given[field]
  return [{ type: type as QueueEvent['type'], at: new Date(at), worker, ...more }]
}
