/** A worker process of the fault suite: `node --import tsx spec/chaos/worker.ts [worker options as JSON]`. */

import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { currentTask, Queue, type WorkerOptions } from '../../lib/index.ts'
import { tellHealth } from './health.ts'
import { Journal } from './journal.ts'
import { defineMix } from './mix.ts'

export const NAME = 'chaos'

/** Runs a handler and writes down that it began, and that it ended. */
export const noting =
  (journal: Journal | undefined) =>
  async <R>(work: () => R): Promise<Awaited<R>> => {
    const { id, attempt } = currentTask()
    journal?.note('start', id, attempt, process.pid)
    const result = await work()
    journal?.note('end', id, attempt, process.pid)
    return result
  }

export function defineTasks(queue: Queue, journal?: Journal) {
  const noted = noting(journal)
  return {
    /** Takes its time and gives back what it was given. */
    work: queue.task('work', (value: number, ms: number) =>
      noted(async () => {
        if (ms > 0) await delay(ms)
        return value
      }),
    ),
    /** Says each of its steps. */
    steps: queue.task('steps', (count: number, ms: number) =>
      noted(async () => {
        for (let step = 1; step <= count; step++) {
          void currentTask().updateProgress(step)
          await delay(ms)
        }
        return count
      }),
    ),
  }
}

/** What a worker process is from beginning to end, whatever its tasks are. */
export async function serve(define: (queue: Queue, journal: Journal) => unknown): Promise<void> {
  const { REDIS_URL, JOURNAL } = process.env
  const queue = new Queue(NAME, { redis: REDIS_URL as string })
  queue.on('error', (error) => console.log(`error ${(error as { code?: string }).code} ${error.message}`))
  define(queue, new Journal(JOURNAL as string))
  tellHealth()
  const worker = queue.worker(JSON.parse(process.argv[2] ?? '{}') as WorkerOptions)
  worker.on('ready', (id) => console.log(`ready ${id}`))
  worker.on('dead', (id) => console.log(`dead ${id}`))
  worker.on('fenced', (id) => console.log(`fenced ${id}`))
  worker.on('recovered', ({ dead }) => console.log(`recovered ${dead.join(' ')}`))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void worker.stop())
  console.log('begun')
  await worker.run()
  await queue.close()
  console.log('bye')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await serve((queue, journal) => {
    defineTasks(queue, journal)
    defineMix(queue, journal)
  })
}
