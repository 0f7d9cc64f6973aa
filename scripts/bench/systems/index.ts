/** The systems, loaded where they are needed: a process loads no other than its own. */

import type { System, SystemId } from './system.ts'

const LOADERS: Record<SystemId, () => Promise<{ system: System }>> = {
  millrace: () => import('./millrace.ts'),
  floor: () => import('./floor.ts'),
  bullmq: () => import('./bullmq.ts'),
  'bee-queue': () => import('./bee-queue.ts'),
}

/** In the order of a round. */
export const SYSTEM_IDS = Object.keys(LOADERS) as SystemId[]

export async function loadSystem(id: SystemId): Promise<System> {
  return (await LOADERS[id]()).system
}
