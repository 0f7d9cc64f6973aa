/**
 * One connection to Redis that never leaves a promise open. ioredis reconnects; what it must not do is keep commands
 * and replay them later, so its queues are off: a command is sent on a ready connection or not at all, has a
 * deadline of its own, and ends as `unknown` when the socket closes under it. Callers try again; scripts may run twice.
 *
 *   idle ──connect──► connecting ──ready──► ready
 *                        ▲                    │ closed, or silent past a deadline
 *                        └────────────────────┘           close() ends it from anywhere
 */

import type { Redis, RedisOptions } from 'ioredis'
import { Deadlines } from '../deadlines.ts'
import { RedisError } from '../errors.ts'
import { type Link, Linked } from '../linked.ts'
import type { Answer, Reply } from './command.ts'
import { isConfiguration, messageOf, toRedisError } from './faults.ts'
import { openClient, type RedisTarget } from './target.ts'

/** From a socket's opening to its first use: covers a server that accepts and then says nothing. */
const READY_TIMEOUT = 10_000
const MAX_BACKOFF = 2_000
const OLDEST = [7, 0] as const

export interface ConnectionOptions {
  /** Shown by CLIENT LIST, after `millrace:`. */
  readonly role: string
  /** After every (re)connect, before anything waits for ready() goes on. */
  readonly onReady?: () => void
  /** Once for each new trouble: refused, lost, wrong password, too old. */
  readonly onProblem?: (problem: RedisError) => void
  /** After every (re)connect, before it counts as ready. Must not reject. */
  readonly prepare?: (client: Redis) => Promise<void>
  /** Ask for the server's version and refuse one that is too old. */
  readonly checkVersion?: boolean
  /** Between two tries to connect, at most, ms. Default 2 s. */
  readonly maxBackoff?: number
  /** Of RESP. 3: messages come on the connection that sends commands too. Default 2. */
  readonly protocol?: 2 | 3
}

/** A command that has not been answered. */
interface InFlight extends Link {
  readonly fail: (error: unknown) => void
}

export class Connection {
  readonly client: Redis
  readonly #options: ConnectionOptions
  readonly #deadlines = new Deadlines()
  readonly #inFlight = new Linked<InFlight>()
  readonly #waiting = new Set<(error?: RedisError) => void>()
  #state: 'idle' | 'connecting' | 'ready' | 'closed' = 'idle'
  #problem: RedisError | undefined
  #readyTimer: NodeJS.Timeout | undefined

