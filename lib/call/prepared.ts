/** A call that is not made yet: packed, with all that its task and `with` say of it. How it is made: make.ts. */

import type { Lane } from '../record.ts'
import type { How } from '../redis/wire.ts'
import type { PendingCall } from './batch.ts'
import type { TaskServices } from './services.ts'

/** All that is known of a call before it is made. */
export interface CallParts {
  readonly lane: Lane
  readonly packed: Buffer
  readonly how: How | undefined
  /** Ms for the whole task, of the call's own options. */
  readonly deadline: number | undefined
  /** It is sent by itself, also inside of a transaction. */
  readonly isAlone: boolean
  /** Throws where the arguments do not fit: of a call whose only one may still come from elsewhere. */
  readonly check: (() => void) | undefined
  /** Calls that it waits for, as far as Redis had not accepted them. */
  readonly parents: readonly PendingCall[]
  readonly callbacks: readonly Callback[]
}

/** A call that is made together with another, and waits for its end. */
export interface Callback {
  readonly prepared: PreparedCall
  /** Of that call, with the form that what it takes has. */
  readonly packed: Buffer
  readonly wishes: readonly string[]
}

/**
 * A call whose first argument is missing: what comes before it gives that, `In`. Made by `task.prepare(...rest)` with all
 * but the first one.
 */
export interface PreparedStep<R = unknown, In = never> {
  readonly taskName: string
  /** For types alone: what its task gives. */
  readonly result: R
  /** For types alone: what may be put in front of its arguments. */
  readonly takes: (first: In) => void
}

/** Made by `task.prepare(...args)`, for what makes the call later or more than once. Its arguments are packed already. */
export class PreparedCall<R = unknown, In = never> implements PreparedStep<R, In>, CallParts {
  declare readonly result: R
  declare readonly takes: (first: In) => void
  /** For types alone: it can be called as it is. */
  declare readonly isWhole: true
  readonly taskName: string
  /** Of the queue that its task belongs to. */
  readonly services: TaskServices
  readonly lane: Lane
  readonly packed: Buffer
  readonly how: How | undefined
  readonly deadline: number | undefined
  readonly isAlone: boolean
  readonly check: (() => void) | undefined
  readonly parents: readonly PendingCall[]
  readonly callbacks: readonly Callback[]

  constructor(services: TaskServices, taskName: string, parts: CallParts) {
    this.services = services
    this.taskName = taskName
    this.lane = parts.lane
    this.packed = parts.packed
    this.how = parts.how
    this.deadline = parts.deadline
    this.isAlone = parts.isAlone
    this.check = parts.check
    this.parents = parts.parents
    this.callbacks = parts.callbacks
  }
}
