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
/** Yields numbers, then text and an object; each waits for `ms`. */
export const count = queue.task('count', async function* (n: number, ms?: number) {
  for (let i = 1; i <= n; i++) {
    yield i
    await delay(ms, undefined, { signal: currentTask().signal })
  }
})
export const mixed = queue.task('mixed', function* () {
  yield 'two\nlines'
  yield { big: 2n ** 70n, list: Array.from({ length: 40 }, (_, i) => i) }
  return 'the end'
})
/** Yields and fails, the first time when `go` has run. */
let go = (): void => {}
const gone = new Promise<void>((resolve) => {
  go = resolve
})
queue.task('go', () => go())
export const flaky = queue.task(
  'flaky',
  async function* () {
    yield `attempt ${currentTask().attempt}`
    await gone
    throw new Error('the disk is full')
  },
  { retries: 1, backoff: 10 },
)
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
