/**
 * The record of a task: the hash P:task:<id>. It is the truth; replies are only speed.
 *
 *   waiting ─► scheduled ─► queued ◄─► running ─► succeeded | failed | cancelled | expired
 *                  ▲                    │   ▲ │
 *                  └────────────────────┘   │ ▼
 *              retried, or given back for   parked, until a worker comes that knows it
 *              later; each way into line is a new entry      (all moves: MOVES, below)
 *
 * | field    | holds |
 * |----------|-------|
 * | entry    | where the task is: `<stream id>` in lane normal, else `<lane>/<stream id>`: the place in line, the fencing token while running, then the token that ended it. Out of line: `scheduled/<lane>`, `parked/<lane>`, `waiting/<lane>`, `line/<lane>`, `front/first`, `away/<lane>` (it runs in another queue), by the lane that it will go to |
 * | end      | `<s|f|c|e> <attempt> <ms that it ran> <finished, epoch ms> <worker>`: by the first letter of its state; absent until then |
 * | attempt  | attempts begun before this entry; absent until the task moves |
 * | failures | how many of them failed |
 * | created  | epoch ms; absent until the task moves: the time is that of its first entry |
 * | crashes, crashed | how many workers died while they held it, and their ids |
 * | expires, deadline | epoch ms: to begin before, to end before |
 * | begin    | epoch ms: not before, of a waiting task |
 * | key      | the dedupe key that it holds |
 * | next     | the task that waits for the end of this one, under the same key |
 * | tied     | `1`: its end sets off more than its key: dependents, a flow, a slot, chunks that nobody has read, inputs and hearers to drop |
 * | after    | ids of its parents, the tasks that it waits or waited for, in order |
 * | needs    | how many of them have not ended, while it waits |
 * | policy   | what becomes of it where one does not succeed: lua/shared/dependents.lua |
 * | inputs, in:<n> | how many outcomes of parents become its arguments; each: `<s|f|c|e|l><result or error, packed>`; until it succeeds. Of a callback of progress the value, as `s` |
 * | hears, hear:<n> | how many calls hear of its progress; each, packed (lua/shared/hearers.lua); until it succeeds |
 * | told:<n> | how often such a call was made; the last task made of it is `<id>.<n>.<that>` |
 * | heard    | version of the last progress that they were told |
 * | flow     | the flow that it belongs to |
 * | to, there, back | of one that runs in another queue: which, what its call wants there (packed names and values), and `1` where its end is wanted here |
 * | trip     | how often it was sent there; of a task that was sent from another queue, too: lua/shared/away.lua |
 * | limit    | the key that it waits under, and the numbers that its call brought (0: none): `<key> <at once> <max> <per, ms>` |
 * | line     | its number in the line of that key, while it waits there |
 * | home     | its own lane, while it is in lane first because a worker gave it back or died, or to begin from its line |
 * | errors   | of attempts that are retried: attempt, epoch ms, packed error, three items each |
 * | left     | the entry that it left by its worker's own word, should that word come twice |
 * | cancel   | why it was asked to be cancelled, while it ran |
 * | unknown  | the name that no worker knew |
 * | progress | the newest progress value, packed |
 * | version  | of the progress: grows with each newer value |
 * | chunks   | of a task that yields: `<place> <attempt> <last> <taken> <bytes> <wanted>`, of the attempt whose chunks these are (lua/shared/series.lua) |
 * | reader   | who reads its chunks: `<client>.<n> <seen, epoch ms>`, or `left` |
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

export const END_STATES = ['succeeded', 'failed', 'cancelled', 'expired'] as const
export type EndState = (typeof END_STATES)[number]
export const OPEN_STATES = ['waiting', 'scheduled', 'queued', 'running', 'parked'] as const
export type OpenState = (typeof OPEN_STATES)[number]
export type TaskState = OpenState | EndState

/** By the letter that the field `end` begins with. */
export const STATE_OF: Readonly<Record<string, EndState>> = {
  ...{ s: 'succeeded', f: 'failed', c: 'cancelled', e: 'expired' },
}
export const isEndState = (value: string): value is EndState => END_STATES.includes(value as EndState)

/** Where a task may go from each state: nothing else makes a move, and spec/moves.spec.ts walks each of them. */
export const MOVES: Readonly<Record<TaskState, readonly TaskState[]>> = {
  /** What it waited for has ended, well or not; or it was cancelled, or its time was over. */
  waiting: ['scheduled', 'queued', 'failed', 'cancelled', 'expired'],
  /** It was due; or it was cancelled, or its time was over. */
  scheduled: ['queued', 'cancelled', 'expired'],
  /** A worker takes it; or cancelled, too late, too large. By its worker's word where the group was made anew: the rest. */
  queued: ['running', 'scheduled', 'parked', 'succeeded', 'failed', 'cancelled', 'expired'],
  /** Its worker says how it ended, or gives it back, now or for later, or does not know it, or dies. */
  running: ['queued', 'scheduled', 'parked', 'succeeded', 'failed', 'cancelled', 'expired'],
  /** A worker came that knows it, or none in time; or it was cancelled, or its time was over. */
  parked: ['running', 'failed', 'cancelled', 'expired'],
  /** A success stays one. */
  succeeded: [],
  /** Redriven: the only move that leaves an end. */
  failed: ['queued', 'waiting'],
  cancelled: ['queued', 'waiting'],
  expired: ['queued', 'waiting'],
}

/** Of an attempt that was followed by another. */
export interface AttemptError {
  readonly attempt: number
  readonly at: Date
  /** What the handler threw: an Error with the remote name, message, code, stack and cause. */
  readonly error: unknown
}

/** What is known of a task now. */
export interface TaskInfo {
  readonly id: string
  readonly queue: string
  /** Name of the task; undefined only where its call cannot be read. */
  readonly name: string | undefined
  /** The arguments; undefined where they were not kept (succeeded, and larger than 1 KiB packed). */
  readonly args: readonly unknown[] | undefined
  readonly state: TaskState
  /** The line that it waits in, or came from. */
  readonly lane: Lane
  /** The newest value given to `updateProgress`. */
  readonly progress: unknown
  readonly result: unknown
  /** What the handler threw: an Error with the remote name, message, code, stack and cause. */
  readonly error: unknown
  /** Of earlier attempts, the last five at most. */
  readonly errors: readonly AttemptError[]
  /** Id of the worker that runs it, or ran it last. */
  readonly worker: string | undefined
  /** Attempts begun so far, 0 while none was. */
  readonly attempt: number
  /** Workers that died while they ran it. */
  readonly crashes: number
  readonly createdAt: Date
  readonly startedAt: Date | undefined
  readonly finishedAt: Date | undefined
  /** When a scheduled task is due. */
  readonly nextRunAt: Date | undefined
  /** The dedupe key that it holds. */
  readonly key: string | undefined
  /** Ids of the tasks whose end it waits for, or waited for. */
  readonly after: readonly string[]
  /** Why it was asked to be cancelled, where its worker has not ended it yet. */
  readonly cancelReason: string | undefined
}
