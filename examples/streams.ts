/**
 * Streams: a handler that is a generator; its caller reads what it yields while it works, and then its result.
 *
 *   terminal 1:  node --import tsx examples/streams.ts worker
 *   terminal 2:  node --import tsx examples/streams.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { currentTask, Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('chat')

/** As a model that writes word by word. */
export const reply = queue.task('reply', async function* (question: string) {
  const words = `You asked: ${question} The answer is forty two.`.split(' ')
  for (const word of words) {
    await delay(20)
    yield word
  }
  return { words: words.length }
})

/** Newer values matter more than all of them: nobody is waited for. */
export const temperature = queue.task(
  'temperature',
  function* (measurements: number) {
    for (let i = 1; i <= measurements; i++) yield 20 + i / 100
  },
  { onStreamFull: 'drop', streamBuffer: 3 },
)

export const flaky = queue.task(
  'flaky',
  async function* () {
    for (let part = 1; part <= 3; part++) {
      yield `part ${part}`
      await delay(50)
      if (part === 2 && currentTask().attempt === 1) throw new Error('the disk is full')
    }
  },
  { retries: 1, backoff: 50 },
)

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  // Word by word, and the generator's own result at the end.
  const handle = reply('why?')
  const heard: string[] = []
  for await (const word of handle.stream()) heard.push(word)
  console.log(heard.join(' '))
  console.log(`${(await handle.get()).words} words`)

  // Leaving the loop: the task goes on without a reader, or is cancelled.
  const left = reply('and then?')
  for await (const word of left.stream({ cancelOnBreak: true })) {
    console.log(`left at: ${word}`)
    break
  }
  console.log((await left.get().catch((error) => error)).code)

  // Nobody read in time: the last three are there, and the reader is told what is missing.
  const measured = temperature(100)
  await measured.get()
  const missed = (count: number): void => console.log(`${count} missed`)
  for await (const degrees of measured.stream({ onGap: missed })) console.log(degrees)

  // Another attempt yields from the beginning.
  const again = (attempt: number): void => console.log(`attempt ${attempt}`)
  for await (const part of flaky().stream({ onRestart: again })) console.log(part)
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/streams.ts worker | test')
  process.exitCode = 2
}
