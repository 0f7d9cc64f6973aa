/** Calls are made here: by themselves, with their callbacks, or as parts of the transaction that they are made in. */

import { newTaskId } from '../ids.ts'
import { Batch, PendingCall } from './batch.ts'
import type { CallParts } from './prepared.ts'
import { openScope } from './scope.ts'
import type { TaskServices } from './services.ts'
import { followersOf } from './ties.ts'
import { checkSize } from './transaction.ts'

/** Not on its way yet. What is left of the deadline of the task that makes the call is inherited. */
export function newCall(
  { timeLeft }: Pick<TaskServices, 'timeLeft'>,
  {
    lane,
    packed,
    how,
    deadline,
    parents,
  }: Pick<CallParts, 'lane' | 'packed' | 'how' | 'deadline' | 'parents'>,
): PendingCall {
  const left = timeLeft()
  const isShorter = left !== undefined && (deadline === undefined || left < deadline)
  // The script takes the last of two deadlines.
  const call = new PendingCall(
    newTaskId(),
    lane,
    packed,
    isShorter ? [...(how ?? []), 'deadline', left] : how,
  )
  if (parents.length > 0) call.parents = parents
  return call
}

/** Makes the call: it is on its way, or held back by the transaction that it is made in. */
export function makeCall(services: TaskServices, parts: CallParts): PendingCall {
  const call = newCall(services, parts)
  const scope = parts.isAlone ? undefined : openScope()
  if (parts.callbacks.length > 0) {
    const calls = [call]
    followersOf(services, call.id, parts.callbacks, [], (follower) => calls.push(follower))
    makeTogether(services, calls, parts.isAlone)
  } else if (scope) scope.hold(services.enqueuer, [call])
  else services.enqueuer.add(call)
  return call
}

/** All of them or none. */
export function makeTogether(
  { enqueuer }: TaskServices,
  calls: readonly PendingCall[],
  isAlone = false,
): void {
  const scope = isAlone ? undefined : openScope()
  if (scope) {
    scope.hold(enqueuer, calls)
    return
  }
  const batch = new Batch(true)
  for (const call of calls) batch.push(call)
  checkSize('one call with all that follows it', calls.length, batch.bytes)
  enqueuer.addAll(batch)
}
