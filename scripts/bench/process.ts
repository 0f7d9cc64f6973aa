/**
 * One measuring process: a producer or a worker of one system, told by IPC what to do. It lives as long as the
 * benchmark and opens its queue anew for each measurement. It is started as
 * `process.ts <system> <url> <build> [file for a CPU profile]`.
 *
 * It does not collect garbage between measurements: V8 then starts again with a small young generation, and all systems
 * measured half their speed.
 *
 * Ctrl-C reaches it too and is left to the parent; when the parent is gone, however it went, so is this process.
 */

import { handlerOf } from './handlers.ts'
import { Meter } from './meter.ts'
import { startProfile } from './profile.ts'
import type { Answer, Duties, Order } from './protocol.ts'
import { measureRpc } from './rpc.ts'
import { loadSystem } from './systems/index.ts'
import { inPortions, type Producer, type RunningWorker, type SystemId } from './systems/system.ts'

const [id, url, build, profile] = process.argv.slice(2) as [SystemId, string, string, string?]
const place = { url, build }
const system = await loadSystem(id)

let producer: Producer | undefined
let worker: RunningWorker | undefined
let meter = new Meter(0, 0)

const duties: Duties = {
  async openProducer(order) {
    producer = await system.openProducer(place, order)
  },
  async enqueue({ way, tasks, bytes }) {
    const text = 'Millrace '.repeat(Math.ceil(bytes / 9)).slice(0, bytes)
    const make = bytes === 0 ? (n: number) => ({ n }) : (n: number) => ({ n, text })
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
  rpc: (order) => measureRpc(producer!, order),
  async closeProducer() {
    await producer?.close()
    producer = undefined
  },
  async openWorker({ concurrency, strict, handler, tasks, skip }) {
    meter = new Meter(tasks, skip)
    const { run, isAsync } = handlerOf(handler)
    worker = await system.openWorker(place, { concurrency, strict, handler: run, isAsync, done: meter.hit })
  },
  drained: () => meter.finished(),
  async closeWorker() {
    await worker?.close()
    worker = undefined
    return meter.ran
  },
}

function tell(answer: Answer): void {
  // A parent that is gone hears nothing; `disconnect` ends this process then.
  process.send?.(answer, undefined, undefined, () => {})
}

async function answer({ id, duty, order }: Order): Promise<Answer> {
  try {
    return { id, result: await (duties[duty] as (order: unknown) => Promise<unknown>)(order) }
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

const endProfile = profile === undefined ? undefined : await startProfile(profile)
process.on('SIGINT', () => {})
process.on('disconnect', async () => {
  await endProfile?.()
  process.exit(0)
})
process.on('message', async (order: Order) => tell(await answer(order)))
tell({ id: 0, result: 'ready' })
