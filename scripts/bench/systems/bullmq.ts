/** BullMQ. By default completed jobs are all kept; an events stream is always written. */

import { Queue, QueueEvents, Worker, type WorkerOptions } from 'bullmq'
import { addressOf, complain, inPortions, type Payload, type Setting, type System } from './system.ts'

const NAME = 'bench'
const JOB = 'work'
/** `addBulk` of 250 to 1,000 is its fastest; of 20,000 it is a tenth slower. */
const PORTION = 250
/** Lower numbers go first. */
const LATER = { priority: 10 }
const SOONER = { priority: 1 }

const key = (name: string): string => `bull:${NAME}:${name}`

/** Awaited results have to be there for who asks: `waitUntilFinished` fails for a job that is removed already. */
function bestOf(setting: Setting, rpc: boolean): Partial<WorkerOptions> {
  if (setting !== 'best') return {}
  const trust = { skipLockRenewal: true, skipStalledCheck: true }
  return rpc ? trust : { ...trust, removeOnComplete: { count: 0 } }
}

/** A lock is renewed at half its time; a job without one is noticed by one check and moved by the next. */
const leaseOf = (lease: number | undefined): Partial<WorkerOptions> =>
  lease === undefined ? {} : { lockDuration: lease, stalledInterval: lease }

export const system: System = {
  title: 'BullMQ',
  semantics:
    'lock per job, renewed by a timer; moveToFinished acknowledges one job and takes the next; concurrency loops',
  best: 'WorkerOptions `removeOnComplete: { count: 0 }` (not for awaited results), `skipLockRenewal`, `skipStalledCheck`: jobs of a dead worker stay where they are',

  async openProducer({ url }, { rpc, lanes }) {
    const [later, sooner] = lanes ? [LATER, SOONER] : [undefined, undefined]
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
      enqueue: (payload) => queue.add(JOB, payload, later),
      enqueueMany: (count, make) =>
        inPortions(count, PORTION, (start, length) =>
          queue.addBulk(
            Array.from({ length }, (_, i) => ({
              ...{ name: JOB, data: make(start + i) },
              ...(later && { opts: later }),
            })),
          ),
        ),
      enqueueDelayed: (payload, when) =>
        queue.add(JOB, payload, { delay: 'at' in when ? when.at - Date.now() : when.delay }),
      add: async (payload) => (await queue.add(JOB, payload, later)).id!,
      lookUp: async (id) => (await queue.getJob(id)) !== undefined,
      async counts() {
        const { waiting = 0, prioritized = 0, completed = 0 } = await queue.getJobCounts()
        return { waiting: waiting + prioritized, completed }
      },
      async call(payload) {
        const job = await queue.add(JOB, payload, sooner)
        return job.waitUntilFinished(events!)
      },
      async close() {
        await events?.close()
        await queue.close()
      },
    }
  },

  async openWorker({ url }, { concurrency, setting, rpc, lease, handler, done }) {
    const connection = { ...addressOf(url), maxRetriesPerRequest: null }
    const run = async (job: { data: Payload }): Promise<unknown> => handler(job.data, done)
    const worker = new Worker(NAME, run, {
      connection,
      concurrency,
      ...bestOf(setting, rpc),
      ...leaseOf(lease),
    })
    worker.on('error', complain('bullmq'))
    worker.on('failed', (_job, error) => complain('bullmq')(error))
    await worker.waitUntilReady()
    return { close: () => worker.close() }
  },

  async countOpen(redis) {
    const waiting = (await redis.llen(key('wait'))) + (await redis.zcard(key('prioritized')))
    return waiting + (await redis.llen(key('active')))
  },

  countCompleted: (redis) => redis.zcard(key('completed')),

  // Each has a key of its own.
  countRecords: (redis) => redis.dbsize(),
}
