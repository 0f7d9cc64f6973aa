/**
 * Limits over all workers: how many calls of a key begin in a time, how many run at once, and turns between keys, so
 * that one tenant's many calls do not hold up another's one.
 *
 *   terminal 1:  node --import tsx examples/limits.ts worker
 *   terminal 2:  node --import tsx examples/limits.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('limits')
let served = 0
let running = 0

/** No more than 5 begin within any half second. */
export const ping = queue.task('ping', (n: number) => n, { limit: { max: 5, per: 500 } })

/** Of one account at most two at once, whatever the number of workers. */
export const sync = queue.task(
  'sync',
  async (_account: string) => {
    running += 1
    const atOnce = running
    await delay(50)
    running -= 1
    return atOnce
  },
  { limit: { concurrency: 2, key: (account: string) => account } },
)

/** Tenants take turns, and nothing else is limited. */
export const report = queue.task(
  'report',
  async (_tenant: string) => {
    served += 1
    const place = served
    await delay(1)
    return place
  },
  { limit: { key: (tenant: string) => tenant } },
)

if (process.argv[2] === 'worker') {
  await queue.run({ concurrency: 10, prefetch: 0 })
} else if (process.argv[2] === 'test') {
  const from = performance.now()
  await Promise.all(Array.from({ length: 11 }, (_, n) => ping(n).get({ timeout: 30_000 })))
  console.log(`11 pings took ${performance.now() - from >= 1_000 ? 'a second or more' : 'too little time'}`)

  const counts = await Promise.all(Array.from({ length: 8 }, () => sync('ann').get({ timeout: 30_000 })))
  console.log(`syncs of one account at once: ${Math.max(...counts)}`)

  await queue.pause()
  const many = Array.from({ length: 500 }, () => report('large'))
  await Promise.all(many.map((handle) => handle.enqueued))
  const one = report('small')
  await one.enqueued
  await queue.resume()
  const place = await one.get({ timeout: 30_000 })
  console.log(`behind 500 of another tenant, served as number ${place <= 10 ? '10 or before' : place}`)
  await Promise.all(many.map((handle) => handle.get({ timeout: 30_000 })))
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/limits.ts worker | test')
  process.exitCode = 2
}
