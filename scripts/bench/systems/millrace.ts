/** Millrace, as built JavaScript, through its public door alone. */

import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { complain, type Payload, type Place, type System } from './system.ts'

type Millrace = typeof import('../../../lib/index.ts')
type Queue = InstanceType<Millrace['Queue']>

const NAME = 'bench'
const TASK = 'work'

async function openQueue(place: Place): Promise<Queue> {
  const { Queue } = (await import(pathToFileURL(join(place.build, 'index.js')).href)) as Millrace
  const queue = new Queue(NAME, { redis: place.url })
  queue.on('error', complain('millrace'))
  return queue
}

/** Strict is a worker without prefetch; a Millrace that does not know the option has none. */
function makeWorker(queue: Queue, concurrency: number, strict: boolean): ReturnType<Queue['worker']> {
  if (strict) {
    try {
      const options: object = { concurrency, prefetch: 0 }
      return queue.worker(options)
    } catch (error) {
      if (!/unknown option/.test(String(error))) throw error
    }
  }
  return queue.worker({ concurrency })
}

/** The states are those of the records, which outlive their tasks: default retention is an hour. */
const CENSUS = `
  local open, completed = 0, 0
  for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':stream:*')) do open = open + redis.call('XLEN', key) end
  for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':task:*')) do
    if string.sub(redis.call('HGET', key, 'end') or '', 1, 1) == 's' then completed = completed + 1 end
  end
  return { open, completed }`

export const system: System = {
  title: 'Millrace',
  semantics:
    'record at enqueue, running mark and fencing token at start; one script acknowledges a batch of outcomes and takes the next tasks',

  async openProducer(place) {
    const queue = await openQueue(place)
    const task = queue.remote<(payload: Payload) => unknown>(TASK)
    // Connects.
    await queue.getTask('none')
    const enqueue = (payload: Payload): Promise<void> => task(payload).enqueued
    return {
      enqueue,
      // Calls of one tick leave in batches by themselves, so there is no other way for many.
      async enqueueMany(count, make) {
        await Promise.all(Array.from({ length: count }, (_, n) => enqueue(make(n))))
      },
      call: (payload) => task(payload).get(),
      close: () => queue.close(),
    }
  },

  async openWorker(place, { concurrency, strict, handler, done }) {
    const queue = await openQueue(place)
    queue.task(TASK, (payload: Payload) => handler(payload, done))
    const worker = makeWorker(queue, concurrency, strict)
    const ready = once(worker, 'ready')
    const running = worker.run()
    await ready
    return {
      async close() {
        await worker.stop()
        await running
        await queue.close()
      },
    }
  },

  async census(redis) {
    const [open, completed] = (await redis.eval(CENSUS, 0, `millrace:{${NAME}}`)) as [number, number]
    return { open, completed }
  },
}
