import type { DelayedOrder } from '../protocol.ts'
import { endWorkers, type Measure, openWorker, withProducer } from './bench.ts'

/** Before the clock: scripts are loaded, the worker has slept until a time and was woken. */
const WARM_UP = { tasks: 100, together: 300 }
/** Far enough ahead that the last is accepted long before. */
const TOGETHER_AHEAD = 1_000

export interface DelayOptions {
  readonly concurrency: number
  /** The least and the most, ms. */
  readonly spread: readonly [number, number]
  /** How many are due at one instant. */
  readonly together: number
}

/**
 * How late delayed tasks begin on a system that has nothing else to do, ms. p50, p99: of those whose delays are spread;
 * together: of many that are due at one instant, the last.
 */
export function delay({ concurrency, spread, together }: DelayOptions): Measure {
  return async (bench, subject, tasks) => {
    const { crew, server } = bench
    const { system } = subject
    const all = WARM_UP.tasks + together + tasks
    const latenessOf = async (order: DelayedOrder) => {
      await crew.tell(system, 'producer', 'enqueueDelayed', order)
      return crew.tell(system, 'worker', 'lateness', { tasks: order.tasks })
    }
    await server.empty()
    await openWorker(bench, subject, { concurrency, handler: 'noop', delayed: true, tasks: all, skip: 0 })
    const figures = await withProducer(bench, subject, { rpc: false }, async () => {
      await latenessOf(WARM_UP)
      const { last } = await latenessOf({ tasks: together, together: TOGETHER_AHEAD })
      const { p50, p99 } = await latenessOf({ tasks, spread })
      return { p50, p99, together: last }
    })
    await endWorkers(bench, subject, all)
    return figures
  }
}
