/**
 * Rolling deploys: callers are newer than workers. A task that its worker does not know is parked for one that does.
 *
 *   terminal 1:  node --import tsx examples/rolling-deploys.ts worker     (of the old version)
 *   terminal 2:  node --import tsx examples/rolling-deploys.ts test       (a caller, then a worker, of the new one)
 */

import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('deploys') // unknownTtl: how long it may be parked, 24 h by default

export const greet = queue.task('greet', (name: string) => `hello ${name}`)

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  // The new version's callers are there before its workers.
  const early = queue.remote<(name: string) => string>('farewell')('ann')
  while ((await early.info())?.state !== 'parked') await delay(20)
  const [parked] = await queue.tasks({ state: 'parked' })
  console.log(
    `${parked?.name}(${parked?.args?.join(', ')}) is ${parked?.state}, attempts: ${parked?.attempt}`,
  )

  // Now a worker of the new version starts, beside the old one.
  const farewell = queue.task('farewell', (name: string) => `goodbye ${name}`)
  const worker = queue.worker()
  void worker.run()
  await once(worker, 'ready')
  console.log(await early.get({ timeout: 30_000 }))

  // Whoever takes it: a worker that does not know it leaves it to one that does.
  const calls = ['bob', 'cid', 'dan', 'eve'].map((name) => farewell(name).get({ timeout: 30_000 }))
  console.log((await Promise.all(calls)).join(', '))
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/rolling-deploys.ts worker | test')
  process.exitCode = 2
}
