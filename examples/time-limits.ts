/**
 * Time limits: `timeout` for an attempt, `deadline` for the whole task, `ttl` for how long it may wait to begin.
 *
 *   terminal 1:  node --import tsx examples/time-limits.ts worker
 *   terminal 2:  node --import tsx examples/time-limits.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { currentTask, MillraceError, Queue, type TaskHandle } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('limits')

/** Heeds its signal, so it ends as soon as its time is over. */
export const crunch = queue.task(
  'crunch',
  async (ms: number) => {
    await delay(ms, undefined, { signal: currentTask().signal })
    return `${ms} ms of work, attempt ${currentTask().attempt}`
  },
  { timeout: 1_000 },
)

async function show(what: string, handle: TaskHandle<string>): Promise<void> {
  try {
    console.log(`${what}: ${await handle.get({ timeout: 30_000 })}`)
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    const task = await handle.info()
    console.log(`${what}: ${task?.state} after ${task?.attempt} attempts, ${error.code}`)
  }
}

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  await show('in time', crunch(10))
  await show('timeout', crunch.with({ timeout: 100, retries: 1, backoff: 10 })(60_000))
  // Counts from the call, over all attempts.
  await show('deadline', crunch.with({ retries: 5, deadline: 500 })(60_000))

  await queue.pause() // as if all workers were busy
  const late = crunch.with({ ttl: 100 })(10)
  await show('ttl', late)
  await queue.resume()
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/time-limits.ts worker | test')
  process.exitCode = 2
}
