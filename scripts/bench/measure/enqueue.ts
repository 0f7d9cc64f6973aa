import type { EnqueueOrder } from '../protocol.ts'
import { fill, type Measure, perSecond } from './bench.ts'

/** rate: calls accepted by Redis, per second. */
export function enqueue(options: Pick<EnqueueOrder, 'way' | 'bytes'>): Measure {
  return async (bench, subject, tasks) => {
    await bench.server.empty()
    const ms = await fill(bench, subject, { ...options, tasks })
    return { rate: perSecond(tasks, ms) }
  }
}
