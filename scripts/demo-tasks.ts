/** The demo's tasks, and its worker: `node --import tsx scripts/demo-tasks.ts` is a worker process. */

import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { currentTask, Queue } from '../lib/index.ts'

export const queue = new Queue('demo', { namespace: process.env.DEMO_NAMESPACE ?? 'millrace-demo' })

export const fib = queue.task('fib', (n: number) => {
  let [a, b] = [0n, 1n]
  for (let i = 0; i < n; i++) [a, b] = [b, a + b]
  return b
})

export const greet = queue.task('greet', async (name: string) => {
  await delay(200)
  return `Hello, ${name}, from process ${process.pid}`
})

export const crunch = queue.task('crunch', async (steps: number, ms: number) => {
  for (let step = 1; step <= steps; step++) {
    await delay(ms)
    await queue.updateProgress({ step, steps, pid: process.pid, attempt: currentTask().attempt })
  }
  return process.pid
})

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // The demo holds the other end of stdin: when it is gone, however it went, so is this worker.
  process.stdin.once('close', () => process.exit(0)).resume()
  // A short lease, so that the demo need not wait long for a killed worker to be found.
  await queue.run({ concurrency: 4, lease: 1_500 })
  process.exit(0)
}
