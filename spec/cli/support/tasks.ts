/** Task modules as users write them: they only define tasks. */

import { setTimeout as delay } from 'node:timers/promises'
import { currentTask, Queue } from '../../../lib/index.ts'

const queue = new Queue('cli')

export const add = queue.task('add', (a: number, b: number) => a + b)
export const greet = queue.task('greet', (name: string) => `Hello ${name}`)
export const big = queue.task('big', () => 2n ** 70n)
export const where = queue.task('where', () => process.pid)
export const fail = queue.task('fail', (what: string) => {
  throw new TypeError(`cannot do ${what}`)
})
/** Keeps the event loop. */
export const block = queue.task('block', (ms: number) => {
  const end = performance.now() + ms
  while (performance.now() < end);
})
/** In steps; waits for a step more until its signal aborts. */
export const steps = queue.task('steps', async (total: number, isEndless = false) => {
  const { signal } = currentTask()
  for (let done = 1; done <= total; done++) {
    await currentTask().updateProgress({ done, total })
    await delay(50, undefined, { signal })
  }
  if (isEndless)
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  return 'all done'
})
