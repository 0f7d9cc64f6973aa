/** Calls in two queues at a time, for ever: `node --import tsx spec/support/pairs.ts`, which somebody kills. */

import { Queue } from '../../lib/index.ts'

const [left, right] = ['left', 'right'].map((name) => new Queue(name, { redis: process.env.REDIS_URL! }))
const [add, more] = [left, right].map((queue) => queue!.remote<(n: number) => void>('note'))

for (let n = 0; ; n++) {
  await left!.transaction(() => {
    add!(n)
    more!(n)
  })
}
