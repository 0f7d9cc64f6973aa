/** What a worker can run: handlers by exact name. Nothing is ever imported or looked up by a name from Redis. */

import type { BatchPlan } from '../gather-options.ts'
import type { WorkerPlan } from '../task-options.ts'
import type { Commits } from './commits.ts'

export interface Definition {
  readonly name: string
  /** Of one call. */
  readonly handler: (...args: never[]) => unknown
  readonly options: WorkerPlan
  /** Its calls are run together: the handler of one call takes part in a batch. */
  readonly batch: (BatchPlan & { readonly handler: BatchHandler }) | undefined
  /** Outcomes of its calls wait for a commit. */
  readonly commits: Commits | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: its calls are typed where it is defined
export type BatchHandler = (calls: any[]) => unknown

export type Registry = ReadonlyMap<string, Definition>
