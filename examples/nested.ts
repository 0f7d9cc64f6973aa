/**
 * Nested calls: a handler calls tasks and awaits them. Its slot is lent to others meanwhile, so one slot is enough.
 *
 *   terminal 1:  node --import tsx examples/nested.ts worker
 *   terminal 2:  node --import tsx examples/nested.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { currentTask, Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('nested')

export const count = queue.task('count', async (text: string) => {
  await delay(20)
  return text.split(' ').length
})

/** Calls itself for each half until there is one line. */
export const total = queue.task('total', async (lines: string[]): Promise<number> => {
  const { signal } = currentTask()
  if (lines.length === 1) return count(lines[0]!).get({ signal, cancelOnAbort: true })
  const middle = lines.length >> 1
  const half = queue.remote<(lines: string[]) => Promise<number>>('total')
  // When this task is cancelled, those that it waits for are too.
  const halves = [half(lines.slice(0, middle)), half(lines.slice(middle))]
  const counts = await Promise.all(halves.map((each) => each.get({ signal, cancelOnAbort: true })))
  return counts.reduce((a, b) => a + b, 0)
})

/** What is left of the caller's deadline is the deadline of what it calls. */
export const timeLeft = queue.task('timeLeft', () => {
  const { deadline } = currentTask()
  return deadline ? deadline.getTime() - Date.now() : undefined
})
export const outer = queue.task('outer', () => timeLeft().get())

if (process.argv[2] === 'worker') {
  await queue.run({ concurrency: 1 })
} else if (process.argv[2] === 'test') {
  const lines = Array.from({ length: 16 }, () => 'four words a line')
  console.log(`${await total(lines).get({ timeout: 30_000 })} words`)

  const left = await outer.with({ deadline: 20_000 })().get()
  console.log(`inherited: ${Math.round(left! / 1_000)} s`)
  console.log(`without a deadline: ${await outer().get({ timeout: 30_000 })}`)
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/nested.ts worker | test')
  process.exitCode = 2
}
