/** Puts the parts together: the caller's side and the worker's, over the same keys. The only file that sees both. */

import { Enqueuer } from './call/enqueue.ts'
import { type HandleServices, TaskHandle } from './call/handle.ts'
import { type QueueHealth, queueHealth } from './call/health.ts'
import { Replies } from './call/replies.ts'
import { runOutside } from './call/scope.ts'
import { lendServices, type TaskServices } from './call/services.ts'
import { Deadlines } from './deadlines.ts'
import { type Defining, Definitions } from './definitions.ts'
import { OptionError, QueueClosedError } from './errors.ts'
import { hosted } from './hosting.ts'
import { checkName, newClientId } from './ids.ts'
import { InlineBackend } from './inline/backend.ts'
import type { Bench } from './inline/bench.ts'
import type { Operators } from './operations.ts'
import { resolve } from './options.ts'
import { runHere } from './processes/run.ts'
import {
  LIST_OPTIONS,
  type ListOptions,
  QUEUE_OPTIONS,
  type QueueOptions,
  RUN_OPTIONS,
  WORKER_OPTIONS,
} from './queue-options.ts'
import { type Backend, RedisBackend } from './redis/backend.ts'
import { listQueues } from './redis/directory.ts'
import { type QueueEvent, type Watching, watchEvents } from './redis/events.ts'
import { HEALTH_OPTIONS, type HealthOptions } from './redis/probe.ts'
import { type RedisTarget, resolveTarget } from './redis/target.ts'
import { Tasks } from './redis/tasks.ts'
import { report } from './report.ts'
import { currentTask, timeLeft, whileWaiting } from './work/context.ts'
import { logWorker } from './work/log.ts'
import { Worker } from './work/worker.ts'
import type { RunOptions, WorkerOptions } from './work/worker-options.ts'

/** For other doors of this package: no public name of a queue gives away its target, which may hold a password. */
export let whereIs: (
  queue: Queue,
) => { readonly redis: RedisTarget; readonly namespace: string; readonly queue: string } | undefined

/**
 * One named queue: define tasks, call them, run a worker. Opens no connection before it needs one.
 *
 * Events: `error` for what nobody awaits (a failed background enqueue, a lost connection); where nobody listens it
 * becomes a warning on stderr.
 */
export class Queue extends Definitions implements AsyncDisposable {
  readonly name: string
  readonly #options: ReturnType<typeof resolve<typeof QUEUE_OPTIONS>>
  /** One of the two is what it stands on. */
  readonly #redis: RedisBackend | undefined
  readonly #inline: InlineBackend | undefined
  readonly #backend: Backend
  readonly #operators: Operators
  readonly #replies: Replies
  readonly #enqueuer: Enqueuer
  protected readonly services: TaskServices
  readonly #workers = new Set<Pick<Worker, 'stop'>>()
  readonly #watches = new Set<Watching>()
  /** Of other servers, by the names that this one has for them. */
  readonly #others = new Map<string, RedisBackend>()
  #closing: Promise<void> | undefined

