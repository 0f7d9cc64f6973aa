/**
 * Dead letters: failed tasks are kept with their arguments and errors, grouped by what went wrong, and can run again.
 *
 *   terminal 1:  node --import tsx examples/dead-letters.ts worker
 *   terminal 2:  node --import tsx examples/dead-letters.ts test
 */

import { Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('dead-letters')
let isUp = false

export const charge = queue.task('charge', (order: number, amount: number) => {
  if (amount < 0) throw new RangeError(`order ${order}: ${amount} is less than nothing`)
  if (!isUp) throw new Error(`the bank does not answer (request ${order})`)
  return `order ${order}: ${amount}`
})

/** What a person would repair. */
export const repair = queue.task('repair', (up: boolean) => {
  isUp = up
})

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  await repair(false).get({ timeout: 30_000 })
  const handles = [charge(1, 10), charge(2, 20), charge(3, 30), charge(4, -40)]
  await Promise.allSettled(handles.map((handle) => handle.get({ timeout: 30_000 })))

  const groups = await queue.failures()
  for (const { count, name, error } of groups) console.log(`${count} × ${name}: ${error}`)

  await repair(true).get({ timeout: 30_000 })
  const [bank] = groups
  console.log(`again: ${await queue.retry({ fingerprint: bank!.fingerprint })}`)
  for (const { id } of handles.slice(0, 3)) console.log(await queue.handle(id).get({ timeout: 30_000 }))

  for (const task of await queue.tasks({ state: 'failed' })) {
    console.log(`left: ${task.name}(${task.args?.join(', ')})`)
    console.log(`${await queue.remove(task.id)}`)
  }
  console.log(`failed now: ${(await queue.counts()).failed}`)
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/dead-letters.ts worker | test')
  process.exitCode = 2
}
