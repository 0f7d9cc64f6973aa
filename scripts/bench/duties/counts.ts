/** How many tasks there are, asked one time after the other. */

import type { CountsOrder, Percentiles } from '../protocol.ts'
import type { Producer } from '../systems/system.ts'
import { callOneByOne } from './rpc.ts'

/** Throws where the answer is not what is there. */
export function countsAgain(
  producer: Producer,
  { calls, waiting, completed }: CountsOrder,
): Promise<Percentiles> {
  return callOneByOne(calls, async () => {
    const counts = await producer.counts()
    if (counts.waiting === waiting && counts.completed === completed) return
    const found = `${counts.waiting} waiting and ${counts.completed} completed`
    throw new Error(`counted ${found}, where ${waiting} wait and ${completed} are completed`)
  })
}
