/**
 * Looking at tasks: their state, arguments, progress, result or error, from any process, by id.
 *
 *   terminal 1:  node --import tsx examples/inspect.ts worker
 *   terminal 2:  node --import tsx examples/inspect.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { Queue, TaskFailedError } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('inspect')

export const resize = queue.task('resize', async (image: string, width: number) => {
  if (width <= 0) throw new RangeError(`width must be positive: ${width}`)
  await queue.updateProgress('reading')
  await delay(300)
  return `${image} at ${width}`
})

async function show(id: string): Promise<void> {
  const task = await queue.getTask(id)
  if (!task) return console.log(`${id}: nothing is known of it`)
  const outcome = task.error instanceof Error ? task.error.message : task.result
  console.log(`${task.name}(${task.args?.join(', ')}) ${task.state}`, { progress: task.progress, outcome })
}

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  const good = resize('cat.png', 640)
  await good.enqueued
  await show(good.id)

  // Only the id travels: this could be another process, a day later.
  await queue.handle(good.id).get({ timeout: 30_000 })
  await show(good.id)

  const bad = resize('cat.png', -1)
  try {
    await bad.get({ timeout: 30_000 })
  } catch (error) {
    if (!(error instanceof TaskFailedError)) throw error
    console.log(`${error.code}: ${(error.cause as Error).message}`)
  }
  await show(bad.id)
  await show('no-such-task')
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/inspect.ts worker | test')
  process.exitCode = 2
}
