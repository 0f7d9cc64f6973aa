/** What most specs need: a Redis, a queue that calls, worker processes, and all of it gone at the end. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Queue, type QueueOptions, type WorkerOptions } from '../../lib/index.ts'
import { type Child, start } from './processes.ts'
import { startRedis, type TestRedis, type TestRedisOptions } from './redis.ts'
import { defineTasks } from './tasks.ts'
import { until } from './until.ts'

export const P = 'millrace:{spec}'
export const LANES = ['first', 'high', 'normal', 'low'] as const
/** For a process to be up, ms: beside others it has taken 22 s. */
const START = 60_000

export interface Scene extends AsyncDisposable {
  readonly redis: TestRedis
  readonly queue: Queue
  readonly tasks: ReturnType<typeof defineTasks>
  /** Starts a worker process, of several workers where several options are given, and waits until they are registered. */
  worker(options?: WorkerOptions | readonly WorkerOptions[]): Promise<Child>
  /** Every line that handlers journalled: [id, pid, what]. */
  journal(): string[][]
}

export async function scene(
  options: { redis?: TestRedisOptions; queue?: QueueOptions } = {},
): Promise<Scene> {
  const redis = await startRedis(options.redis)
  const folder = mkdtempSync(join(tmpdir(), 'millrace-journal-'))
  const file = join(folder, 'journal')
  const queue = new Queue('spec', { redis: redis.url, ...options.queue })
  queue.on('error', () => {})
  const children: Child[] = []
  return {
    redis,
    queue,
    tasks: defineTasks(queue),
    async worker(worker = {}) {
      const before = await registered(redis)
      const env = { REDIS_URL: redis.url, JOURNAL: file }
      const child = start('spec/support/tasks.ts', { args: [JSON.stringify(worker)], env })
      children.push(child)
      await until(
        'the worker to be registered',
        async () => {
          const added = (await registered(redis)).filter((id) => !before.includes(id))
          return added.length >= [worker].flat().length
        },
        START,
      )
      return child
    },
    journal() {
      try {
        return readFileSync(file, 'utf8')
          .trim()
          .split('\n')
          .filter(Boolean)
          .map((line) => line.split(' '))
      } catch {
        return []
      }
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) await child[Symbol.asyncDispose]()
      await queue.close()
      await redis.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const registered = (redis: TestRedis): Promise<string[]> =>
  redis.client.zrange(`${P}:workers`, '0', '-1')

export interface Leftovers {
  readonly entries: number
  readonly pending: number
  readonly consumers: number
}

/** What lies in the streams and pending lists of the queue, all lanes together. */
export async function leftovers(redis: TestRedis): Promise<Leftovers> {
  let [entries, pending, consumers] = [0, 0, 0]
  for (const lane of LANES) {
    const stream = `${P}:stream:${lane}`
    entries += await redis.client.xlen(stream)
    const groups = (await redis.client.xinfo('GROUPS', stream).catch(() => [])) as unknown[][]
    for (const group of groups) {
      const fields = Object.fromEntries(pairs(group))
      pending += Number(fields.pending)
      consumers += Number(fields.consumers)
    }
  }
  return { entries, pending, consumers }
}

function pairs(flat: unknown[]): [string, unknown][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [String(flat[2 * i]), flat[2 * i + 1]])
}