  static {
    whereIs = (queue) => {
      if (!queue.#redis) return undefined
      return { redis: queue.#redis.target, namespace: queue.#options.namespace, queue: queue.name }
    }
  }

  /**
   * Names of a namespace's queues, sorted: those that a worker or a producer has used in the last 30 days, at most the
   * newest 10,000. Has a connection for this alone. Rejects with RedisError when Redis does not answer in time.
   */
  static list(options?: ListOptions): Promise<string[]> {
    const { redis, namespace, timeout } = resolve('Queue.list', options, LIST_OPTIONS)
    return listQueues(resolveTarget('Queue.list: redis', redis), namespace, timeout)
  }

  /** Throws OptionError. bench: of `millrace/testing`. */
  constructor(queueName: string, options?: QueueOptions, bench?: Bench) {
    super()
    this.name = checkName('queue name', queueName)
    this.#options = resolve('Queue', hosted(this, options), QUEUE_OPTIONS)
    const { namespace, maxPayload, enqueueTimeout, maxBuffered, maxQueued, onFull } = this.#options
    const client = newClientId()
    // Who listens may call tasks, and those are no part of a transaction that something else was begun in.
    const onError = (error: Error): void => runOutside(() => report(this, error))
    const { inline, redis, failedTtl } = this.#options
    if (inline) {
      if (redis !== undefined) throw new OptionError('Queue: inline and redis exclude each other')
      const worker = resolve('worker', {}, WORKER_OPTIONS)
      const shared = { queue: this.name, registry: this.registry, limits: this.#options, onError }
      this.#inline = new InlineBackend({ ...shared, worker, bench })
    } else {
      const target = resolveTarget('Queue: redis', redis)
      this.#redis = new RedisBackend({ queue: this.name, namespace, target, onProblem: onError })
    }
    const backend: Backend = (this.#inline ?? this.#redis)!
    const { admin, inspect, schedules } = backend
    this.#backend = backend
    const isOwn: Operators['isOwn'] = ({ services }) => services === this.services
    this.#operators = { admin, tasks: new Tasks(admin, inspect), inspect, failedTtl, schedules, isOwn }
    this.#replies = new Replies({ backend, client, limits: this.#options, onError })
    const checkOpen = (): void => this.#checkOpen()
    this.#enqueuer = new Enqueuer({
      ...{ backend, client, timeout: enqueueTimeout, maxBuffered },
      ...{ queue: this.name, checkOpen, maxQueued, onFull },
      onFailed: (calls, error) => {
        for (const { id } of calls) this.#replies.rejected(id, error)
      },
      onJoined: ({ id, joined }) => this.#replies.joined(id, joined!),
      onUnseenFailure: onError,
    })
    const shared: HandleServices = {
      ...{ replies: this.#replies, backend, client },
      deadlines: this.#inline?.deadlines ?? new Deadlines(),
      inspect: (id) => this.getTask(id),
      cancel: (id, reason) => this.cancel(id, reason),
      whileWaiting,
      onError,
    }
    const aliases = new Map<TaskServices, string>()
    for (const [alias, queue] of this.#options.others) {
      if (!(queue instanceof Queue) || !queue.#redis) {
        throw new OptionError(`Queue: others: "${alias}" must be a Queue on Redis`)
      }
      this.#others.set(alias, queue.#redis)
      aliases.set(queue.services, alias)
    }
    const place: TaskServices['place'] = {
      ...{ queue: this.name, namespace, others: aliases },
      server: () => this.#redis?.place,
    }
    const verbs: TaskServices['admin'] = async () => (await this.operators()).admin
    const find: TaskServices['find'] = async (key) => (await verbs()).find(key)
    this.services = {
      ...shared,
      enqueuer: this.#enqueuer,
      place,
      maxPayload,
      timeLeft,
      checkOpen,
      admin: verbs,
      find,
    }
    lendServices(this, this.services)
  }

  protected defining(): Defining {
    return {
      ...{ queue: this.name, services: this.services, defaults: this.#options.defaults },
      onDefined: (taskName) => this.#inline?.defined(taskName),
    }
  }

  /** A handle on a task that somebody else enqueued. */
  handle<R = unknown, C = unknown>(id: string): TaskHandle<R, C> {
    this.#checkOpen()
    return new TaskHandle<R, C>(checkName('task id', id), this.services)
  }

  /** Short for `currentTask().updateProgress(value)`. */
  updateProgress(value: unknown): Promise<void> {
    return currentTask().updateProgress(value)
  }

  /** A worker for this queue's tasks; `run()` starts it. Throws OptionError on an inline queue, which needs none. */
  worker(options?: WorkerOptions): Worker {
    this.#checkOpen()
    if (!this.#redis) throw new OptionError('queue.worker: an inline queue runs its calls without a worker')
    const redis = this.#redis
    const { target, commands, store, admin, schedules, letters } = redis
    const { namespace } = this.#options
    const resolved = resolve('worker', options, WORKER_OPTIONS)
    const worker = new Worker(
      {
        ...{ queue: this.name, namespace, target, commands, store, admin, schedules, letters },
        reach: (queue) => (queue[0] === '@' ? this.#others.get(queue.slice(1)) : redis.beside(queue)),
        registry: this.registry,
        seen: () => this.#redis?.seen(),
        limits: this.#options,
      },
      resolved,
    )
    if (resolved.logger) logWorker(worker, this.name, resolved.logger)
    else worker.on('error', (error) => report(this, error))
    this.#workers.add(worker)
    worker.once('stopped', () => this.#workers.delete(worker))
    return worker
  }

  /**
   * Is a worker until SIGTERM or SIGINT: then it drains, closes the queue and resolves. A second signal ends the
   * process at once, after giving back what it holds. An inline queue works anyway; of the options it
   * heeds `concurrency` and `drainTimeout`, and keeps the process alive until then. With `processes` above 1 this
   * process starts copies of itself and supervises them: lib/processes/. Throws OptionError.
   */
  async run(options?: RunOptions): Promise<void> {
    this.#checkOpen()
    const { processes, ...worker } = resolve('queue.run', options, RUN_OPTIONS)
    await runHere({
      ...{ ...worker, processes, isInline: this.#inline !== undefined },
      newWorker: () => this.#inline?.worker(worker) ?? this.worker(worker),
      onSupervisor: (supervisor) => this.#workers.add(supervisor),
      onError: (error) => report(this, error),
    })
    await this.close()
  }

  /**
   * What its workers do, live and as it comes, until the loop is left or `signal` aborts: attempts that begin and end,
   * workers that come and go. Workers tell only while somebody listens; what happens while a connection is away is not
   * told. Rejects with RedisError when Redis is not reached. Throws OptionError on an inline queue.
   */
  async *events({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<QueueEvent, void, void> {
    this.#checkOpen()
    if (!this.#redis) throw new OptionError('queue.events: an inline queue has no workers that tell')
    const { target, store } = this.#redis
    const timeout = this.#options.enqueueTimeout
    yield* watchEvents({ target, keys: store.keys, timeout, signal, open: this.#watches })
  }

  /**
   * Whether Redis would accept a call now, proved by the script that accepts calls. Whatever is wrong with Redis, it
   * answers in time. Throws OptionError.
   */
  async health(options?: HealthOptions): Promise<QueueHealth> {
    const { timeout } = resolve('queue.health', options, HEALTH_OPTIONS)
    const problem = this.#closing && new QueueClosedError(this.name).message
    const probe = problem === undefined ? await this.#backend.probe(timeout) : { problem }
    const isConnected = problem === undefined && this.#backend.isReady
    return queueHealth(isConnected, this.#enqueuer.unsent, probe)
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
    for (const watching of this.#watches) watching.close()
    await this.#enqueuer.flush()
    await this.#backend.drain()
    await this.#replies.close(new QueueClosedError(this.name))
    this.#backend.close()
  }

  protected async operators(): Promise<Operators> {
    this.#checkOpen()
    await this.#backend.ready(this.#options.enqueueTimeout)
    return this.#operators
  }

  #checkOpen(): void {
    if (this.#closing) throw new QueueClosedError(this.name)
  }
}
