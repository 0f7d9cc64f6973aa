/**
 * Several queues: callbacks, parents and steps of flows that are tasks of another queue, each with workers of its own.
 *
 *   terminal 1:  node --import tsx examples/several-queues.ts worker
 *   terminal 2:  node --import tsx examples/several-queues.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { chain, chord, group, Queue } from '../lib/index.ts' // in your project: from 'millrace'

const orders = new Queue('several-orders')
const mails = new Queue('several-mails')

interface Charged {
  readonly order: string
  readonly cents: number
}

export const charge = orders.task('charge', (order: string, cents: number): Charged => ({ order, cents }))
export const ship = orders.task('ship', (mail: string) => `shipped after "${mail}"`)
export const receipt = mails.task('receipt', ({ order, cents }: Charged) => `${order}: ${cents / 100} paid`)
export const digest = mails.task('digest', (all: readonly Charged[]) => `${all.length} orders`)

if (process.argv[2] === 'worker') {
  // In production two programs; both drain at SIGTERM.
  await Promise.all([orders.run(), mails.run()])
} else if (process.argv[2] === 'test') {
  // A step in another queue: accepted here with all the others, made there when it is its turn.
  const flow = chain(charge.prepare('A-1', 1_250), receipt.prepare(), ship.prepare()).start()
  console.log(await flow.get())

  const day = [charge.prepare('A-2', 500), charge.prepare('A-3', 700)] as const
  console.log(await chord(group(day), digest.prepare()).start().get())

  // A callback there. It has no handle here; its own queue finds it by the key that it holds for a while.
  const mail = receipt.with({ key: 'mailed', keyTtl: 60_000 })
  charge.with({ onSuccess: { call: mail.prepare(), withResult: true } })('A-4', 900)
  for (;;) {
    const { handle } = await mail.find({ order: '', cents: 0 })
    if (handle) {
      console.log(await handle.get())
      break
    }
    await delay(20)
  }

  // A parent there: this one begins when that has ended.
  const sent = receipt({ order: 'A-5', cents: 100 })
  console.log(await ship.with({ after: sent })('a receipt').get())
  await Promise.all([orders.close(), mails.close()])
} else {
  console.error('usage: node --import tsx examples/several-queues.ts worker | test')
  process.exitCode = 2
}
