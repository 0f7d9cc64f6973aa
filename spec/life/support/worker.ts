/** A worker process for the specs of a task's life: `REDIS_URL=… QUEUE=… worker.ts [worker options as JSON]`. */

import { setTimeout as delay } from 'node:timers/promises'
import { currentTask, Queue, type WorkerOptions } from '../../../lib/index.ts'

const { REDIS_URL, QUEUE } = process.env
const queue = new Queue(QUEUE as string, { redis: REDIS_URL as string })

const say = (what: string): void =>
  console.log(`${what} ${currentTask().id} attempt ${currentTask().attempt}`)

const die = async (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL')
  return (await delay(60_000)) as never
}

/** Dies, then fails, then ends well. */
queue.task('brittle', async () => {
  const { attempt } = currentTask()
  if (attempt === 1) await die()
  if (attempt === 2) throw new Error('no')
  return attempt
})

/** Kills its process, each time. */
queue.task('killer', async (how: 'kill' | 'exit') => {
  say('killing')
  // Its neighbours shall have begun by then.
  await delay(50)
  if (how === 'exit') process.exit(7)
  await die()
})

/** Runs for a while. */
queue.task('neighbour', async (ms: number) => {
  say('start')
  await delay(ms)
  say('end')
  return currentTask().attempt
})

const worker = queue.worker(JSON.parse(process.argv[2] ?? '{}') as WorkerOptions)
worker.on('ready', (id) => console.log(`ready ${id}`))
process.on('SIGTERM', () => void worker.stop().then(() => queue.close()))
await worker.run()
