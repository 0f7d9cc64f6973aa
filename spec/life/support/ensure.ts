/** Races others for a task by its key: `REDIS_URL=… QUEUE=… ensure.ts <task and key> <how often>`, begins at SIGUSR2. */

import { Queue } from '../../../lib/index.ts'

const { REDIS_URL, QUEUE } = process.env
const [name, times] = process.argv.slice(2) as [string, string]
const queue = new Queue(QUEUE as string, { redis: REDIS_URL as string })
const task = queue.remote<() => string>(name, { key: name })
await queue.counts()
const alive = setInterval(() => {}, 1_000)
const go = new Promise((resolve) => process.once('SIGUSR2', resolve))
console.log('ready')
await go
const all = await Promise.all(Array.from({ length: Number(times) }, () => task.ensure()))
console.log(`ids ${[...new Set(all.map(({ handle }) => handle.id))].join(',')} end`)
clearInterval(alive)
await queue.close()
