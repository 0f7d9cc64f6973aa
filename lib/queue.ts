/** Puts the parts together: the caller's side and the worker's, over the same keys. The only file that sees both. */

import { EventEmitter } from 'node:events'
import { hostname } from 'node:os'
import { Enqueuer } from './call/enqueue.ts'
import { type HandleServices, TaskHandle } from './call/handle.ts'
import { Replies } from './call/replies.ts'
import {
  createTask,
  type Handler,
  noLocal,
  type RemoteTask,
  resolveTaskOptions,
  type Task,
  type TaskOptions,
  type TaskServices,
} from './call/task.ts'
import { Deadlines } from './deadlines.ts'
import { DuplicateTaskError, OptionError, QueueClosedError } from './errors.ts'
import { checkName, newClientId } from './ids.ts'
import { anything, integer, name, resolve } from './options.ts'
import type { TaskInfo } from './record.ts'
import { Connection } from './redis/connection.ts'
import { inspectTask } from './redis/inspect.ts'
import { Keys } from './redis/keys.ts'
import { loadScripts } from './redis/scripts.ts'
import { Store } from './redis/store.ts'
import { type RedisTarget, resolveTarget } from './redis/target.ts'
import { report } from './report.ts'
import { currentTask, localContext, runWith } from './work/context.ts'
import type { Definition } from './work/registry.ts'
import { runUntilSignal } from './work/signals.ts'
import { Worker, type WorkerOptions } from './work/worker.ts'

/** Options of a queue. Times in ms, sizes in bytes. */
export interface QueueOptions {
  /** URL, ioredis options, or an ioredis client (only its configuration is used). Default: REDIS_URL, then 127.0.0.1:6379. */
  readonly redis?: RedisTarget
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
}

const MIB = 1024 * 1024
const HOUR = 3_600_000
/** Larger limits would only move the failure into Redis and the sockets. */
const MOST_BYTES = 256 * MIB

const QUEUE_OPTIONS = {
  redis: anything<RedisTarget>(),
  namespace: name('millrace'),
  resultTtl: integer(HOUR, 0),
  failedTtl: integer(7 * 24 * HOUR, 0),
  maxFailed: integer(10_000, 0),
  maxPayload: integer(MIB, 1, MOST_BYTES),
  maxResult: integer(4 * MIB, 1, MOST_BYTES),
  enqueueTimeout: integer(10_000, 1, 30_000),
  maxBuffered: integer(256 * MIB, 1),
}

const WORKER_OPTIONS = {
  concurrency: integer(10, 1, 10_000),
  prefetch: integer(512, 0, 4_096),
  lease: integer(15_000, 500, HOUR),
  drainTimeout: integer(25_000, 0, 24 * HOUR),
  maxCrashes: integer(3, 1, 1_000),
  name: name(
    `${hostname()
      .replace(/[^\w.:-]/g, '_')
      .slice(-60)}-${process.pid}`,
  ),
}

/**
 * One named queue: define tasks, call them, run a worker. Opens no connection before it needs one.
 *
 * Events: `error` for what nobody awaits (a failed background enqueue, a lost connection); where nobody listens it
 * becomes a warning on stderr.
 */
export class Queue extends EventEmitter<{ error: [Error] }> implements AsyncDisposable {
  readonly name: string
  readonly #options: ReturnType<typeof resolve<typeof QUEUE_OPTIONS>>
  readonly #target: RedisTarget
  readonly #commands: Connection
  readonly #store: Store
  readonly #replies: Replies
  readonly #enqueuer: Enqueuer
  readonly #services: TaskServices
  readonly #registry = new Map<string, Definition>()
  readonly #workers = new Set<Worker>()
  #closing: Promise<void> | undefined

