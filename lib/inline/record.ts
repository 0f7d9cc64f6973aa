/** A task's record in this process: what P:task:<id> holds in Redis (lib/record.ts), and where the task is. */

import { decode } from '../codec.ts'
import { describeCall } from '../envelope.ts'
import { isEndState, type Lane, type TaskInfo, type TaskState } from '../record.ts'
import type { Hearer, Input } from '../redis/wire.ts'
import { decodeError } from '../remote-error.ts'
import type { Alarm } from './agenda.ts'

const NO_ERRORS: readonly KeptError[] = []
/** Of an error that is kept beside others; and how many are. */
const MAX_ERROR = 16_384
const MAX_ERRORS = 5
const NO_PARENTS: readonly string[] = []

export interface End {
  readonly attempt: number
  /** How long the handler ran, ms. */
  readonly ran: number
  readonly finished: number
  readonly worker: string
}

/** An attempt that was followed by another. Its error is empty where it was too large to be kept. */
export interface KeptError {
  readonly attempt: number
  readonly at: number
  readonly error: Buffer
}

/** What a call says of the tasks that it waits for: lib/redis/lua/enqueue.lua. */
export interface Wish {
  readonly after: readonly string[]
  readonly policy: string
  /** How they end becomes its arguments. */
  readonly takes: boolean
}

const NOTHING: Buffer = Buffer.alloc(0)

/** What an attempt has yielded: P:chunks:<id> and the record's field `chunks`. */
export interface Series {
  /** Of the attempt's entry. */
  readonly place: string
  readonly attempt: number
  /** Numbers of the last chunk, and of the last that a reader has taken. */
  last: number
  taken: number
  /** Of what nobody has taken. */
  bytes: number
  /** The worker waits until fewer than that are in the buffer; 0: it does not. */
  wanted: number
  readonly buffer: Buffer[]
}

/** A call that hears of a task's progress, and how often it was made. */
export interface KeptHearer {
  readonly hearer: Hearer
  told: number
}

/** `front`: of lane first those of which the last that came goes first. */
export type Line = Lane | 'front'

/** What a call says of those of its key. 0: no limit of that kind. */
export interface Limit {
  readonly key: string
  readonly slots: number
  readonly max: number
  readonly per: number
}

export class TaskRecord {
  readonly id: string
  /** The packed call, with its head. */
  call: Buffer
  readonly createdAt: number
  state: TaskState = 'queued'
  /** The line that it waits in, came from or will go to. */
  line: Line
  /** Its place in line; while it runs the name of that attempt. */
  entry = ''
  /** Attempts begun before this place in line. */
  attempt = 0
  /** Of those, how many failed. */
  failures = 0
  /** Epoch ms. */
  startedAt = 0
  /** To begin before; to end before; when it is due, of a task that is scheduled or will be. Epoch ms. */
  expires: number | undefined = undefined
  deadline: number | undefined = undefined
  due: number | undefined = undefined
  /** The dedupe key that it holds, and the task that waits for its end under the same key. */
  key: string | undefined = undefined
  next: string | undefined = undefined
  /** What its call says of those of its key. */
  limit: Limit | undefined = undefined
  /** Of one that waits, or waited, for others; those that have not ended; how those ended that it takes. */
  wish: Wish | undefined = undefined
  needs: Set<string> | undefined = undefined
  inputs: Input[] = []
  /** Ids of tasks that wait for the end of this one. */
  children: Set<string> | undefined = undefined
  /** Calls that hear of its progress. */
  hearers: KeptHearer[] = []
  /** The flow that it belongs to. */
  flow: string | undefined = undefined
  /** Of the flow's result, as JSON: one of its tasks keeps it. */
  shape: string | undefined = undefined
  /** Why it was asked to be cancelled, while it ran. */
  cancelReason: string | undefined = undefined
  /** The name that nobody knows, of a parked task. */
  unknown: string | undefined = undefined
  errors: readonly KeptError[] = NO_ERRORS
  progress: Buffer | undefined = undefined
  version = 0
  series: Series | undefined = undefined
  /** Who reads its chunks; '': who did has left. */
  reader: string | undefined = undefined
  end: End | undefined = undefined
  /** Result or error, once it has ended; empty: undefined. */
  value: Buffer = NOTHING
  /** Somebody in this process waits for it. */
  isAwaited = false
  /** When it is due, when its time is over, and when its retention ends. */
  alarm: Alarm | undefined = undefined
  over: Alarm | undefined = undefined
  forget: Alarm | undefined = undefined

  constructor(id: string, lane: Lane, call: Buffer, createdAt: number) {
    this.id = id
    this.line = lane
    this.call = call
    this.createdAt = createdAt
  }

  get lane(): Lane {
    return this.line === 'front' ? 'first' : this.line
  }

  keepError(attempt: number, error: Buffer, at: number): void {
    const kept = error.length <= MAX_ERROR ? error : NOTHING
    this.errors = [...this.errors, { attempt, at, error: kept }].slice(-MAX_ERRORS)
  }

  /** It has succeeded: what only another attempt would need. */
  release(): void {
    this.inputs = []
    this.hearers = []
  }

  /** As if for the first time; the errors so far stay. */
  reset(): void {
    this.attempt = 0
    this.failures = 0
    this.expires = undefined
    this.deadline = undefined
    this.due = undefined
    this.next = undefined
    this.cancelReason = undefined
    this.unknown = undefined
    this.progress = undefined
    this.version = 0
    this.series = undefined
    this.reader = undefined
    this.end = undefined
    this.value = NOTHING
  }
}

/** For people. Bytes that cannot be read show as undefined. worker: the one that there is. */
export function taskInfo(record: TaskRecord, queue: string, worker: string, call = record.call): TaskInfo {
  const { id, state, lane, end, due, key } = record
  const isRunning = state === 'running'
  const begun = end?.attempt ? end.finished - end.ran : isRunning ? record.startedAt : undefined
  const wasGood = state === 'succeeded'
  return {
    ...{ id, queue, state, lane, key, crashes: 0, after: record.wish?.after ?? NO_PARENTS },
    ...describeCall(call),
    progress: readable(record.progress, decode),
    result: wasGood ? readable(record.value, decode) : undefined,
    error: isEndState(state) && !wasGood ? readable(record.value, decodeError) : undefined,
    errors: record.errors.map(({ attempt, at, error }) => ({
      ...{ attempt, at: new Date(at), error: readable(error, decodeError) },
    })),
    worker: isRunning ? worker : end?.worker || undefined,
    attempt: end?.attempt ?? (isRunning ? record.attempt + 1 : record.attempt),
    createdAt: new Date(record.createdAt),
    startedAt: begun === undefined ? undefined : new Date(begun),
    finishedAt: end && new Date(end.finished),
    nextRunAt: state === 'scheduled' && due !== undefined ? new Date(due) : undefined,
    cancelReason: end ? undefined : record.cancelReason,
  }
}

function readable<T>(bytes: Buffer | undefined, read: (bytes: Buffer) => T): T | undefined {
  try {
    return bytes && bytes.length > 0 ? read(bytes) : undefined
  } catch {
    return undefined
  }
}
