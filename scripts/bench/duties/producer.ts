/** What a producer process can be told to do. */

import type { Duties } from '../protocol.ts'
import { inPortions, type Payload, type Place, type Producer, type System } from '../systems/system.ts'
import { countsAgain } from './counts.ts'
import { enqueueDelayed } from './delayed.ts'
import { callOneByOne, measureRpc } from './rpc.ts'

/** Single calls that are in flight while tasks are remembered. */
const AT_ONCE = 250

type ProducerDuties = Pick<
  Duties,
  'openProducer' | 'enqueue' | 'enqueueDelayed' | 'remember' | 'lookUp' | 'counts' | 'rpc' | 'closeProducer'
>

export function producerDuties(system: System, place: Place): ProducerDuties {
  let producer: Producer | undefined
  let remembered: string[] = []
  return {
    async openProducer(options) {
      remembered = []
      producer = await system.openProducer(place, options)
    },
    async enqueue({ way, tasks, bytes, wait }) {
      const text = 'Millrace '.repeat(Math.ceil(bytes / 9)).slice(0, bytes)
      const more = { ...(bytes > 0 && { text }), ...(wait !== undefined && { wait }) }
      const make = (n: number): Payload => ({ n, ...more })
      const { enqueue, enqueueMany } = producer!
      const portion = way === 'all' ? tasks : way
      const startedAt = performance.now()
      if (portion === 'bulk') await enqueueMany(tasks, make)
      else {
        await inPortions(tasks, portion, (start, length) =>
          Promise.all(Array.from({ length }, (_, i) => enqueue(make(start + i)))),
        )
      }
      return performance.now() - startedAt
    },
    enqueueDelayed: (order) => enqueueDelayed(producer!, order),
    async remember({ tasks, wait }) {
      await inPortions(tasks, AT_ONCE, async (start, length) => {
        const payloads = Array.from({ length }, (_, i) => ({
          n: start + i,
          ...(wait !== undefined && { wait }),
        }))
        remembered.push(...(await Promise.all(payloads.map((payload) => producer!.add(payload)))))
      })
    },
    lookUp: ({ calls }) =>
      callOneByOne(calls, async (n) => {
        const id = remembered[n % remembered.length]!
        if (!(await producer!.lookUp(id))) throw new Error(`nothing is known of ${id}`)
      }),
    counts: (order) => countsAgain(producer!, order),
    rpc: (order) => measureRpc(producer!, order),
    async closeProducer() {
      await producer?.close()
      producer = undefined
    },
  }
}
