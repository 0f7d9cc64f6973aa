/**
 * A process that only calls: `node --import tsx spec/chaos/caller.ts <plan as JSON>`. First a burst in one tick, then
 * a steady flow until SIGTERM. Every call goes to the journal; what was told of all of them so far is printed.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { EnqueueError, Queue, QueueFullError, type QueueOptions } from '../../lib/index.ts'
import { tellHealth } from './health.ts'
import { Journal } from './journal.ts'
import { Producer } from './producer.ts'
import { NAME } from './worker.ts'

export interface CallerPlan {
  readonly queue: QueueOptions
  readonly burst: number
  /** Calls of the flow, about every 5 ms; and what each carries, bytes. */
  readonly flow: number
  readonly bytes: number
}

/** What calls were told. */
export interface Told {
  readonly calls: number
  readonly ok: number
  readonly full: number
  /** Not accepted, or perhaps: an EnqueueError. */
  readonly refused: number
  /** Anything else, which should not be. */
  readonly untyped: number
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const plan = JSON.parse(process.argv[2] as string) as CallerPlan
  const queue = new Queue(NAME, { redis: process.env.REDIS_URL as string, ...plan.queue })
  const work = queue.remote<(value: string, ms: number) => string>('work')
  const producer = new Producer(new Journal(process.env.JOURNAL as string))
  const told = { calls: 0, ok: 0, full: 0, refused: 0, untyped: 0 }
  const call = (bytes: number): void => {
    told.calls += 1
    void producer
      .call(() => work('x'.repeat(bytes), 0))
      .enqueued.then(
        () => {
          told.ok += 1
        },
        (error) => {
          if (error instanceof QueueFullError) told.full += 1
          else if (error instanceof EnqueueError) told.refused += 1
          else told.untyped += 1
        },
      )
  }
  // Each call says it itself.
  queue.on('error', () => {})
  tellHealth()
  let isOver = false
  process.once('SIGTERM', () => {
    isOver = true
  })
  await queue.counts()
  for (let n = 0; n < plan.burst; n++) call(plan.bytes)
  await producer.settled()
  console.log(`burst ${JSON.stringify(told)}`)
  while (!isOver) {
    for (let n = 0; n < plan.flow; n++) call(plan.bytes)
    await delay(5)
    console.log(`told ${JSON.stringify(told)}`)
  }
  await producer.settled()
  console.log(`all ${JSON.stringify(told)}`)
  await queue.close()
}
