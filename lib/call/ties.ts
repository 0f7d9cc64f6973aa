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
import { type Callback, PreparedCall } from './prepared.ts'
import type { TaskServices } from './services.ts'

const POLICIES = { fail: 'f', run: 'r', cancel: 'c' } as const

export type Policy = keyof typeof POLICIES

/** The wishes of a call that comes after others. */
export function afterWishes(ids: readonly string[], policy: Policy | undefined): readonly string[] {
  // Without parents of its own it may still become a step of a flow.
  if (ids.length === 0) return policy ? ['policy', POLICIES[policy]] : []
  return ['after', ids.join(' '), 'policy', POLICIES[policy ?? 'fail']]
}

/** Of `after`: each id once, and those calls of this process that Redis may not have heard of. */
export function parentsOf(
  owner: string,
  services: TaskServices,
  parents: readonly Parent[],
): { readonly ids: readonly string[]; readonly calls: readonly PendingCall[] } {
  const calls: PendingCall[] = []
  const ids = parents.map((parent) => {
    if (typeof parent === 'string') return parent
    if (!(parent instanceof TaskHandle)) throw new OptionError(`${owner}: after must be handles or ids`)
    const { call, owner: queue } = pendingOf(parent)
    if (queue !== services) {
      throw new OptionError(`${owner}: after: task ${parent.id} is of another queue`)
    }
    if (call) calls.push(call)
    return parent.id
  })
  return { ids: [...new Set(ids)], calls }
}

/** Those of an option, which are of this queue and wait for nothing else. */
export function callbacksOf(services: TaskServices, tied: readonly TiedCallback[]): readonly Callback[] {
  return tied.map(({ owner, on, prepared, takes }) => {
    if (!(prepared instanceof PreparedCall)) {
      throw noCallback(owner, on === 'success' ? 'withResult' : 'withError', prepared)
    }
    if (prepared.services !== services) {
      throw new OptionError(`${owner}: "${prepared.taskName}" is of another queue`)
    }
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

/** The calls that follow the task of that id: its callbacks, and theirs. `more`: wishes of all of them. */
export function followersOf(
  id: string,
  callbacks: readonly Callback[],
  more: How = [],
  add: (call: PendingCall) => void,
): void {
  for (const { prepared, packed, wishes } of callbacks) {
    const how = [...(prepared.how ?? []), 'after', id, ...wishes, ...more]
    const call = new PendingCall(newTaskId(), prepared.lane, packed, how)
    // The call that they follow is seen to fail, with which they do.
    call.isObserved = true
    add(call)
    followersOf(call.id, prepared.callbacks, more, add)
  }
}

/** Of names and values; the last of a name counts. */
export function wishOf(how: How | undefined, name: string): How[number] | undefined {
  for (let i = (how?.length ?? 0) - 2; i >= 0; i -= 2) if (how?.[i] === name) return how[i + 1]
  return undefined
}
