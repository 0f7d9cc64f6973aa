/**
 * Many calls at once: `task.many` for a list, `queue.enqueueMany` for more than one wants to hold.
 *
 *   terminal 1:  node --import tsx examples/many.ts worker
 *   terminal 2:  node --import tsx examples/many.ts test
 */

import { Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('many')

export const square = queue.task('square', (n: number) => n * n)

/** Rows of a file or a cursor: they are read as fast as Redis takes the calls. */
function* rows() {
  for (let n = 0; n < 20_000; n++) yield square.prepare(n)
}

if (process.argv[2] === 'worker') {
  await queue.run({ concurrency: 20 })
} else if (process.argv[2] === 'test') {
  const handles = square.many([[1], [2], [3]])
  console.log(`squares: ${(await Promise.all(handles.map((handle) => handle.get()))).join(', ')}`)

  const made = await queue.enqueueMany(rows())
  const refused = made.filter(({ error }) => error)
  console.log(`enqueued ${made.length}, refused ${refused.length}`)
  console.log(`the last: ${await made.at(-1)?.handle.get({ timeout: 30_000 })}`)

  // With a limit each call that has no room says so; the others are accepted.
  const small = new Queue('many-small', { maxQueued: 2 })
  const log = small.task('log', (_: string) => {})
  for (const { handle, error } of await small.enqueueMany(['a', 'b', 'c'].map((text) => log.prepare(text)))) {
    console.log(`${error?.code ?? 'accepted'}`)
    if (!error) await handle.cancel()
  }
  await small.close()
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/many.ts worker | test')
  process.exitCode = 2
}
