/**
 * One measuring process: a producer or a worker of one system, told by IPC what to do (protocol.ts). It lives as long
 * as the benchmark, unless its own start is measured, and opens its queue anew for each measurement. It is started as
 * `process.js <system> <url> <library> [file for a CPU profile]`.
 *
 * It does not collect garbage between measurements: V8 then starts again with a small young generation, and all systems
 * measured half their speed.
 *
 * Ctrl-C reaches it too and is left to the parent; when the parent is gone, however it went, so is this process.
 */

import { producerDuties } from './duties/producer.ts'
import { workerDuties } from './duties/worker.ts'
import type { Answer, Duties, Order } from './protocol.ts'
import { loadSystem } from './systems/index.ts'
import { type SystemId, Unavailable } from './systems/system.ts'

const [id, url, library, profile] = process.argv.slice(2) as [SystemId, string, string, string?]
const place = { url, library }
const system = await loadSystem(id)

const duties: Duties = {
  ...producerDuties(system, place),
  ...workerDuties(system, place),
  async cpu() {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  async memory() {
    const { rss, heapUsed } = process.memoryUsage()
    return { rss, heap: heapUsed }
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
    if (error instanceof Unavailable) return { id, unavailable: error.message }
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

// Loaded only where it is asked for: the inspector costs memory.
const endProfile =
  profile === undefined ? undefined : await (await import('./duties/profile.ts')).startProfile(profile)
process.on('SIGINT', () => {})
process.on('disconnect', async () => {
  await endProfile?.()
  process.exit(0)
})
process.on('message', async (order: Order) => tell(await answer(order)))
tell({ id: 0, result: 'ready' })
