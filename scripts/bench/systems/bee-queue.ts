/** bee-queue with default settings: succeeded jobs are kept, every outcome is published to every queue object. */

import BeeQueue from 'bee-queue'
import { addressOf, complain, inPortions, type Payload, type System } from './system.ts'

const NAME = 'bench'
/** `saveAll` of 250 to 1,000 is its fastest; of 20,000 it is a third slower. */
const PORTION = 1_000

type Job = BeeQueue.Job<Payload>
type Callback = BeeQueue.DoneCallback<unknown>

function open(url: string, isWorker: boolean): Promise<BeeQueue<Payload>> {
  const queue = new BeeQueue<Payload>(NAME, { redis: addressOf(url), isWorker })
  queue.on('error', complain('bee-queue'))
  return queue.ready()
}

export const system: System = {
  title: 'bee-queue',
  semantics:
    'BRPOPLPUSH takes one job at a time, HGET reads it, a MULTI acknowledges it; others are taken meanwhile',

  async openProducer({ url }) {
    const queue = await open(url, false)
    /** Outcomes that were published before `save` had its answer: the job cannot emit those. */
    const early = new Map<string, unknown>()
    queue.on('job succeeded', (id, result) => {
      if (!queue.jobs.has(id)) early.set(id, result)
    })
    return {
      enqueue: (payload) => queue.createJob(payload).save(),
      enqueueMany: (count, make) =>
        inPortions(count, PORTION, async (start, length) => {
          const jobs = Array.from({ length }, (_, i) => queue.createJob(make(start + i)))
          for (const error of (await queue.saveAll(jobs)).values()) throw error
        }),
      call(payload) {
        const job = queue.createJob(payload)
        return new Promise((resolve, reject) => {
          job.on('succeeded', resolve)
          job.on('failed', reject)
          job.save().then(() => {
            if (!early.has(job.id)) return
            resolve(early.get(job.id))
            early.delete(job.id)
            queue.jobs.delete(job.id)
          }, reject)
        })
      },
      close: () => queue.close(),
    }
  },

  async openWorker({ url }, { concurrency, handler, isAsync, done }) {
    const queue = await open(url, true)
    queue.on('failed', (_job, error) => complain('bee-queue')(error))
    // The callback is the cheaper of its two ways for handlers that do not wait.
    if (isAsync) queue.process(concurrency, async (job) => handler(job.data, done))
    else queue.process(concurrency, (job: Job, callback: Callback) => callback(null, handler(job.data, done)))
    return { close: () => queue.close() }
  },

  async census(redis) {
    const key = (name: string): string => `bq:${NAME}:${name}`
    const waiting = await redis.llen(key('waiting'))
    const active = await redis.llen(key('active'))
    return { open: waiting + active, completed: await redis.scard(key('succeeded')) }
  },
}
