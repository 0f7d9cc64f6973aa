/** What the model knows of one task: what its record says, in plain fields. */

import { type Lane, OPEN_STATES, type OpenState, type TaskState } from '../../lib/record.ts'

/** A place in line; once a worker has taken it, what that worker holds the task by. */
export interface Entry {
  readonly task: Task
  readonly lane: Lane
  /** Attempts before this one. */
  readonly begunBefore: number
  worker: string | undefined
}

/** Times are in hours: model.ts. `ttl` 0 is over in the step that follows. */
export interface Call {
  readonly id: string
  readonly lane: Lane
  readonly delay?: number | undefined
  readonly ttl?: number | undefined
  readonly deadline?: number | undefined
  readonly key?: string | undefined
  /** Once more after the one that holds the key. */
  readonly isAgain?: boolean
}

export class Task {
  readonly id: string
  readonly key: string | undefined
  state: TaskState = 'queued'
  /** The lane that it is in, will go to or came from. */
  lane: Lane
  /** Its own, while it is in lane first because a worker gave it back or died. */
  home: Lane | undefined
  /** The newest. Under no other can a worker say anything of it. */
  entry: Entry | undefined
  /** That it left by its worker's own word. */
  left: Entry | undefined
  /** Begun before; of one that has ended: all that were begun. */
  attempt = 0
  failures = 0
  crashes = 0
  /** Attempts that were followed by another, the last five at most. */
  errors: number[] = []
  /** Version of the newest progress; 0: none. */
  progress = 0
  /** It was asked to be cancelled while it ran. */
  isToldToEnd = false
  /** Of a scheduled task. */
  due = 0
  begin: number
  expires: number
  deadline: number
  /** Waits for its end, under the same key. */
  next: Task | undefined

  constructor({ id, lane, delay = 0, ttl = FOREVER, deadline = FOREVER, key }: Call, now: number) {
    this.id = id
    this.lane = lane
    this.key = key
    this.begin = now + delay
    this.expires = this.begin + ttl
    this.deadline = now + deadline
  }

  get isOpen(): boolean {
    return OPEN_STATES.includes(this.state as OpenState)
  }

  /** When its time is over: until it has begun once it can come too late to begin, and until it ends, to end. */
  get over(): number {
    return this.attempt === 0 ? Math.min(this.expires, this.deadline) : this.deadline
  }

  /** Where a worker's death or its giving back has put it aside, its own lane. */
  get ownLane(): Lane {
    return this.lane === 'first' ? (this.home ?? 'first') : this.lane
  }

  /** As if for the first time, and whenever it may be. */
  renew(): void {
    this.attempt = this.failures = this.crashes = this.progress = 0
    this.isToldToEnd = false
    this.left = this.next = undefined
    this.expires = this.deadline = FOREVER
  }
}

export const FOREVER = Number.POSITIVE_INFINITY
