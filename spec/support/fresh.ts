/** One Redis for a spec file, and for each test a queue of its own name on it, with workers in this process. */

import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { Queue, type QueueOptions, type Worker, type WorkerOptions } from '../../lib/index.ts'
import { startRedis, type TestRedis } from './redis.ts'

export interface Fresh extends AsyncDisposable {
  readonly queue: Queue
  /** What the queue said that nobody awaited. */
  readonly errors: Error[]
  /** Of every key. */
  readonly prefix: string
  /** A worker of the queue, or of another object of it, that is ready. */
  work(options?: WorkerOptions, queue?: Queue): Promise<Worker>
  /** Another object of the same queue, as in another process. */
  other(options?: QueueOptions): Queue
}

/** Handlers that never end are part of some tests: the drain does not wait for them. */
const WORKER: WorkerOptions = { concurrency: 10, lease: 5_000, drainTimeout: 500 }

/** To be called once, at the top of a spec file. */
export function freshQueues() {
  let redis: TestRedis
  let count = 0
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())
  const fresh = (options?: QueueOptions): Fresh => {
    count += 1
    const name = `q${count}`
    const errors: Error[] = []
    const queues: Queue[] = []
    const other = (more?: QueueOptions): Queue => {
      const queue = new Queue(name, { redis: redis.url, ...options, ...more })
      queue.on('error', (error) => errors.push(error))
      queues.push(queue)
      return queue
    }
    const queue = other()
    const work = async (more?: WorkerOptions, of = queue): Promise<Worker> => {
      const worker = of.worker({ ...WORKER, ...more })
      const ready = new Promise((resolve) => worker.once('ready', resolve))
      void worker.run()
      await ready
      return worker
    }
    const dispose = async (): Promise<void> => {
      await Promise.all(queues.map((one) => one.close()))
    }
    return { ...{ queue, errors, work, other }, prefix: `millrace:{${name}}`, [Symbol.asyncDispose]: dispose }
  }
  return {
    fresh,
    get redis() {
      return redis
    },
  }
}

/** What it rejects with; it is wrong where it does not. */
export const rejection = <E = Error & Record<string, unknown>>(promise: Promise<unknown>): Promise<E> =>
  promise.then(
    () => assert.fail('it should have rejected'),
    (error) => error as E,
  )

/** A promise and what resolves it. */
export function gate<T = void>() {
  let open!: (value: T) => void
  const passed = new Promise<T>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

/** Resolves when the signal has aborted, with its reason. */
export const aborted = (signal: AbortSignal): Promise<Error> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason)
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true })
  })
