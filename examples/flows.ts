/**
 * Flows: a chain hands results on, a group runs side by side, a chord is a group and what comes after it.
 *
 *   terminal 1:  node --import tsx examples/flows.ts worker
 *   terminal 2:  node --import tsx examples/flows.ts test
 */

import { chain, chord, group, Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('flows')
let broken = false

export const split = queue.task('split', (text: string) => text.split(' '))
export const count = queue.task('count', (words: string[], letter: string) => {
  return words.filter((word) => word.includes(letter)).length
})
export const total = queue.task('total', (counts: number[]) => counts.reduce((a, b) => a + b, 0))
export const brittle = queue.task('brittle', (n: number) => {
  broken = !broken
  if (broken) throw new Error('not today')
  return n
})
export const same = queue.task('same', (n: number) => n)

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  // Each step's first argument is what the step before it gave; the types are checked.
  const words = chain(split.prepare('the mill race turns the wheel'), count.prepare('e'))
  console.log(`words with an e: ${await words.start().get()}`)

  const letters = group(['a', 'e', 'i'].map((letter) => count.prepare(['race', 'mill', 'wheel'], letter)))
  console.log(`of each letter: ${(await letters.start().get()).join(', ')}`)

  // They nest: the parts of a group all get the result of the step before it, a chord's callback gets the list of theirs.
  const each = group(['h', 'l'].map((letter) => count.prepare(letter)))
  const flow = chain(split.prepare('the mill wheel'), chord(each, total.prepare())).start()
  console.log(`together: ${await flow.get()}`)

  // Anybody who has its id can look at it, wait for it, cancel or retry it.
  const found = await queue.flow(flow.id)
  const tree = await found!.tree()
  console.log(`${tree.state}: ${tree.tasks.map(({ info }) => info?.name).join(', ')}`)

  // What failed, and what came after it, runs again; what has succeeded stays.
  const last = chain(count.prepare(['a'], 'a'), brittle.prepare(), same.prepare()).start()
  const error = await last.get().catch((error) => error)
  console.log(`${(await last.tree()).state}: ${error.cause.cause.message}`)
  console.log(`tried again: ${await last.retry()}, then ${await last.get()}`)
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/flows.ts worker | test')
  process.exitCode = 2
}
