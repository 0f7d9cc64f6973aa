/**
 * Schemas: what a task takes and gives is checked at the call and again by the worker, with zod, valibot, arktype or
 * whatever else speaks Standard Schema.
 *
 *   terminal 1:  node --import tsx examples/schema.ts worker
 *   terminal 2:  node --import tsx examples/schema.ts test
 */

import { z } from 'zod'
import { Queue, SchemaError, TaskFailedError } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('orders')

const Order = z.object({
  customer: z.email(),
  items: z.array(z.object({ name: z.string(), price: z.number().positive() })).min(1),
  due: z.iso.date().transform((day) => new Date(day)),
})
const Receipt = z.object({ total: z.number(), weekday: z.string() })

// The handler's types come from the schemas: `due` is a Date here, and a string for callers.
export const order = queue.task(
  'order',
  ({ items, due }) => ({
    total: items.reduce((sum, { price }) => sum + price, 0),
    weekday: due.toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' }),
  }),
  { input: Order, output: Receipt },
)

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  const good = { customer: 'ann@example.org', items: [{ name: 'tea', price: 4 }], due: '2026-01-01' }
  const receipt = await order(good).get({ timeout: 30_000 })
  console.log(`${receipt.total} due on a ${receipt.weekday}`)

  try {
    order({ ...good, customer: 'ann' })
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    console.log(`not sent: ${error.issues.map(({ path }) => path.join('.')).join(', ')}`)
  }

  // A caller without the schema: its worker finds out, and does not try again.
  const careless = queue.remote<(input: object) => void>('order', { retries: 3 })
  try {
    await careless({ ...good, items: [{ name: 'tea', price: -4 }] }).get({ timeout: 30_000 })
  } catch (error) {
    if (!(error instanceof TaskFailedError)) throw error
    const { code, issues } = error.cause as SchemaError
    console.log(`failed: ${code} at ${issues.map(({ path }) => path.join('.')).join(', ')}`)
  }
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/schema.ts worker | test')
  process.exitCode = 2
}
