/**
 * Background work: the caller goes on at once; it may look later how the task ended.
 *
 *   terminal 1:  node --import tsx examples/background-task.ts worker
 *   terminal 2:  node --import tsx examples/background-task.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('mail')

export const send = queue.task('send', async (to: string, text: string) => {
  await delay(100)
  console.log(`to ${to}: ${text}`)
  return { to, characters: text.length }
})

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  // Fire and forget: close() sends what was called before it closes.
  send('ann@example.org', 'hi')

  // Or make sure that Redis has it, and keep the id: any process can ask with it.
  const handle = send('bob@example.org', 'hello')
  await handle.enqueued
  console.log(`accepted as ${handle.id}`)

  const result = await handle.get({ timeout: 30_000 })
  console.log(`sent ${result.characters} characters to ${result.to}`)
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/background-task.ts worker | test')
  process.exitCode = 2
}
