/** What every row needs: a Redis of its own, perhaps behind a proxy, worker processes, a producer and the journal. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Queue, type QueueOptions, type WorkerOptions } from '../../lib/index.ts'
import { type Child, start } from '../support/processes.ts'
import { type Proxy as RedisProxy, startProxy } from '../support/proxy.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { Journal } from './journal.ts'
import { type Expectations, judge, openTasks, type Verdict } from './oracle.ts'
import { Producer } from './producer.ts'
import { Random } from './random.ts'
import { defineTasks, NAME } from './worker.ts'

export const P = `millrace:{${NAME}}`

export interface RigOptions {
  readonly seed: number
  /** Arguments for redis-server. */
  readonly redis?: readonly string[]
  readonly queue?: QueueOptions
  /** What worker processes are started with besides; their guards, say. */
  readonly env?: Readonly<Record<string, string>>
  /** More arguments for Node, ahead of the loader. */
  readonly execArgv?: readonly string[]
}

export class Rig implements AsyncDisposable {
  readonly random: Random
  readonly redis: TestRedis
  /** Between Redis and the workers that are started with `behind: 'proxy'`. */
  readonly proxy: RedisProxy
  readonly journal: Journal
  readonly producer: Producer
  readonly queue: Queue
  readonly tasks: ReturnType<typeof defineTasks>
  readonly workers: Child[] = []
  /** What the producer's queue said by its event `error`. */
  readonly errors: Error[] = []
  readonly #folder: string
  readonly #options: RigOptions

  private constructor(options: RigOptions, redis: TestRedis, proxy: RedisProxy, folder: string) {
    this.#options = options
    this.#folder = folder
    this.redis = redis
    this.proxy = proxy
    this.random = new Random(options.seed)
    this.journal = new Journal(join(folder, 'journal'))
    this.producer = new Producer(this.journal)
    this.queue = new Queue(NAME, { redis: redis.url, ...options.queue })
    this.queue.on('error', (error) => this.errors.push(error))
    this.tasks = defineTasks(this.queue)
  }

  static async start(options: RigOptions): Promise<Rig> {
    const redis = await startRedis({ args: options.redis ?? [] })
    const folder = mkdtempSync(join(tmpdir(), 'millrace-chaos-'))
    return new Rig(options, redis, await startProxy(redis.port), folder)
  }

  /** Starts a worker process; resolves when it is registered. */
  async worker(options: WorkerOptions = {}, behind: 'redis' | 'proxy' = 'redis'): Promise<Child> {
    const url = behind === 'proxy' ? this.proxy.url : this.redis.url
    const child = start('spec/chaos/worker.ts', {
      args: [JSON.stringify(options)],
      env: { REDIS_URL: url, JOURNAL: this.journal.file, ...this.#options.env },
      ...(this.#options.execArgv && { execArgv: this.#options.execArgv }),
    })
    this.workers.push(child)
    await child.prints(/^ready /m, 30_000)
    return child
  }

  /** Call and wait for the same value to come back. */
  work(n: number, ms = 0): void {
    this.producer.call(() => this.tasks.work(n, ms), { expected: n })
  }

  /** Resolves when every accepted call has an outcome and every wait has settled; fails after `timeout` ms. */
  async finish(timeout = 60_000): Promise<void> {
    const deadline = performance.now() + timeout
    let open: string[] = []
    await until(
      'all calls to be answered and all waits to settle',
      async () => {
        await Promise.race([this.producer.settled(), new Promise((resolve) => setTimeout(resolve, 200))])
        return this.producer.unsettled.size === 0
      },
      timeout,
    ).catch((error: Error) => {
      throw new Error(`${error.message}: ${this.producer.unsettled.size} waits hang`)
    })
    await this.producer.settled()
    await until(
      'all accepted tasks to end',
      async () => {
        open = await openTasks(this.redis.client, P, this.journal)
        return open.length === 0
      },
      Math.max(1_000, deadline - performance.now()),
    ).catch((error: Error) => {
      throw new Error(`${error.message}: ${open.length} are open, such as ${open.slice(0, 3).join(' ')}`)
    })
  }

  /** What the producer has seen that should not be. */
  get problems(): string[] {
    const { wrong } = this.producer
    return wrong.length > 0 ? [`${wrong.length} wrong results: ${wrong.slice(0, 3).join(' ')}`] : []
  }

  /** Of each fault, how long until the last of the tasks that were running then had ended, ms. */
  recoveries(faultsAt: readonly number[]): number[] {
    const lines = this.journal.read()
    const lastEnd = new Map<string, number>()
    for (const { verb, id, at } of lines) if (verb === 'settled') lastEnd.set(id, at)
    return faultsAt.map((fault) => {
      const began = new Set<string>()
      for (const { verb, id, at } of lines) {
        if (at > fault) break
        if (verb === 'start') began.add(id)
        if (verb === 'settled') began.delete(id)
      }
      return Math.max(0, ...[...began].map((id) => (lastEnd.get(id) ?? fault) - fault))
    })
  }

  /** Lets the workers leave, then judges. */
  async verdict(expect?: Expectations): Promise<Verdict> {
    for (const worker of this.workers) worker.signal('SIGCONT')
    for (const worker of this.workers) worker.signal('SIGTERM')
    await Promise.all(this.workers.map(({ ended }) => ended))
    return judge(this.redis.client, P, this.journal, expect)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.workers) await worker[Symbol.asyncDispose]()
    await this.queue.close()
    await this.proxy[Symbol.asyncDispose]()
    await this.redis.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
