/** A call that is not made yet: packed, with all that its task and `with` say of it. */

import { newTaskId } from '../ids.ts'
import type { Lane } from '../record.ts'
import type { How } from '../redis/wire.ts'
import { PendingCall } from './batch.ts'
import type { TaskServices } from './services.ts'

/** Made by `task.prepare(...args)`, for what makes the call later or more than once. Its arguments are packed already. */
export class PreparedCall<R = unknown> {
  /** For types alone: what its task gives. */
  declare readonly result: R
  readonly taskName: string
  /** Of the queue that its task belongs to. */
  readonly services: TaskServices
  readonly lane: Lane
  readonly packed: Buffer
  readonly how: How | undefined
  /** Ms for the whole task, of the call's own options. */
  readonly deadline: number | undefined

  constructor(
    services: TaskServices,
    taskName: string,
    parts: Pick<PreparedCall, 'lane' | 'packed' | 'how' | 'deadline'>,
  ) {
    this.services = services
    this.taskName = taskName
    this.lane = parts.lane
    this.packed = parts.packed
    this.how = parts.how
    this.deadline = parts.deadline
  }
}

/** Not on its way yet. What is left of the deadline of the task that makes the call is inherited. */
export function newCall(
  { timeLeft }: Pick<TaskServices, 'timeLeft'>,
  { lane, packed, how, deadline }: Pick<PreparedCall, 'lane' | 'packed' | 'how' | 'deadline'>,
): PendingCall {
  const left = timeLeft()
  const isShorter = left !== undefined && (deadline === undefined || left < deadline)
  // The script takes the last of two deadlines.
  return new PendingCall(newTaskId(), lane, packed, isShorter ? [...(how ?? []), 'deadline', left] : how)
}
