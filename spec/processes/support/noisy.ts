/** A task that writes to stderr when its process has lost its supervisor, and a program that says when it ends: `noisy.ts <folder>`. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Queue } from '../../../lib/index.ts'

const queue = new Queue('spec', { redis: process.env.REDIS_URL as string })
queue.task('noisy', async () => {
  console.log('noisy runs')
  while (process.connected) await delay(10)
  for (let i = 0; i < 5; i++) {
    console.error('is anybody there?')
    process.stderr.write('nobody\n')
    await delay(10)
  }
  return process.pid
})
await queue.run({ processes: 2 })
writeFileSync(join(process.argv[2] as string, `ended-${process.pid}`), '')
