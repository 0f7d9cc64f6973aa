/**
 * Progress: a long task says how far it is; its caller, or anybody who knows its id, watches.
 *
 *   terminal 1:  node --import tsx examples/progress.ts worker
 *   terminal 2:  node --import tsx examples/progress.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { currentTask, Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('reports')

export const report = queue.task('report', async (pages: number) => {
  const { signal, updateProgress } = currentTask()
  for (let page = 1; page <= pages; page++) {
    await delay(50, undefined, { signal })
    await updateProgress({ page, pages })
  }
  return `${pages} pages`
})

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  const handle = report(20)
  for await (const progress of handle.progress()) {
    const { page, pages } = progress as { page: number; pages: number }
    console.log(`page ${page} of ${pages}`)
  }
  console.log(`done: ${await handle.get()}`)
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/progress.ts worker | test')
  process.exitCode = 2
}
