/**
 * A worker of the queue that it is given: `node --import tsx spec/support/places.ts <queue> [<queue on another Redis> <its
 * URL>]`, which it knows as `billing`. Several such queues work together.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Queue } from '../../lib/index.ts'

export function definePlaces(queue: Queue) {
  return {
    /** The numbers, or lists of them, together; after some ms where the last one is an object. */
    sum: queue.task('sum', async (...numbers: (number | number[] | { ms: number })[]) => {
      let sum = 0
      for (const one of numbers.flat()) {
        if (typeof one === 'number') sum += one
        else await delay(one.ms)
      }
      return sum
    }),
    fail: queue.task('fail', (): number => {
      throw new RangeError(`not in ${queue.name}`)
    }),
    /** What a callback is given, as text. */
    note: queue.task('note', (...what: unknown[]) => JSON.stringify(what)),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name, other, redis] = process.argv.slice(2) as [string, string?, string?]
  const others: Record<string, Queue> = other ? { billing: new Queue(other, { redis: redis! }) } : {}
  const queue = new Queue(name, { redis: process.env.REDIS_URL as string, others })
  definePlaces(queue)
  queue.on('error', (error) => console.log(`error ${error.message}`))
  await queue.run({ concurrency: 5, lease: 1_000 })
}
