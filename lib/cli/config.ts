/** `millrace.config.ts`: what the command goes by where neither a flag nor the environment says otherwise. */

import type { LogLevel } from '../logger.ts'
import type { RedisTarget } from '../redis/target.ts'
import type { TaskDefaults } from '../task-options.ts'
import type { WorkerOptions } from '../work/worker-options.ts'

/** What a worker of one queue may be told. */
export type QueueConfig = Omit<WorkerOptions, 'logger' | 'name' | 'drainTimeout'>

export interface Config {
  /** URL, ioredis options or a client. Default: REDIS_URL, then redis://127.0.0.1:6379. For queues that do not say it themselves. */
  readonly redis?: RedisTarget
  /** Prefix of every key, for queues that do not say it themselves. Default `millrace`. */
  readonly namespace?: string
  /** The first part of the workers' ids. Default: host and process id. */
  readonly name?: string
  /** Modules that define tasks: paths or globs, from the folder of this file. */
  readonly modules?: string | readonly string[]
  /** The queues that are worked on: name → handlers at once, or more options. Default: all that the modules define tasks of. */
  readonly queues?: Readonly<Record<string, number | QueueConfig>>
  /** Worker processes; `auto`: as many as there are cores. Default 1. */
  readonly processes?: number | 'auto'
  /** How long handlers may go on after SIGTERM, ms. Default 25,000. */
  readonly drainTimeout?: number
  readonly log?: {
    /** Default `info`. */
    readonly level?: LogLevel
    /** Lines are appended to it. Default: stderr. */
    readonly file?: string
    /** `json`: a line is an object. Default: `pretty` on a terminal, else `json`. */
    readonly format?: 'pretty' | 'json'
  }
  /** A process is replaced after so many tasks. Default: never. */
  readonly maxTasks?: number
  /** A process is replaced when it has so many bytes (RSS). Default: never. */
  readonly maxMemory?: number
  /** Where /healthz and /readyz answer: a port of 127.0.0.1, or `host:port`. Default: nowhere. */
  readonly healthPort?: number | string
  /** For all tasks that do not say otherwise. */
  readonly defaults?: TaskDefaults
}

/** Gives the configuration its type; the file's default export. */
export const defineConfig = (config: Config): Config => config
