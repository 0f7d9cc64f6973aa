/**
 * Cancelling: a task that has not begun never will; the signal of one that runs aborts, in whichever process that is.
 *
 *   terminal 1:  node --import tsx examples/cancel.ts worker
 *   terminal 2:  node --import tsx examples/cancel.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { currentTask, Queue, TaskCancelledError } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('cancel')

export const render = queue.task('render', async (film: string) => {
  const { signal, updateProgress } = currentTask()
  try {
    await updateProgress('rendering')
    await delay(60_000, undefined, { signal })
    return `${film}.mp4`
  } finally {
    if (signal.aborted) console.log(`${film}: tidied up, because: ${signal.reason.message}`)
  }
})

const outcome = (wait: Promise<string>): Promise<string> =>
  wait.catch((error) => {
    if (error instanceof TaskCancelledError) return `cancelled: ${error.message}`
    return error.name
  })

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  const waits = render.with({ delay: 60_000 })('later')
  console.log(`before it begins: ${await waits.cancel('not needed')}`)
  console.log(await outcome(waits.get()))

  const runs = render('now')
  for await (const progress of runs.progress()) {
    console.log(`now: ${progress}`)
    // Only the id is needed: this could be any process.
    console.log(`while it runs: ${await queue.cancel(runs.id, 'the customer left')}`)
  }
  console.log(await outcome(runs.get()))
  console.log(`after its end: ${await runs.cancel()}`)

  // When the caller's own signal aborts, the wait ends; with cancelOnAbort the task does too.
  const handle = render('unwatched')
  console.log(await outcome(handle.get({ signal: AbortSignal.timeout(300), cancelOnAbort: true })))
  console.log(await outcome(queue.handle<string>(handle.id).get()))
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/cancel.ts worker | test')
  process.exitCode = 2
}
