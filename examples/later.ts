/**
 * Later: a task that begins after a delay, or at a time; until then it can be listed, and cancelled.
 *
 *   terminal 1:  node --import tsx examples/later.ts worker
 *   terminal 2:  node --import tsx examples/later.ts test
 */

import { Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('later')

export const remind = queue.task('remind', (_what: string) => Date.now())

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  const called = Date.now()
  const soon = remind.with({ delay: 1_000 })('tea')
  const at = remind.with({ at: new Date(called + 1_500) })('eggs')
  const never = remind.with({ delay: 86_400_000, key: 'tomorrow' })('bins')
  await never.enqueued

  for (const task of await queue.tasks({ state: 'scheduled' })) {
    const wait = task.nextRunAt!.getTime() - called
    console.log(`${task.args?.[0]} is ${task.state}, due in ${Math.round(wait / 100) / 10} s`)
  }

  console.log(`tea: ${(await soon.get({ timeout: 30_000 })) - called} ms after the call`)
  console.log(`eggs: ${(await at.get({ timeout: 30_000 })) - called} ms after the call`)

  // Whoever knows the key finds it again.
  const found = await remind.with({ key: 'tomorrow' }).find('bins')
  console.log(`bins: ${found.state}, ${await found.handle?.cancel('done already')}`)
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/later.ts worker | test')
  process.exitCode = 2
}
