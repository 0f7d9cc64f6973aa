/** A task that keeps its event loop until it has seen that another runs, which takes two processes: `meet.ts <folder>`. */

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Queue } from '../../../lib/index.ts'

const folder = process.argv[2] as string
const PATIENCE = 30_000

const [one, two] = ['spec', 'other'].map((name) => {
  const queue = new Queue(name, { redis: process.env.REDIS_URL as string })
  queue.on('error', (error) => console.log(`error ${error.message}`))
  queue.task('meet', (me: string, other: string) => {
    writeFileSync(join(folder, me), '')
    const over = performance.now() + PATIENCE
    while (!existsSync(join(folder, other))) {
      if (performance.now() > over) throw new Error(`${other} does not run`)
    }
    return process.pid
  })
  return queue
}) as [Queue, Queue]

await Promise.all([
  one.run({ processes: 2, concurrency: 1, name: 'same' }),
  two.run({ processes: 2, concurrency: 1, name: 'same' }),
])
console.log('bye')