  constructor(target: RedisTarget, options: ConnectionOptions) {
    this.#options = options
    const { role, protocol = 2, maxBackoff = MAX_BACKOFF } = options
    this.client = openClient(target, {
      ...{ ...OURS, protocol, connectionName: `millrace:${role}`, maxLoadingRetryTime: maxBackoff },
      retryStrategy: (times) =>
        Math.min(50 * 2 ** Math.min(times - 1, 10), maxBackoff) * (0.75 + Math.random() / 2),
    })
    this.client.on('connect', () => this.#connected())
    this.client.on('ready', () => void this.#verify())
    this.client.on('error', (error: Error) => this.#trouble(toRedisError(error)))
    this.client.on('close', () => this.#lost())
  }

  get isReady(): boolean {
    return this.#state === 'ready'
  }

  /** What keeps it from being ready, as far as known. */
  get problem(): RedisError | undefined {
    return this.#problem
  }

  /** Starts to connect, and keeps at it. Safe twice. */
  connect(): void {
    if (this.#state !== 'idle') return
    this.#state = 'connecting'
    this.client.connect().catch(() => {})
  }

  /** Resolves when it is ready; rejects after `timeout` ms, or at once where only another configuration helps. */
  ready(timeout: number): Promise<void> {
    if (this.#state === 'ready') return Promise.resolve()
    if (this.#state === 'closed') return Promise.reject(closedError())
    this.connect()
    if (this.#problem && isConfiguration(this.#problem)) return Promise.reject(this.#problem)
    return new Promise((resolve, reject) => {
      const settle = (error?: RedisError): void => {
        clearTimeout(timer)
        this.#waiting.delete(settle)
        if (error) reject(error)
        else resolve()
      }
      const timer = setTimeout(() => settle(this.#notReady()), timeout)
      this.#waiting.add(settle)
    })
  }

  /** Sends now or not at all. Rejects with a RedisError that says whether it may have run. */
  send<T>(command: (client: Redis) => Promise<T>, timeout: number): Promise<T> {
    return this.#within(timeout, (resolve, reject) => {
      command(this.client).then(resolve, reject)
    })
  }

  /** The same for a command of ours; answers what `read` makes of the reply, or rejects with what it throws. */
  ask<T>(
    command: (client: Redis, answer: Answer) => void,
    read: (reply: Reply) => T,
    timeout: number,
  ): Promise<T> {
    return this.#within(timeout, (resolve, reject) => {
      const take = (reply: Reply): void => {
        try {
          resolve(read(reply))
        } catch (error) {
          // As it is: reject would make an error of Redis' of it.
          resolve(Promise.reject(error))
        }
      }
      command(this.client, { resolve: take, reject })
    })
  }

  #within<T>(
    timeout: number,
    run: (resolve: (value: T | Promise<T>) => void, reject: (error: unknown) => void) => void,
  ): Promise<T> {
    if (this.#state === 'closed') return Promise.reject(closedError())
    if (this.#state !== 'ready') return Promise.reject(this.#notReady())
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#deadlines.remove(deadline)
        this.#inFlight.remove(sent)
      }
      const fail = (error: unknown): void => {
        settle()
        reject(toRedisError(error))
      }
      const deadline = this.#deadlines.add(timeout, () => {
        fail(new RedisError(`Redis gave no answer for ${timeout} ms`, 'unknown'))
        // A socket that is silent for that long is replaced: it may be half open.
        this.client.disconnect(true)
      })
      const sent: InFlight = { fail, before: undefined, after: undefined }
      this.#inFlight.add(sent)
      const done = (value: T | Promise<T>): void => {
        settle()
        resolve(value)
      }
      try {
        run(done, fail)
      } catch (error) {
        fail(error)
      }
    })
  }

  /** Ends it; what is under way rejects. Safe twice. */
  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    clearTimeout(this.#readyTimer)
    this.client.disconnect(false)
    this.#rejectAll(closedError())
    for (const settle of [...this.#waiting]) settle(closedError())
  }

  #connected(): void {
    clearTimeout(this.#readyTimer)
    this.#readyTimer = setTimeout(() => {
      this.#trouble(
        new RedisError(`Redis accepted the connection but was not ready within ${READY_TIMEOUT} ms`, false),
      )
      this.client.disconnect(true)
    }, READY_TIMEOUT)
  }

  async #verify(): Promise<void> {
    const { checkVersion, prepare } = this.#options
    if (checkVersion || prepare) {
      const [problem] = await Promise.all([
        checkVersion ? versionProblem(this.client) : undefined,
        prepare?.(this.client),
      ])
      if (this.#state === 'closed' || this.client.status !== 'ready') return
      if (problem) {
        this.#trouble(problem)
        this.client.disconnect(true)
        return
      }
    }
    if (this.#state === 'closed') return
    clearTimeout(this.#readyTimer)
    this.#state = 'ready'
    this.#problem = undefined
    this.#options.onReady?.()
    for (const settle of [...this.#waiting]) settle()
  }

  #lost(): void {
    clearTimeout(this.#readyTimer)
    if (this.#state === 'ready') {
      this.#state = 'connecting'
      this.#trouble(new RedisError('the connection to Redis was lost', 'unknown'))
    }
    this.#rejectAll(new RedisError('the connection to Redis was lost before it answered', 'unknown'))
  }

  #trouble(problem: RedisError): void {
    if (this.#state === 'closed') return
    const isNew = this.#problem?.message !== problem.message
    this.#problem = problem
    if (isConfiguration(problem)) for (const settle of [...this.#waiting]) settle(problem)
    if (isNew) this.#options.onProblem?.(problem)
  }

  #rejectAll(error: RedisError): void {
    for (let { first } = this.#inFlight; first; first = this.#inFlight.first) first.fail(error)
  }

  #notReady(): RedisError {
    const why = this.#problem ? `: ${this.#problem.message}` : ''
    return new RedisError(`not connected to Redis${why}`, false)
  }
}

const OURS: RedisOptions & { replyMapping: 'legacy' } = {
  // Replies have one shape: XREADGROUP's is a map under RESP3 and a list under RESP2.
  replyMapping: 'legacy',
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  enableAutoPipelining: false,
  maxRetriesPerRequest: null,
  connectTimeout: 5_000,
}

const closedError = (): RedisError =>
  new RedisError('the connection was closed', 'unknown', 'ERR_MILLRACE_CLOSED')

async function versionProblem(client: Redis): Promise<RedisError | undefined> {
  let info: string
  try {
    info = await client.info('server')
  } catch (error) {
    // Without the right to ask, the scripts will tell.
    return /^NOPERM/.test(messageOf(error)) ? undefined : toRedisError(error)
  }
  const version = /^redis_version:(\d+)\.(\d+)\S*/m.exec(info)
  if (!version) return undefined
  const isTooOld = Number(version[1]) < OLDEST[0]
  const found = version[0].slice('redis_version:'.length)
  return isTooOld
    ? new RedisError(
        `Redis ${found} is too old: Millrace needs ${OLDEST.join('.')} or newer (or Valkey 7.2)`,
        false,
      )
    : undefined
}