  /** Throws OptionError. */
  constructor(queueName: string, options?: QueueOptions) {
    super()
    this.name = checkName('queue name', queueName)
    this.#options = resolve('Queue', options, QUEUE_OPTIONS)
    this.#target = resolveTarget('Queue: redis', this.#options.redis)
    const { namespace, maxPayload, enqueueTimeout, maxBuffered } = this.#options
    const client = newClientId()
    const target = this.#target
    const onError = (error: Error): void => report(this, error)
    const commands = new Connection(target, {
      ...{ role: 'commands', checkVersion: true, onProblem: onError },
      onReady: () => loadScripts(commands.client),
    })
    const store = new Store(commands, new Keys(namespace, this.name))
    this.#commands = commands
    this.#store = store
    this.#replies = new Replies({ target, store, commands, client, onError })
    this.#enqueuer = new Enqueuer({
      ...{ connection: commands, store, client, timeout: enqueueTimeout, maxBuffered },
      onFailed: (calls, error) => {
        for (const { id } of calls) this.#replies.rejected(id, error)
      },
      onUnseenFailure: onError,
    })
    const shared: HandleServices = {
      replies: this.#replies,
      deadlines: new Deadlines(),
      inspect: (id) => this.getTask(id),
    }
    this.#services = { ...shared, enqueuer: this.#enqueuer, maxPayload, checkOpen: () => this.#checkOpen() }
  }

  /**
   * Defines a task: a typed function that enqueues. The name is the contract between processes; it is the
   * function's own where none is given. Throws OptionError, DuplicateTaskError.
   */
  task<Args extends unknown[], Return>(
    taskName: string,
    handler: (...args: Args) => Return,
    options?: TaskOptions,
  ): Task<Args, Return>
  task<Args extends unknown[], Return>(
    handler: (...args: Args) => Return,
    options?: TaskOptions,
  ): Task<Args, Return>
  task(first: string | Handler, second?: Handler | TaskOptions, third?: TaskOptions): unknown {
    const isNamed = typeof first !== 'function'
    const handler = isNamed ? second : first
    const options = isNamed ? third : (second as TaskOptions | undefined)
    if (typeof handler !== 'function') throw new OptionError('queue.task: expected a name and a function')
    const taskName = isNamed
      ? checkName('task name', first)
      : checkName("the function's own name (give another as the first argument)", first.name)
    if (this.#registry.has(taskName)) throw new DuplicateTaskError(taskName, this.name)
    const { priority, ...ofTheWorker } = resolveTaskOptions(`task ${taskName}`, options)
    this.#registry.set(taskName, { name: taskName, handler, options: ofTheWorker })
    const local = (...args: unknown[]): unknown => runWith(localContext(taskName), handler, args)
    // Retention is the worker's to know, and need not travel with each call.
    return createTask(this.#services, taskName, local, priority ? { priority } : {})
  }

  /** The callable of a task that is defined elsewhere: `queue.remote<typeof fib>('fib')`. */
  remote<T>(taskName: string, options?: TaskOptions): RemoteTask<T> {
    checkName('task name', taskName)
    const resolved = resolveTaskOptions(`remote ${taskName}`, options)
    return createTask(this.#services, taskName, noLocal(taskName), resolved) as unknown as RemoteTask<T>
  }

  /** What is known of a task now: state, progress, arguments, result, error, worker, times. Null: nothing is. */
  async getTask(id: string): Promise<TaskInfo | null> {
    checkName('task id', id)
    this.#checkOpen()
    await this.#commands.ready(this.#options.enqueueTimeout)
    return inspectTask(this.#store, this.name, id)
  }

  /** A handle on a task that somebody else enqueued. */
  handle<R = unknown>(id: string): TaskHandle<R> {
    this.#checkOpen()
    return new TaskHandle<R>(checkName('task id', id), this.#services)
  }

  /** Short for `currentTask().updateProgress(value)`. */
  updateProgress(value: unknown): Promise<void> {
    return currentTask().updateProgress(value)
  }

  /** A worker for this queue's tasks; `run()` starts it. */
  worker(options?: WorkerOptions): Worker {
    this.#checkOpen()
    const { namespace } = this.#options
    const worker = new Worker(
      {
        ...{
          queue: this.name,
          namespace,
          target: this.#target,
          commands: this.#commands,
          store: this.#store,
        },
        registry: this.#registry,
        limits: this.#options,
      },
      resolve('worker', options, WORKER_OPTIONS),
    )
    worker.on('error', (error) => report(this, error))
    this.#workers.add(worker)
    worker.once('stopped', () => this.#workers.delete(worker))
    return worker
  }

  /**
   * Is a worker until SIGTERM or SIGINT: then it drains, closes the queue and resolves. A second signal ends the
   * process at once, after giving back what it holds.
   */
  async run(options?: WorkerOptions): Promise<void> {
    await runUntilSignal(this.worker(options))
    await this.close()
  }

  /** Stops its workers, sends what was called, then closes its connections; open waits reject. Safe twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.stop()))
    await this.#enqueuer.flush()
    await this.#replies.close(new QueueClosedError(this.name))
    this.#commands.close()
  }

  #checkOpen(): void {
    if (this.#closing) throw new QueueClosedError(this.name)
  }
}
