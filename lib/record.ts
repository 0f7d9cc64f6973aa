/**
 * The record of a task: the hash P:task:<id>. It is the truth; replies are only speed.
 *
 *   queued ──► running ──► succeeded | failed
 *     ▲           │
 *     └───────────┘  given back, or recovered from a dead worker: always as a new entry
 *
 * | field    | holds |
 * |----------|-------|
 * | entry    | `<stream id>` in lane normal, else `<lane>/<stream id>`: the place in line, the fencing token while running, then the token that ended it |
 * | end      | `<s|f> <attempt> <ms that it ran> <finished, epoch ms> <worker>`: succeeded or failed; absent until then |
 * | attempt  | attempts begun before this entry; absent until the task moves |
 * | created  | epoch ms; absent until the task moves: the time is that of its first entry |
 * | crashes  | workers that died while they held it |
 * | progress | the newest progress value, packed |
 * | version  | of the progress: grows with each newer value |
 * | clients  | client ids that asked after the call for progress and outcome, until it ends |
 * | call     | the packed call, once no entry holds it |
 * | result, error | the outcome, packed; neither where the result is undefined |
 *
 * A record has no field for "running": the task runs when its entry is in the group's pending list, which also says
 * on which worker and since when (a worker may have fetched it a few milliseconds ahead). Redis keeps that list
 * anyway, and keeps it true.
 */

export const LANES = ['first', 'high', 'normal', 'low'] as const
export type Lane = (typeof LANES)[number]

export type OutcomeState = 'succeeded' | 'failed'
export type TaskState = 'queued' | 'running' | OutcomeState

/** By the letter that the field `end` begins with. */
export const STATE_OF: Readonly<Record<string, OutcomeState>> = { s: 'succeeded', f: 'failed' }
export const isOutcomeState = (value: string): value is OutcomeState =>
  value === 'succeeded' || value === 'failed'

/** What is known of a task now. */
export interface TaskInfo {
  readonly id: string
  readonly queue: string
  /** Name of the task; undefined only where its call cannot be read. */
  readonly name: string | undefined
  /** The arguments; undefined where they were not kept (succeeded, and larger than 1 KiB packed). */
  readonly args: readonly unknown[] | undefined
  readonly state: TaskState
  /** The newest value given to `updateProgress`. */
  readonly progress: unknown
  readonly result: unknown
  /** What the handler threw: an Error with the remote name, message, code, stack and cause. */
  readonly error: unknown
  /** Id of the worker that runs it, or ran it last. */
  readonly worker: string | undefined
  /** Attempts begun so far, 0 while none was. */
  readonly attempt: number
  /** Workers that died while they ran it. */
  readonly crashes: number
  readonly createdAt: Date
  readonly startedAt: Date | undefined
  readonly finishedAt: Date | undefined
}
