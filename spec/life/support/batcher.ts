/** A worker process of batch tasks: `REDIS_URL=… QUEUE=… batcher.ts [worker options as JSON]`. */

import { setTimeout as delay } from 'node:timers/promises'
import { type BatchCall, Queue, type WorkerOptions } from '../../../lib/index.ts'

const { REDIS_URL, QUEUE } = process.env
const queue = new Queue(QUEUE as string, { redis: REDIS_URL as string })

type Calls = BatchCall<[mode: string], string>[]

const say = (what: string, calls: Calls): void =>
  console.log(`${what} ${calls.length}: ${calls.map(({ id, attempt }) => `${id}/${attempt}`).join(' ')} end`)

const die = async (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL')
  return (await delay(60_000)) as never
}

/** In the first attempt of its calls: dies in the middle, or between its return and what is told of it. */
queue.batch('batch', async (calls: Calls) => {
  say('batch', calls)
  const [{ attempt, args }] = calls as [Calls[number]]
  if (attempt === 1 && args[0] === 'middle') await die()
  if (attempt === 1 && args[0] === 'end') setImmediate(() => process.kill(process.pid, 'SIGKILL'))
  return calls.map((call) => `${call.args[0]} by attempt ${call.attempt}`)
})

/** One of its calls kills its process, each time. */
queue.batch('poisonous', async (calls: Calls) => {
  say('poisonous', calls)
  if (calls.some(({ args }) => args[0] === 'poison')) {
    await delay(50)
    await die()
  }
})

/** Keeps the event loop in the first attempt of its calls. */
queue.batch(
  'blocking',
  (calls: Calls) => {
    say('blocking', calls)
    const end = performance.now() + (calls.some(({ attempt }) => attempt === 1) ? 60_000 : 0)
    while (performance.now() < end);
    return calls.map(({ attempt }) => `attempt ${attempt}`)
  },
  { timeout: 1_000, retries: 1, backoff: 0 },
)

/** Dies in its first commit. */
let commits = 0
queue.task('row', (mode: string) => mode, {
  commitEvery: 3,
  commit: async () => {
    commits += 1
    console.log(`commit ${commits}`)
    if (process.argv[3] === 'die') await die()
  },
})

const worker = queue.worker(JSON.parse(process.argv[2] ?? '{}') as WorkerOptions)
worker.on('ready', (id) => console.log(`ready ${id}`))
process.on('SIGTERM', () => void worker.stop().then(() => queue.close()))
await worker.run()
