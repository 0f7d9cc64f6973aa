/**
 * Backpressure: a queue that takes so many tasks and no more; and workers that pause, or get fewer slots, while they run.
 *
 *   terminal 1:  node --import tsx examples/backpressure.ts worker
 *   terminal 2:  node --import tsx examples/backpressure.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { Queue, QueueFullError } from '../lib/index.ts' // in your project: from 'millrace'

/** The limit is the caller's: another Queue object may have another. */
const queue = new Queue('backpressure', { maxQueued: 5 })

export const step = queue.task('step', async (n: number) => {
  await delay(50)
  return n
})

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  const calls = Array.from({ length: 12 }, (_, n) => step(n))
  const answers = await Promise.allSettled(calls.map((call) => call.enqueued))
  const refused = answers.filter((answer) => answer.status === 'rejected')
  console.log(`${calls.length} calls: ${calls.length - refused.length} taken, ${refused.length} refused`)
  console.log(refused[0]?.reason instanceof QueueFullError && refused[0].reason.code)

  // Or calls wait in this process until there is room.
  const patient = new Queue('backpressure', { maxQueued: 5, onFull: 'wait' })
  const steps = patient.remote<typeof step>('step')
  const results = await Promise.all(Array.from({ length: 12 }, (_, n) => steps(n).get({ timeout: 30_000 })))
  console.log(`with patience: all ${results.length}`)
  await patient.close()

  // From any process, for all workers of the queue, now and later.
  await queue.setConcurrency('all', 1)
  await queue.pause()
  const held = step(1)
  await held.enqueued
  await delay(200)
  console.log(`paused: ${await queue.isPaused()}, it is ${(await held.info())?.state}`)
  await queue.resume()
  console.log(`resumed: ${await held.get({ timeout: 30_000 })}`)
  await queue.setConcurrency('all', null) // as the workers' options say
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/backpressure.ts worker | test')
  process.exitCode = 2
}
