/**
 * Several processes: a process runs JavaScript on one core, `queue.run({ processes })` on as many as it is given.
 *
 *   one terminal:  node --import tsx examples/processes.ts test     the same work by one process, then by two
 *   or as usual:   node --import tsx examples/processes.ts worker   a worker on all cores
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Queue } from '../lib/index.ts' // in your project: from 'millrace'

const [mode, processes = 'auto'] = process.argv.slice(2)
/** Calls, and up to where each of them looks for primes: some 20 ms of CPU. */
const CALLS = 100
const LIMIT = 250_000

const queueOf = (by: string): Queue => new Queue(`primes-${by}`)

export const definePrimes = (queue: Queue) =>
  queue.task('primes', (below: number) => {
    let count = 0
    for (let n = 2; n < below; n++) {
      let isPrime = true
      for (let d = 2; d * d <= n && isPrime; d++) isPrime = n % d !== 0
      if (isPrime) count += 1
    }
    return { count, pid: process.pid }
  })

if (mode === 'worker') {
  const queue = queueOf(processes)
  definePrimes(queue)
  // In each of the processes that it starts this file runs once more, up to here, and is a worker.
  await queue.run({ processes: processes === 'auto' ? 'auto' : Number(processes) })
} else if (mode === 'test') {
  const times: number[] = []
  for (const count of [1, 2]) {
    const queue = queueOf(String(count))
    const primes = definePrimes(queue)
    const program = fork(fileURLToPath(import.meta.url), ['worker', String(count)])
    while ((await queue.workers()).length < count) await delay(20)
    // What is compiled in the first calls, and who has which, is not what is measured.
    await Promise.all(Array.from({ length: 20 * count }, () => primes(LIMIT).get({ timeout: 60_000 })))

    const began = performance.now()
    const results = await Promise.all(
      Array.from({ length: CALLS }, () => primes(LIMIT).get({ timeout: 60_000 })),
    )
    const seconds = (performance.now() - began) / 1_000
    times.push(seconds)
    const pids = new Set(results.map(({ pid }) => pid))
    console.log(`${CALLS} calls by ${pids.size} of ${count} processes: ${seconds.toFixed(2)} s`)
    program.kill('SIGTERM')
    await once(program, 'exit')
    await queue.close()
  }
  console.log(`one process took ${(times[0]! / times[1]!).toFixed(2)} times as long as two`)
} else {
  console.log('usage: node --import tsx examples/processes.ts test | worker [processes]')
  process.exitCode = 2
}
