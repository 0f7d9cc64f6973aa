/**
 * Retries: an attempt that failed is followed by another; the handler may decide for itself when, or that there is none.
 *
 *   terminal 1:  node --import tsx examples/retries.ts worker
 *   terminal 2:  node --import tsx examples/retries.ts test
 */

import { currentTask, DoNotRetry, Queue, RetryLater, TaskFailedError } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('retries')

export const load = queue.task(
  'load',
  (page: string) => {
    const { attempt } = currentTask()
    if (page === '/gone') throw new DoNotRetry(new Error('404 not found')) // no retry helps
    if (page === '/bad') throw new TypeError('not a page')
    if (page === '/limited' && attempt === 1) throw new RetryLater({ delay: 50, cause: new Error('429') })
    if (page === '/flaky' && attempt <= 2) throw new Error(`503 on attempt ${attempt}`)
    return `${page} by attempt ${attempt}`
  },
  {
    retries: 3, // so four attempts at most
    backoff: { type: 'exponential', delay: 50 }, // 50, 100, 200 ms, less up to half of it by chance
    retryIf: (error) => !(error instanceof TypeError),
  },
)

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  const flaky = load('/flaky')
  console.log(await flaky.get({ timeout: 30_000 }))
  const info = await flaky.info()
  for (const { attempt, error } of info?.errors ?? [])
    console.log(`  attempt ${attempt}: ${(error as Error).message}`)
  console.log(await load('/limited').get({ timeout: 30_000 }))

  for (const handle of [load('/gone'), load('/bad'), load.with({ retries: 1 })('/flaky')]) {
    try {
      await handle.get({ timeout: 30_000 })
    } catch (error) {
      if (!(error instanceof TaskFailedError)) throw error
      const attempts = (await handle.info())?.attempt
      console.log(`failed after ${attempts}: ${(error.cause as Error).message}`)
    }
  }
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/retries.ts worker | test')
  process.exitCode = 2
}
