/** What a processor is given by its worker. */

import type { Clock } from '../clock.ts'
import type { Begun } from '../upkeep/begun.ts'
import type { Watch } from '../upkeep/watch.ts'
import type { Observer } from './observer.ts'
import type { Patience } from './retry.ts'
import type { WorkerServices } from './services.ts'

export interface ProcessorOptions {
  readonly services: WorkerServices
  readonly concurrency: number
  /** Tasks held beyond those, at most. */
  readonly prefetch: number
  readonly begun: Begun
  readonly watch: Watch | undefined
  /** A task that is one death away from it runs alone. */
  readonly maxCrashes: number
  readonly clock: Clock
  /** Ms that a handler has to heed its signal before its slot is given to others. */
  readonly abortGrace: number
  readonly patience: Patience
  /** Redis has surely heard of this worker within its lease. */
  readonly isFresh: () => boolean
  readonly onDead: (worker: string) => void
  readonly onFenced: (taskId: string) => void
  /** Something may be in the pending list that never arrived; what was told to all workers may have been missed. */
  readonly onDoubt: () => void
  /** What was told to all workers, beyond what this deals with. */
  readonly onWord: (word: string) => void
  /** Redis says that all workers are to pause. */
  readonly onPaused: () => void
  readonly onError: (error: Error) => void
  readonly observer: Observer
}
