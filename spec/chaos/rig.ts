/** What every row needs: a Redis of its own, perhaps behind a proxy, worker processes, a producer and the journal. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Queue, type QueueOptions, type WorkerOptions } from '../../lib/index.ts'
import { type Child, start } from '../support/processes.ts'
import { type Proxy as RedisProxy, startProxy } from '../support/proxy.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { Journal, type Line } from './journal.ts'
import { defineMix } from './mix.ts'
import { Mix } from './mixer.ts'
import { CALLBACK, type Expectations, judge, openTasks, type Verdict } from './oracle.ts'
import { Producer } from './producer.ts'
import { Random } from './random.ts'
import { defineTasks, NAME } from './worker.ts'

export const P = `millrace:{${NAME}}`

export interface RigOptions {
  readonly seed: number
  /** Arguments for redis-server. */
  readonly redis?: readonly string[]
  /** Its disk can be made full: `redis.fillDisk`. */
  readonly fillable?: boolean
  readonly queue?: QueueOptions
  /** Where the producer's queue is. Default `redis`. */
  readonly behind?: 'redis' | 'proxy'
  /** What worker processes are started with besides; their guards, say. */
  readonly env?: Readonly<Record<string, string>>
  /** More arguments for Node, ahead of the loader. */
  readonly execArgv?: readonly string[]
  /** What worker processes run. Default spec/chaos/worker.ts. */
  readonly script?: string
  /** Of `work`: from this share of the calls on, up to twice of it, are such as belong together (mixer.ts). Default: none. */
  readonly mix?: number
  /** Ms that `finish` waits, at most, whatever the row would give it. */
  readonly patience?: number
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
  readonly mix: Mix | undefined
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
    this.queue = new Queue(NAME, { redis: this.#url(options.behind), ...options.queue })
    this.queue.on('error', (error) => this.errors.push(error))
    this.tasks = defineTasks(this.queue)
    const { seed, mix } = options
    this.mix = mix ? new Mix(defineMix(this.queue), this.producer, this.journal, seed, mix) : undefined
  }

  static async start(options: RigOptions): Promise<Rig> {
    const redis = await startRedis({ args: options.redis ?? [], fillable: options.fillable ?? false })
    const folder = mkdtempSync(join(tmpdir(), 'millrace-chaos-'))
    return new Rig(options, redis, await startProxy(redis.port), folder)
  }

  /** Starts a worker process; resolves when it is registered. */
  async worker(options: WorkerOptions = {}, behind: 'redis' | 'proxy' = 'redis'): Promise<Child> {
    const child = this.begin(options, behind)
    await child.prints(/^ready /m, 60_000)
    return child
  }

  /** The same, but waits for nothing. */
  begin(options: WorkerOptions = {}, behind: 'redis' | 'proxy' = 'redis'): Child {
    const child = start(this.#options.script ?? 'spec/chaos/worker.ts', {
      args: [JSON.stringify(options)],
      env: { REDIS_URL: this.#url(behind), JOURNAL: this.journal.file, ...this.#options.env },
      ...(this.#options.execArgv && { execArgv: this.#options.execArgv }),
    })
    this.workers.push(child)
    return child
  }

  /** Call and wait for the same value to come back; or, where there is a mix, something else of it now and then. */
  work(n: number, ms = 0): void {
    if (this.mix?.call(ms)) return
    this.producer.call(() => this.tasks.work(n, ms), { expected: n })
  }

  /** Resolves when every accepted call has an outcome and every wait has settled; fails after `timeout` ms. */
  async finish(wanted = 60_000, expect: Expectations = {}): Promise<void> {
    const timeout = Math.min(wanted, this.#options.patience ?? wanted)
    const deadline = performance.now() + timeout
    let open: string[] = []
    await until(
      'all calls to be answered and all waits to settle',
      async () => {
        await Promise.race([this.producer.settled(), new Promise((resolve) => setTimeout(resolve, 200))])
        return this.producer.unsettled.size === 0
      },
      timeout,
    ).catch(async (error: Error) => {
      const hung = this.producer.unsettled.size
      const rest = await openTasks(this.redis.client, P, this.journal, expect).catch(() => [])
      const late = rest.filter((id) => id.startsWith(CALLBACK)).length
      throw new Error(
        `${error.message}: ${hung} waits hang${late > 0 ? `, ${late} callbacks have not come` : ''}`,
      )
    })
    await this.producer.settled()
    await until(
      'all accepted tasks to end',
      async () => {
        open = await openTasks(this.redis.client, P, this.journal, expect)
        return open.length === 0
      },
      Math.max(1_000, deadline - performance.now()),
    ).catch((error: Error) => {
      throw new Error(`${error.message}: ${open.length} are open, such as ${open.slice(0, 3).join(' ')}`)
    })
  }

  /** What the workers have printed by this pattern, which is global and of whole lines: each line's first group. */
  said(pattern: RegExp, by: readonly Child[] = this.workers): string[] {
    return by.flatMap(({ output }) => [...output.matchAll(pattern)].map(([line, group]) => group ?? line))
  }

  /** Ids of workers that others took for dead, although their processes lived. killed: those that did not in the end. */
  claims(killed: readonly Child[] = []): string[] {
    const dead = killed.map((worker) => this.said(/^ready (\S+)$/gm, [worker]).at(-1))
    const named = this.said(/^recovered (.+)$/gm).flatMap((line) => line.split(' '))
    const told = this.said(/^dead (\S+)$/gm)
    return [...new Set([...named, ...told])].filter((id) => !dead.includes(id))
  }

  /** What the producer has seen that should not be. */
  get problems(): string[] {
    const { wrong } = this.producer
    return wrong.length > 0 ? [`${wrong.length} wrong results: ${wrong.slice(0, 3).join(' ')}`] : []
  }

  /** Of each fault, how long until the last of the tasks that were running (or called, since) then had ended, ms. */
  recoveries(faultsAt: readonly number[], since: 'start' | 'invoke' = 'start'): number[] {
    const settledAt = new Map<string, number>()
    for (const { verb, id, at } of this.journal.read()) if (verb === 'settled') settledAt.set(id, at)
    return this.#open(faultsAt, since).map((ids, n) => {
      const fault = faultsAt[n]!
      return Math.max(0, ...[...ids].map((id) => (settledAt.get(id) ?? fault) - fault))
    })
  }

  /**
   * Runs that may come a second time: tasks that had begun at a fault, and whose caller had heard nothing yet. Nobody
   * hears of callbacks: those that came again are all counted, and judged by their attempts alone.
   */
  inFlight(faultsAt: readonly number[]): number {
    const lines = this.journal.read()
    const callbacks = new Set(lines.filter(({ verb }) => verb === 'for').map(({ id }) => id))
    const starts = lines.filter(({ verb, id }) => verb === 'start' && callbacks.has(id))
    const again = starts.length - new Set(starts.map(({ id }) => id)).size
    return this.#open(faultsAt, 'start').reduce((sum, ids) => sum + ids.size, again)
  }

  /** Beginnings of attempts beyond the first that did not follow one that threw. */
  get unaskedAttempts(): Line[] {
    const lines = this.journal.read()
    const thrown = new Set(
      lines.filter(({ verb }) => verb === 'threw').map(({ id, rest }) => `${id}/${rest[0]}`),
    )
    return lines.filter(
      ({ verb, id, rest }) =>
        verb === 'start' && rest[0] !== '1' && !thrown.has(`${id}/${Number(rest[0]) - 1}`),
    )
  }

  #open(faultsAt: readonly number[], since: 'start' | 'invoke'): ReadonlySet<string>[] {
    const lines = this.journal.read()
    const called = new Set(lines.filter(({ verb }) => verb === 'invoke').map(({ id }) => id))
    return faultsAt.map((fault) => {
      const began = new Set<string>()
      for (const { verb, id, at } of lines) {
        if (at > fault) break
        if (verb === since && called.has(id)) began.add(id)
        if (verb === 'settled') began.delete(id)
      }
      return began
    })
  }

  /** Of each time, how long until the next result reached its caller, ms. */
  resumes(times: readonly number[]): number[] {
    const settled = this.journal
      .read()
      .filter(({ verb, rest }) => verb === 'settled' && rest[0] === 'succeeded')
    return times.map((time) => (settled.find(({ at }) => at >= time)?.at ?? Number.POSITIVE_INFINITY) - time)
  }

  /** Lets the workers leave, then judges. */
  async verdict(expect?: Expectations): Promise<Verdict> {
    for (const worker of this.workers) worker.signal('SIGCONT')
    for (const worker of this.workers) worker.signal('SIGTERM')
    await Promise.all(this.workers.map(({ ended }) => ended))
    return judge(this.redis.client, P, this.journal, expect)
  }

  #url(behind: 'redis' | 'proxy' = 'redis'): string {
    return behind === 'proxy' ? this.proxy.url : this.redis.url
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.workers) await worker[Symbol.asyncDispose]()
    await this.queue.close()
    await this.proxy[Symbol.asyncDispose]()
    await this.redis.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
