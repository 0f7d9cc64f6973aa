/** How a worker comes into the list of those that are alive, and out of it again. */

import { hostname } from 'node:os'
import { toError } from '../report.ts'
import { insist, type Patience } from './retry.ts'
import type { WorkerServices } from './services.ts'
import type { WorkerOptions } from './worker-options.ts'

export const READY_TIMEOUT = 2_000
/** Between tries to register, ms. */
const REGISTER_PAUSE = 500
/** Entries that are given back at once. */
const MOST = 1_000

export interface Registering {
  readonly id: string
  readonly options: Required<WorkerOptions>
  /** It was told to be quiet under the id before. */
  readonly isQuiet: boolean
  /** Asked between tries. */
  readonly isWanted: () => boolean
  readonly onError: (error: Error) => void
}

/** Keeps trying: a worker that was started before its Redis begins when Redis does. False: it is not wanted any more. */
export async function register(services: WorkerServices, registering: Registering): Promise<boolean> {
  const { commands, store, registry } = services
  const { id, options, isQuiet, isWanted, onError } = registering
  const details = {
    ...{ host: hostname(), pid: String(process.pid), concurrency: String(options.concurrency) },
    tasks: [...registry.keys()].join(' '),
    ...(isQuiet && { order: 'quiet' }),
  }
  while (isWanted()) {
    try {
      await commands.ready(READY_TIMEOUT)
      await store.ensureGroups()
      await store.ensureScripts()
      await store.register(id, options.lease, details)
      break
    } catch (error) {
      // The connection says itself what is wrong with it; here only what it cannot know.
      if (commands.isReady) onError(toError(error))
      await new Promise((resolve) => setTimeout(resolve, REGISTER_PAUSE))
    }
  }
  if (isWanted()) return true
  // Stopped meanwhile: nobody has to wait for the end of this lease.
  await store.leave(id).catch(() => {})
  return false
}

/** Gives back what is still in its pending list, and ends the registration. */
export async function leave(services: WorkerServices, patience: Patience, id: string): Promise<void> {
  const { store, limits } = services
  const tryIt = (): Promise<number> => insist(patience, () => store.leave(id))
  while ((await tryIt()) > 0 && !patience.isOver()) {
    const places = await store.pending(id, MOST)
    if (places === 'dead') break
    const strays = places.places.map((place) => ({ ...place, begun: false }))
    await store.release(id, strays, limits.failedTtl)
  }
}
