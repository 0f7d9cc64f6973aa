/** BullMQ with default settings: completed jobs are all kept, an events stream is written. */

import { Queue, QueueEvents, Worker } from 'bullmq'
import { addressOf, complain, inPortions, type Payload, type System } from './system.ts'

const NAME = 'bench'
const JOB = 'work'
/** `addBulk` of 250 to 1,000 is its fastest; of 20,000 it is a tenth slower. */
const PORTION = 250

export const system: System = {
  title: 'BullMQ',
  semantics:
    'lock per job, renewed by a timer; moveToFinished acknowledges one job and takes the next; concurrency loops',

  async openProducer({ url }, { rpc }) {
    const connection = addressOf(url)
    const queue = new Queue(NAME, { connection })
    queue.on('error', complain('bullmq'))
    await queue.waitUntilReady()
    const events = rpc ? new QueueEvents(NAME, { connection }) : undefined
    events?.on('error', complain('bullmq'))
    // Each waiting call listens for its own event.
    events?.setMaxListeners(0)
    queue.setMaxListeners(0)
    await events?.waitUntilReady()
    return {
      enqueue: (payload) => queue.add(JOB, payload),
      enqueueMany: (count, make) =>
        inPortions(count, PORTION, (start, length) =>
          queue.addBulk(Array.from({ length }, (_, i) => ({ name: JOB, data: make(start + i) }))),
        ),
      async call(payload) {
        const job = await queue.add(JOB, payload)
        return job.waitUntilFinished(events!)
      },
      async close() {
        await events?.close()
        await queue.close()
      },
    }
  },

  async openWorker({ url }, { concurrency, handler, done }) {
    const connection = { ...addressOf(url), maxRetriesPerRequest: null }
    const run = async (job: { data: Payload }): Promise<unknown> => handler(job.data, done)
    const worker = new Worker(NAME, run, { connection, concurrency })
    worker.on('error', complain('bullmq'))
    worker.on('failed', (_job, error) => complain('bullmq')(error))
    await worker.waitUntilReady()
    return { close: () => worker.close() }
  },

  async census(redis) {
    const key = (name: string): string => `bull:${NAME}:${name}`
    const waiting = await redis.llen(key('wait'))
    const active = await redis.llen(key('active'))
    return { open: waiting + active, completed: await redis.zcard(key('completed')) }
  },
}
