/** What all callables of a queue share. */

import { OptionError } from '../errors.ts'
import { show } from '../options.ts'
import type { TaskState } from '../record.ts'
import type { Verbs } from '../redis/admin.ts'
import type { Enqueuer } from './enqueue.ts'
import type { HandleServices, TaskHandle } from './handle.ts'

/** Where a queue is, as others see it: place.ts. */
export interface Place {
  readonly queue: string
  readonly namespace: string
  /** Which database of which server; undefined: an inline queue, which is in this process. */
  readonly server: () => string | undefined
  /** Names that this queue has for others. */
  readonly others: ReadonlyMap<TaskServices, string>
}

export interface TaskServices extends HandleServices {
  readonly enqueuer: Enqueuer
  readonly place: Place
  readonly maxPayload: number
  readonly checkOpen: () => void
  /** Ms that are left of the deadline of the task that makes the call; undefined: none does, or it has no deadline. */
  readonly timeLeft: () => number | undefined
  /** The operators' verbs, connected. */
  readonly admin: () => Promise<Verbs>
  readonly find: (key: string) => Promise<{ state: TaskState | 'none'; id: string | undefined }>
}

/** A `Queue`, as far as this side knows it. */
export interface CallTarget {
  readonly name: string
  handle(id: string): TaskHandle
}

/** Of `task.with` alone. */
export interface TargetOptions {
  /**
   * The queue on which the call is made instead of the task's own, of this Redis or another: sent there by this process,
   * with all options of the task. A worker of that queue has to know a task of this name.
   */
  readonly queue?: CallTarget | undefined
}

/** By queue: what they keep to themselves otherwise. */
const lent = new WeakMap<object, TaskServices>()

export const lendServices = (queue: object, services: TaskServices): void => void lent.set(queue, services)

/** Throws OptionError for what is no queue. */
export function servicesOf(what: string, queue: unknown): TaskServices {
  const services = typeof queue === 'object' && queue !== null ? lent.get(queue) : undefined
  if (services) return services
  throw new OptionError(
    `${what} must be a Queue, made by the same copy of this package (given: ${show(queue)})`,
  )
}
