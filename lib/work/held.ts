/**
 * A task that this worker holds: its entry is in the worker's pending list.
 *
 *   waiting ──► running ──► finishing ──► (gone: the outcome is recorded)
 *      └──────────┴─────────────┴──► gone: given back, refused, or lost to another worker
 */

import { TaskAbortedError } from '../errors.ts'
import type { Lane } from '../record.ts'
import { type Delivery, type Place, placeKey } from '../redis/wire.ts'

export class Held implements Place {
  readonly lane: Lane
  readonly entry: string
  readonly key: string
  readonly id: string
  call: Buffer
  readonly attempt: number
  state: 'waiting' | 'running' | 'finishing' | 'gone' = 'waiting'
  /** Of performance.now(), when its handler begins. */
  begunAt = 0
  #versions = 0
  #controller: AbortController | undefined
  #abortReason: TaskAbortedError | undefined

  constructor(delivery: Delivery) {
    this.lane = delivery.lane
    this.entry = delivery.entry
    this.key = placeKey(delivery)
    this.id = delivery.id
    this.call = delivery.call
    this.attempt = delivery.begunBefore + 1
  }

  /** Made when it is asked for: most handlers never do. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#abortReason) this.#controller.abort(this.#abortReason)
    return this.#controller.signal
  }

  /** Of its progress: later attempts begin above all versions of earlier ones. */
  nextVersion(): number {
    this.#versions += 1
    return this.attempt * 2 ** 32 + this.#versions
  }

  abort(reason: string): void {
    this.#abortReason ??= new TaskAbortedError(reason)
    this.#controller?.abort(this.#abortReason)
  }
}
