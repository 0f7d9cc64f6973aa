/**
 * Remote procedure call: a function runs in another process, and its result comes back.
 *
 *   terminal 1:  node --import tsx examples/rpc.ts worker
 *   terminal 2:  node --import tsx examples/rpc.ts test
 */

import { Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('rpc')

export const fib = queue.task('fib', (n: number) => {
  let [a, b] = [0n, 1n]
  for (let i = 0; i < n; i++) [a, b] = [b, a + b]
  return b
})

if (process.argv[2] === 'worker') {
  await queue.run({ concurrency: 4 })
} else if (process.argv[2] === 'test') {
  const value = await fib(100_000).get({ timeout: 30_000 })
  const digits = value.toString()
  console.log(`fib(100000) has ${digits.length} digits: ${digits.slice(0, 6)}…${digits.slice(-6)}`)
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/rpc.ts worker | test')
  process.exitCode = 2
}
