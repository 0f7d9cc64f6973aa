/**
 * bee-queue. By default succeeded jobs are kept, and every outcome is published to every queue object. It has no
 * priorities.
 */

import BeeQueue from 'bee-queue'
import { addressOf, complain, inPortions, type Payload, type System, Unavailable } from './system.ts'

const NAME = 'bench'
/** `saveAll` of 250 to 1,000 is its fastest; of 20,000 it is a third slower. */
const PORTION = 1_000

const key = (name: string): string => `bq:${NAME}:${name}`

type Job = BeeQueue.Job<Payload>
type Callback = BeeQueue.DoneCallback<unknown>

function open(url: string, settings: BeeQueue.QueueSettings): Promise<BeeQueue<Payload>> {
  const queue = new BeeQueue<Payload>(NAME, { redis: addressOf(url), ...settings })
  queue.on('error', complain('bee-queue'))
  return queue.ready()
}

export const system: System = {
  title: 'bee-queue',
  semantics:
    'BRPOPLPUSH takes one job at a time, HGET reads it, a MULTI acknowledges it; others are taken meanwhile',
  best: 'README, "Optimizing Redis Connections" and "Settings": events and stored jobs off where nothing awaits a result, `removeOnSuccess`; "Queue Delayed Job activation": `delayedDebounce: 0`',

  async openProducer({ url }, { rpc, lanes, setting }) {
    if (lanes) throw new Unavailable('bee-queue has no priorities')
    const best = { getEvents: rpc, sendEvents: false, storeJobs: rpc }
    const queue = await open(url, { isWorker: false, ...(setting === 'best' && best) })
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
      enqueueDelayed: (payload, when) =>
        queue
          .createJob(payload)
          .delayUntil('at' in when ? when.at : Date.now() + when.delay)
          .save(),
      add: async (payload) => (await queue.createJob(payload).save()).id,
      lookUp: async (id) => Boolean(await queue.getJob(id)),
      async counts() {
        const { waiting, succeeded } = await queue.checkHealth()
        return { waiting, completed: succeeded }
      },
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

  async openWorker({ url }, { concurrency, setting, rpc, delayed, lease, handler, isAsync, done }) {
    const best = {
      getEvents: false,
      sendEvents: rpc,
      storeJobs: false,
      removeOnSuccess: true,
      delayedDebounce: 0,
    }
    const stall = lease === undefined ? {} : { stallInterval: lease }
    const always = { isWorker: true, activateDelayedJobs: delayed, ...stall }
    const queue = await open(url, { ...always, ...(setting === 'best' && best) })
    // "Set interval to be the same or a bit shorter than stallInterval."
    if (lease !== undefined) await queue.checkStalledJobs(lease)
    queue.on('failed', (_job, error) => complain('bee-queue')(error))
    // The callback is the cheaper of its two ways for handlers that do not wait.
    if (isAsync) queue.process(concurrency, async (job) => handler(job.data, done))
    else queue.process(concurrency, (job: Job, callback: Callback) => callback(null, handler(job.data, done)))
    return { close: () => queue.close() }
  },

  async countOpen(redis) {
    return (await redis.llen(key('waiting'))) + (await redis.llen(key('active')))
  },

  countCompleted: (redis) => redis.scard(key('succeeded')),
  countRecords: (redis) => redis.hlen(key('jobs')),
}
