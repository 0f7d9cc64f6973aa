/**
 * Transactions: calls that are accepted all or none, when the function that makes them has returned.
 *
 *   terminal 1:  node --import tsx examples/transactions.ts worker
 *   terminal 2:  node --import tsx examples/transactions.ts test
 */

import { Queue, type TaskHandle } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('transactions')
const mails = new Queue('mails')

export const reserve = queue.task('reserve', (item: string) => `${item} reserved`)
export const bill = queue.task('bill', (customer: string, cents: number) => `${customer} owes ${cents}`)
export const confirm = mails.task('confirm', (customer: string) => `a mail to ${customer}`)
export const audit = queue.task('audit', (line: string) => line, { transaction: false })

/** Code that knows nothing of transactions is part of the one that it is called in. */
async function order(customer: string, items: string[]): Promise<TaskHandle<string>> {
  for (const item of items) reserve(item)
  audit(`${customer} orders ${items.length}`)
  await Promise.resolve()
  if (items.length > 2) throw new RangeError('that is too much')
  return bill(customer, 100 * items.length)
}

if (process.argv[2] === 'worker') {
  await Promise.all([queue.run(), mails.run()])
} else if (process.argv[2] === 'test') {
  const handle = await queue.transaction(() => order('ann', ['tea', 'cake']))
  console.log(`accepted, then: ${await handle.get()}`)

  // A throw drops all of it, but for what opted out.
  const failed = await queue.transaction(() => order('bob', ['a', 'b', 'c'])).catch((error) => error)
  console.log(`dropped: ${failed.message}`)

  // One inside of another is a part of it: here its calls alone are dropped.
  await queue.transaction(async () => {
    reserve('soup')
    await queue.transaction(() => order('cid', ['a', 'b', 'c'])).catch(() => {})
  })

  // Calls of several queues of one Redis are accepted all or none too.
  const mail = await queue.transaction(async () => {
    await order('dan', ['rice'])
    return confirm('dan')
  })
  console.log(`in another queue: ${await mail.get()}`)

  // What would wait for itself is refused at once.
  const refused = await queue.transaction(() => reserve('bread').get()).catch((error) => error)
  console.log(`${refused.code}: ${refused.message}`)
  await Promise.all([queue.close(), mails.close()])
} else {
  console.log('usage: node --import tsx examples/transactions.ts worker | test')
  process.exitCode = 2
}
