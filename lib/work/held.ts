/**
 * A task that this worker holds: its entry is in the worker's pending list.
 *
 *   waiting ──► running ──► finishing ──► (gone: the outcome is recorded)
 *      └──────────┴─────────────┴──► gone: given back, refused, or lost to another worker
 */

import { TaskAbortedError } from '../errors.ts'
import type { Lane } from '../record.ts'
import { type Place, placeKey, type RawEntry } from '../redis/store.ts'

export class Held implements Place {
  readonly lane: Lane
  readonly entry: string
  readonly key: string
  readonly id: string
  readonly call: Buffer
  attempt: number
  state: 'waiting' | 'running' | 'finishing' | 'gone' = 'waiting'
  /** Redis has marked it as running. */
  started: boolean
  #versions = 0
  #controller: AbortController | undefined
  #abortReason: TaskAbortedError | undefined

  constructor(place: Place, id: string, call: Buffer, attempt: number, started: boolean) {
    this.lane = place.lane
    this.entry = place.entry
    this.key = placeKey(place)
    this.id = id
    this.call = call
    this.attempt = attempt
    this.started = started
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

/** Entry fields are { id → call }, and { attempt → n } where the task was begun before. Null: not an entry of ours. */
export function heldFrom(raw: RawEntry): Held | null {
  const [id, call, more, attempt] = raw.fields
  if (!id || !call || (raw.fields.length !== 2 && raw.fields.length !== 4)) return null
  const before = more?.toString('latin1') === 'attempt' ? Number(attempt) : 0
  if (!Number.isSafeInteger(before)) return null
  return new Held(raw, id.toString('latin1'), call, before + 1, false)
}
