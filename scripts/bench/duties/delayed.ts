/** Calls whose tasks are to begin later. Each carries the moment that it is due, by which its worker knows how late it is. */

import type { DelayedOrder } from '../protocol.ts'
import type { Producer } from '../systems/system.ts'

/** Its multiples, of which only the fraction counts, are spread evenly and in no order. */
const GOLDEN = (Math.sqrt(5) - 1) / 2

/** All calls in one tick. Throws where the first is due before the last is accepted: that would be no delay's fault. */
export async function enqueueDelayed(producer: Producer, order: DelayedOrder): Promise<void> {
  let first = Number.POSITIVE_INFINITY
  const accepted: Promise<unknown>[] = []
  const at = Date.now() + (order.together ?? 0)
  for (let n = 0; n < order.tasks; n++) {
    const delay = order.spread ? between(order.spread, ((n + 1) * GOLDEN) % 1) : undefined
    const due = delay === undefined ? at : Date.now() + delay
    accepted.push(producer.enqueueDelayed({ n, due }, delay === undefined ? { at } : { delay }))
    first = Math.min(first, due)
  }
  await Promise.all(accepted)
  const late = Date.now() - first
  if (late >= 0) throw new Error(`the last of ${order.tasks} was accepted ${late} ms after the first was due`)
}

const between = ([from, to]: readonly [number, number], share: number): number =>
  Math.round(from + (to - from) * share)
