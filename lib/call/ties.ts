/**
 * What ties calls together, as Redis is told: a child names its parents (`after`), says what their end means to it
 * (`policy`), and whether it takes what they gave (`take`). A callback is such a child, made with its parent in one
 * script, so whoever ends the parent sets it off.
 */

import { withInputs } from '../envelope.ts'
import { OptionError } from '../errors.ts'
import { newTaskId } from '../ids.ts'
import type { How } from '../redis/wire.ts'
import { noCallback, type Parent, type TiedCallback } from '../tie-options.ts'
import { PendingCall } from './batch.ts'
import { pendingOf, TaskHandle } from './handle.ts'
import { addressOf, awayWishes, isBeside } from './place.ts'
import { type Callback, PreparedCall } from './prepared.ts'
import type { TaskServices } from './services.ts'

const POLICIES = { fail: 'f', run: 'r', cancel: 'c' } as const

export type Policy = keyof typeof POLICIES

/** The wishes of a call that comes after others. */
export function afterWishes({ ids, elsewhere }: Parents, policy: Policy | undefined): readonly string[] {
  // Without parents of its own it may still become a step of a flow.
  if (ids.length === 0) return policy ? ['policy', POLICIES[policy]] : []
  const others = elsewhere.length > 0 ? ['elsewhere', elsewhere.join(' ')] : []
  return ['after', ids.join(' '), 'policy', POLICIES[policy ?? 'fail'], ...others]
}

export interface Parents {
  /** Each once. */
  readonly ids: readonly string[]
  /** Those calls of this process that Redis may not have heard of. */
  readonly calls: readonly PendingCall[]
  /** Of those that are tasks of other queues: id, queue, … */
  readonly elsewhere: readonly string[]
}

/** Of `after`. Throws OptionError. */
export function parentsOf(owner: string, services: TaskServices, parents: readonly Parent[]): Parents {
  const calls: PendingCall[] = []
  const elsewhere: string[] = []
  const ids = parents.map((parent) => {
    if (typeof parent === 'string') return parent
    if (!(parent instanceof TaskHandle)) throw new OptionError(`${owner}: after must be handles or ids`)
    const { call, owner: theirs } = pendingOf(parent)
    const what = `${owner}: after: task ${parent.id}`
    // Handles of tasks are made with all that their queue has.
    const queue = addressOf(what, services, theirs as TaskServices)
    if (!isBeside(queue)) {
      throw new OptionError(`${what} is of a queue on another Redis, which tells nobody here how it ends`)
    }
    if (queue) elsewhere.push(parent.id, queue)
    else if (call) calls.push(call)
    return parent.id
  })
  return { ids: [...new Set(ids)], calls, elsewhere }
}

/** Those of an option, which wait for nothing else. */
export function callbacksOf(services: TaskServices, tied: readonly TiedCallback[]): readonly Callback[] {
  return tied.map(({ owner, on, prepared, takes }) => {
    if (!(prepared instanceof PreparedCall)) {
      throw noCallback(owner, on === 'success' ? 'withResult' : 'withError', prepared)
    }
    addressOf(`${owner}: "${prepared.taskName}"`, services, prepared.services)
    if (wishOf(prepared.how, 'after') !== undefined) {
      throw new OptionError(`${owner}: "${prepared.taskName}" comes after other tasks already`)
    }
    if (!takes) prepared.check?.()
    const inputs = takes ? (on === 'success' ? 'value' : 'error') : undefined
    const packed = inputs ? withInputs(prepared.packed, inputs) : prepared.packed
    return {
      prepared,
      packed,
      wishes: ['policy', on === 'success' ? 's' : 'e', ...(takes ? ['take', '1'] : [])],
    }
  })
}

/**
 * The calls that follow the task of that id: its callbacks, and theirs. home: the queue where all of it is accepted.
 * `more`: wishes of all of them. Throws OptionError.
 */
export function followersOf(
  home: TaskServices,
  id: string,
  callbacks: readonly Callback[],
  more: How = [],
  add: (call: PendingCall) => void,
): void {
  for (const { prepared, packed, wishes } of callbacks) {
    const what = `callback "${prepared.taskName}"`
    const queue = addressOf(what, home, prepared.services)
    const isWanted = prepared.callbacks.length > 0 || more.length > 0
    if (isWanted && !isBeside(queue)) {
      throw new OptionError(
        `${what} is of a queue on another Redis, which tells nobody here how it ends: it cannot have callbacks of its own, nor be part of a flow`,
      )
    }
    const how = [...(prepared.how ?? []), 'after', id, ...wishes, ...more, ...awayWishes(queue, isWanted)]
    const call = new PendingCall(newTaskId(), prepared.lane, packed, how)
    // The call that they follow is seen to fail, with which they do.
    call.isObserved = true
    add(call)
    followersOf(home, call.id, prepared.callbacks, more, add)
  }
}

/** Of names and values; the last of a name counts. */
export function wishOf(how: How | undefined, name: string): How[number] | undefined {
  for (let i = (how?.length ?? 0) - 2; i >= 0; i -= 2) if (how?.[i] === name) return how[i + 1]
  return undefined
}
