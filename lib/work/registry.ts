/** What a worker can run: handlers by exact name. Nothing is ever imported or looked up by a name from Redis. */

import type { WorkerPlan } from '../task-options.ts'

export interface Definition {
  readonly name: string
  readonly handler: (...args: never[]) => unknown
  readonly options: WorkerPlan
}

export type Registry = ReadonlyMap<string, Definition>
