/** What every one-shot command has: its settings, its output, and queues on a Redis that answers. */

import type { Command } from 'commander'
import { Queue } from '../queue.ts'
import type { RedisTarget } from '../redis/target.ts'
import { EXIT, ExitError, usage } from './exit.ts'
import { nearest } from './near.ts'
import { Output } from './output.ts'
import { type Flags, type Resolved, resolveSettings, type Settings } from './settings.ts'

/** For Redis to answer a first time, ms. */
const REACH_TIMEOUT = 5_000

/** Options of every command that speaks to Redis. */
export function connecting(command: Command): Command {
  return command
    .option('-u, --redis <url>', 'where Redis is (REDIS_URL)')
    .option('--namespace <name>', 'prefix of every key (MILLRACE_NAMESPACE)')
    .option('--config <file>', 'a configuration other than the nearest millrace.config.*')
    .option('--json', 'for programs: JSON, one line each')
}

export class Context implements AsyncDisposable {
  readonly output: Output
  readonly settings: Settings
  readonly resolved: Resolved
  readonly #queues = new Map<string, Queue>()

  private constructor(output: Output, resolved: Resolved) {
    this.output = output
    this.resolved = resolved
    this.settings = resolved.settings
  }

  static async of(flags: Flags): Promise<Context> {
    // Which queue is meant here, and not which queues are worked on.
    const resolved = await resolveSettings({ ...flags, queue: undefined })
    return new Context(new Output(flags.json === true), resolved)
  }

  /** Open, and Redis has answered. Throws ExitError. */
  async queue(name: string): Promise<Queue> {
    const open = this.#queues.get(name)
    if (open) return open
    const { redis, namespace, defaults } = this.settings
    const queue = new Queue(name, { redis, namespace, ...(defaults && { defaults }) })
    this.#queues.set(name, queue)
    let isReached = false
    queue.on('error', (error) => {
      if (isReached) this.output.note(`millrace: ${error.message}`)
    })
    const { isConnected, problem } = await queue.health({ timeout: REACH_TIMEOUT })
    if (!isConnected) {
      throw new ExitError(
        EXIT.unavailable,
        `cannot reach Redis at ${whereOf(redis)}: ${problem ?? 'no answer'}`,
      )
    }
    isReached = true
    return queue
  }

  /** The queue that is meant: the one given, else the only one there is. Throws ExitError where it has never been used. */
  async nameOf(given: string | undefined): Promise<string> {
    const names = await this.names()
    if (given !== undefined) {
      if (names.includes(given)) return given
      const near = nearest(given, names)
      const hint = near
        ? `did you mean ${near}?`
        : names.length > 0
          ? `there is ${names.join(', ')}`
          : 'there is none'
      throw usage(`no worker and no caller has used a queue ${given}: ${hint}`)
    }
    if (names.length === 1) return names[0]!
    if (names.length === 0) throw usage('which queue? There is none yet: say --queue NAME')
    throw usage(`which queue? Say --queue with one of: ${names.join(', ')}`)
  }

  /** All queues that are known here. */
  async names(): Promise<string[]> {
    const { redis, namespace, queues } = this.settings
    const configured = Object.keys(queues ?? {})
    const seen = await Queue.list({ redis, namespace }).catch((error: Error) => {
      throw new ExitError(EXIT.unavailable, `cannot reach Redis at ${whereOf(redis)}: ${error.message}`, {
        cause: error,
      })
    })
    return [...new Set([...configured, ...seen])].sort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()))
  }
}

/** For people, without user and password. */
export function whereOf(redis: RedisTarget): string {
  if (typeof redis === 'string') {
    try {
      const { hostname, port, pathname } = new URL(redis)
      return `${hostname}:${port || 6379}${pathname.length > 1 ? pathname : ''}`
    } catch {
      return 'the given address'
    }
  }
  const { host, port, path } = redis as { host?: unknown; port?: unknown; path?: unknown }
  return typeof path === 'string' ? path : `${String(host ?? '127.0.0.1')}:${String(port ?? 6379)}`
}
