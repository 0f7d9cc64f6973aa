/**
 * Order: the lanes `high`, `normal` and `low`, each emptied before the next, and `first` ahead of all of them.
 *
 *   terminal 1:  node --import tsx examples/order.ts worker
 *   terminal 2:  node --import tsx examples/order.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('order')
let served = 0

export const serve = queue.task('serve', async (who: string) => {
  await delay(who === 'a long talk' ? 1_000 : 0)
  served += 1
  return served
})

if (process.argv[2] === 'worker') {
  // One at a time and none fetched ahead: the order in which they begin is the order in which they end.
  await queue.run({ concurrency: 1, prefetch: 0 })
} else if (process.argv[2] === 'test') {
  const talk = serve('a long talk')
  while ((await talk.info())?.state !== 'running') await delay(10)

  // What is called while the only slot is taken waits in its lane.
  const calls = {
    archive: serve.with({ priority: 'low' })('archive'),
    ann: serve('ann'),
    bob: serve('bob'),
    cid: serve('cid'),
    payment: serve.with({ priority: 'high' })('payment'),
    alarm: serve.with({ first: true })('alarm'),
  }
  for (const handle of Object.values(calls)) await handle.enqueued
  const waiting = await queue.tasks({ state: 'queued' })
  console.log(`in line: ${waiting.map(({ args, lane }) => `${args?.[0]} (${lane})`).join(', ')}`)

  // A task that waits can go to another lane, as its last.
  console.log(`cid: ${await queue.move(calls.cid.id, 'first')}`)
  const line: string[] = []
  for (const [who, handle] of Object.entries(calls)) line[await handle.get({ timeout: 30_000 })] = who
  console.log(`served: ${line.filter(Boolean).join(', ')}`)
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/order.ts worker | test')
  process.exitCode = 2
}
