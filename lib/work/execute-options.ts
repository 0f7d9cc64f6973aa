/** What running handlers needs of those who hold the tasks. */

import type { Clock } from '../clock.ts'
import type { Deadlines } from '../deadlines.ts'
import type { Source, StreamPlan } from '../streams.ts'
import type { Watch } from '../upkeep/watch.ts'
import type { CommitTools } from './commits.ts'
import type { Held } from './held.ts'
import type { InputsReader } from './inputs.ts'
import type { Observer } from './observer.ts'
import type { Registry } from './registry.ts'

export interface ExecuteOptions extends CommitTools {
  readonly registry: Registry
  readonly maxPayload: number
  readonly maxResult: number
  readonly resultTtl: number
  readonly failedTtl: number
  /** Ms that a task may wait for a worker that knows it. */
  readonly unknownTtl: number
  readonly clock: Clock
  readonly deadlines: Deadlines
  /** Ms that a handler has to heed its signal before its slot is given to others. */
  readonly abortGrace: number
  /** Seen by the thread that ends the process when a handler keeps the main loop; undefined: none does. */
  readonly watch: Watch | undefined
  readonly onError: (error: Error) => void
  readonly observer?: Observer
  readonly readInputs: InputsReader
  readonly updateProgress: (held: Held, value: unknown) => Promise<void>
  readonly whileWaiting: <T>(held: Held, wait: Promise<T>) => Promise<T>
  /** Takes what the handler yields; resolves with what it returns. */
  readonly drive: (held: Held, source: Source, plan: StreamPlan) => Promise<unknown>
}
