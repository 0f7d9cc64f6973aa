/** Millrace, as built JavaScript, through its public door alone. */

import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { complain, type Payload, type Place, type Setting, type System, Unavailable } from './system.ts'

type Millrace = typeof import('../../../lib/index.ts')
type Queue = InstanceType<Millrace['Queue']>
type Task = ReturnType<typeof openTask>

const NAME = 'bench'
const TASK = 'work'

async function openQueue(place: Place): Promise<Queue> {
  const { Queue } = (await import(pathToFileURL(join(place.library, 'index.js')).href)) as Millrace
  const queue = new Queue(NAME, { redis: place.url })
  queue.on('error', complain('millrace'))
  return queue
}

const openTask = (queue: Queue) => queue.remote<(payload: Payload) => unknown>(TASK)

/** What this Millrace may not know yet. */
function isUnknown(error: unknown): boolean {
  return /unknown option/.test(String(error))
}

/** Strict is a worker without prefetch; a Millrace that does not know the option has none. */
function makeWorker(
  queue: Queue,
  setting: Setting,
  options: { concurrency: number; lease?: number },
): ReturnType<Queue['worker']> {
  if (setting === 'strict') {
    try {
      const strict: object = { ...options, prefetch: 0 }
      return queue.worker(strict)
    } catch (error) {
      if (!isUnknown(error)) throw error
    }
  }
  return queue.worker(options)
}

function inLane(task: Task, priority: 'high' | 'low'): Task {
  try {
    const options: object = { priority }
    return task.with(options)
  } catch (error) {
    if (isUnknown(error)) throw new Unavailable('not in Millrace yet')
    throw error
  }
}

/** The states are those of the records, which outlive their tasks: default retention is an hour. */
const COUNT_COMPLETED = `
  local completed = 0
  for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':task:*')) do
    if string.sub(redis.call('HGET', key, 'end') or '', 1, 1) == 's' then completed = completed + 1 end
  end
  return completed`

const COUNT_OPEN = `
  local open = 0
  for _, lane in ipairs({ 'first', 'high', 'normal', 'low' }) do
    open = open + redis.call('XLEN', ARGV[1] .. ':stream:' .. lane)
  end
  return open`

const PREFIX = `millrace:{${NAME}}`

export const system: System = {
  title: 'Millrace',
  semantics:
    'record at enqueue; the pending list is the running mark, the entry the fencing token; one script acknowledges a batch of outcomes and takes the next tasks',

  async openProducer(place, { lanes }) {
    const queue = await openQueue(place)
    const task = openTask(queue)
    const [later, sooner] = lanes ? [inLane(task, 'low'), inLane(task, 'high')] : [task, task]
    // Connects.
    await queue.getTask('none')
    const enqueue = (payload: Payload): Promise<void> => later(payload).enqueued
    return {
      enqueue,
      // Calls of one tick leave in batches by themselves, so there is no other way for many.
      async enqueueMany(count, make) {
        await Promise.all(Array.from({ length: count }, (_, n) => enqueue(make(n))))
      },
      enqueueDelayed: (payload, when) => task.with(when)(payload).enqueued,
      async add(payload) {
        const { id, enqueued } = later(payload)
        await enqueued
        return id
      },
      lookUp: async (id) => (await queue.getTask(id)) !== null,
      async counts() {
        const { queued, ended } = await queue.counts()
        return { waiting: queued, completed: ended.succeeded }
      },
      call: (payload) => sooner(payload).get(),
      close: () => queue.close(),
    }
  },

  async openWorker(place, { concurrency, setting, lease, handler, done }) {
    const queue = await openQueue(place)
    queue.task(TASK, (payload: Payload) => handler(payload, done))
    const worker = makeWorker(queue, setting, { concurrency, ...(lease !== undefined && { lease }) })
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

  async countOpen(redis) {
    return (await redis.eval(COUNT_OPEN, 0, PREFIX)) as number
  },

  async countCompleted(redis) {
    return (await redis.eval(COUNT_COMPLETED, 0, PREFIX)) as number
  },

  // Each has a key of its own.
  countRecords: (redis) => redis.dbsize(),
}
