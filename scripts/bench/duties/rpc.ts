/** Calls that await their results: `inFlight` of them at any time, each the next as soon as its last has come back. */

import type { Percentiles, RpcFigures, RpcOrder } from '../protocol.ts'
import { percentileOf } from '../statistics.ts'
import type { Producer } from '../systems/system.ts'

export async function measureRpc(producer: Producer, { calls, inFlight }: RpcOrder): Promise<RpcFigures> {
  // Opens subscriptions, loads scripts.
  await callOnce(producer, 0)
  return measureCalls(calls, inFlight, (n) => callOnce(producer, n))
}

/** The same for any question. */
export const callOneByOne = (calls: number, call: (n: number) => Promise<void>): Promise<Percentiles> =>
  measureCalls(calls, 1, call)

async function measureCalls(
  calls: number,
  inFlight: number,
  call: (n: number) => Promise<void>,
): Promise<RpcFigures> {
  const latencies = new Float64Array(calls)
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < calls) {
      const n = next++
      const calledAt = performance.now()
      await call(n)
      latencies[n] = performance.now() - calledAt
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: inFlight }, lane))
  const ms = performance.now() - startedAt
  latencies.sort()
  const percentile = (p: number): number => percentileOf(latencies, p) * 1_000
  return { ms, p50: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99) }
}

async function callOnce(producer: Producer, n: number): Promise<void> {
  const value = await producer.call({ n })
  if (value !== n) throw new Error(`the call of ${n} came back with ${JSON.stringify(value)}`)
}
