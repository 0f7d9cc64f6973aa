/** Options of a queue and of its workers, with their defaults. */

import { hostname } from 'node:os'
import { OptionError } from './errors.ts'
import { checkName } from './ids.ts'
import { optionalLogger } from './logger.ts'
import { anything, type Check, flag, integer, name, oneOf, optionalInteger, show } from './options.ts'
import { processesOption } from './processes/run.ts'
import type { RedisTarget } from './redis/target.ts'
import { type TaskDefaults, taskDefaults } from './task-options.ts'

/** Options of a queue. Times in ms, sizes in bytes. */
export interface QueueOptions {
  /** URL, ioredis options, or an ioredis client (only its configuration is used). Default: REDIS_URL, then 127.0.0.1:6379. */
  readonly redis?: RedisTarget
  /**
   * Calls run at once, in this process, with the same life and without Redis, and end with it: for development and tests.
   * `millrace/testing` has one whose clock stands still. Default false.
   */
  readonly inline?: boolean
  /** Prefix of every key. Default `millrace`. */
  readonly namespace?: string
  /** How long results are kept. Default 1 h. Less than 30 s counts as 30 s. */
  readonly resultTtl?: number
  /** How long failures are kept. Default 7 days. Less than 30 s counts as 30 s. */
  readonly failedTtl?: number
  /** Failures kept, at most; the oldest go first. Default 10,000. */
  readonly maxFailed?: number
  /** Largest call, packed: name and arguments. Also of a progress value. Default 1 MiB. */
  readonly maxPayload?: number
  /** Largest result, packed. Default 4 MiB. */
  readonly maxResult?: number
  /** How long a call may wait for Redis to accept it before it rejects. Default 10 s, at most 30 s. */
  readonly enqueueTimeout?: number
  /** Calls that may wait in this process to be sent, in bytes; one more rejects. Default 256 MiB. */
  readonly maxBuffered?: number
  /** Tasks that may wait in the queue (queued, running or scheduled); a call beyond them rejects with QueueFullError. Default: no limit. */
  readonly maxQueued?: number
  /** What becomes of a call beyond `maxQueued`: it rejects, or it waits here for room (within `maxBuffered`). Default `reject`. */
  readonly onFull?: 'reject' | 'wait'
  /** How long a task may wait for a worker that knows its name; 0: the first that does not fails it. Default 24 h. */
  readonly unknownTtl?: number
  /**
   * Queues on another Redis, or in another namespace, that callbacks of this one's tasks go to, by a name for each. Its
   * callers and its workers need the same names. Queues of the same Redis and namespace need none.
   */
  readonly others?: Readonly<Record<string, OtherQueue>>
  /** For all tasks of this queue that do not say otherwise, here defined or remote. Default: as TaskOptions says. */
  readonly defaults?: TaskDefaults
}

/** A `Queue`. */
export interface OtherQueue extends AsyncDisposable {
  readonly name: string
}

export const MOST_CONCURRENCY = 10_000
const MIB = 1024 * 1024
const HOUR = 3_600_000
/** Larger limits would only move the failure into Redis and the sockets. */
const MOST_BYTES = 256 * MIB

/** Names to queues; that they are some is known to the queue itself. */
const otherQueues: Check<ReadonlyMap<string, unknown>> = (what, value) => {
  if (value === undefined) return new Map()
  if (typeof value !== 'object' || value === null) {
    throw new OptionError(`${what} must be an object of queues by their names here (given: ${show(value)})`)
  }
  return new Map(Object.entries(value).map(([alias, queue]) => [checkName(`${what}: name`, alias), queue]))
}

export const QUEUE_OPTIONS = {
  redis: anything<RedisTarget>(),
  inline: flag(false),
  namespace: name('millrace'),
  resultTtl: integer(HOUR, 0),
  failedTtl: integer(7 * 24 * HOUR, 0),
  maxFailed: integer(10_000, 0),
  maxPayload: integer(MIB, 1, MOST_BYTES),
  maxResult: integer(4 * MIB, 1, MOST_BYTES),
  enqueueTimeout: integer(10_000, 1, 30_000),
  maxBuffered: integer(256 * MIB, 1),
  maxQueued: optionalInteger(1),
  onFull: oneOf('reject', ['reject', 'wait']),
  unknownTtl: integer(24 * HOUR, 0),
  others: otherQueues,
  defaults: taskDefaults,
}

/** Which queues `Queue.list` asks for. */
export interface ListOptions {
  /** As of a queue. Default: REDIS_URL, then 127.0.0.1:6379. */
  readonly redis?: RedisTarget
  /** Default `millrace`. */
  readonly namespace?: string
  /** How long Redis may take, with the connection, ms. Default 5,000. */
  readonly timeout?: number
}

export const LIST_OPTIONS = {
  redis: anything<RedisTarget>(),
  namespace: name('millrace'),
  timeout: integer(5_000, 1, 60_000),
}

export const WORKER_OPTIONS = {
  concurrency: integer(10, 1, MOST_CONCURRENCY),
  prefetch: integer(512, 0, 4_096),
  lease: integer(15_000, 500, HOUR),
  drainTimeout: integer(25_000, 0, 24 * HOUR),
  maxCrashes: integer(3, 1, 1_000),
  abortGrace: integer(5_000, 0, HOUR),
  onOverrun: oneOf('exit', ['exit', 'report']),
  logger: optionalLogger,
  name: name(
    `${hostname()
      .replace(/[^\w.:-]/g, '_')
      .slice(-60)}-${process.pid}`,
  ),
}

/** Of `queue.run()`, which may use several processes. */
export const RUN_OPTIONS = { ...WORKER_OPTIONS, processes: processesOption }
