/**
 * Options that tie a call to others: what it waits for, and what follows it. They are checked by their shape; what they
 * mean is known to the callers' side (lib/call/ties.ts), whose classes this file must not import.
 */

import { OptionError } from './errors.ts'
import { checkName } from './ids.ts'
import { type Check, optionalOneOf, show } from './options.ts'

/** A handle, or the id of a task. */
export type Parent = string | { readonly id: string; readonly joined: boolean }

/** Made by `task.prepare(...)`: lib/call/prepared.ts. */
interface Whole {
  readonly taskName: string
  readonly isWhole: true
}
interface Step {
  readonly taskName: string
}

export type SuccessCallback = Whole | { readonly call: Step; readonly withResult: true }
export type FailureCallback = Whole | { readonly call: Step; readonly withError: true }
export type ProgressCallback = Whole | { readonly call: Step; readonly withProgress: true }

export interface AfterOptions {
  /** Begins when these tasks have ended: handles or ids, of tasks of the same queue. */
  readonly after?: Parent | readonly Parent[] | undefined
  /**
   * What becomes of a call when one of those that it comes `after` does not succeed: it fails too (with `DependencyError`
   * as its cause), it runs all the same when all have ended, or it is cancelled. Default `fail`.
   */
  readonly onParentFailure?: 'fail' | 'run' | 'cancel' | undefined
}

/** Callbacks of any task; `task.with` knows what its own are given: CallbackOptions in lib/call/task.ts. */
export interface AnyCallbacks {
  /** Calls that are made when this one succeeds; `withResult`: its result comes in front of their arguments. */
  readonly onSuccess?: SuccessCallback | readonly SuccessCallback[] | undefined
  /** Calls that are made when this one has failed for good, or expired; `withError`: what is known of it comes in front. */
  readonly onFailure?: FailureCallback | readonly FailureCallback[] | undefined
  /**
   * Calls that are made when this one reports progress; `withProgress`: the value comes in front of their arguments. Of
   * each, one runs at a time, and one that has not begun brings the newest value.
   */
  readonly onProgress?: ProgressCallback | readonly ProgressCallback[] | undefined
}

/** One that is to be made. `prepared` is a PreparedCall; the caller's side checks that it is. */
export interface TiedCallback {
  /** As options name it, for messages. */
  readonly owner: string
  readonly on: 'success' | 'failure' | 'progress'
  readonly prepared: object
  /** The result, the error or the progress comes in front of its arguments. */
  readonly takes: boolean
}

/** One script waits for as many. */
const MOST_PARENTS = 10_000
/** That hear of one task's progress: shared/hearers.lua. */
export const MOST_HEARERS = 100

const after: Check<readonly Parent[] | undefined> = (what, value) => {
  if (value === undefined) return undefined
  const parents: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (parents.length > MOST_PARENTS) {
    throw new OptionError(`${what} takes at most ${MOST_PARENTS} tasks (given: ${parents.length})`)
  }
  parents.forEach((parent, index) => {
    if (typeof parent === 'string') checkName(`${what}: task id`, parent)
    else if (typeof parent !== 'object' || parent === null || !('joined' in parent)) {
      const place = Array.isArray(value) ? `${what}: item ${index}` : what
      throw new OptionError(`${place} must be a handle or an id (given: ${show(parent)})`)
    }
  })
  return parents as readonly Parent[]
}

const callbacks =
  (on: TiedCallback['on'], flag: string): Check<readonly TiedCallback[] | undefined> =>
  (owner, value) => {
    if (value === undefined) return undefined
    const list: readonly unknown[] = Array.isArray(value) ? value : [value]
    return list.map((item) => {
      if (typeof item !== 'object' || item === null) throw noCallback(owner, flag, item)
      if (!('call' in item)) return { owner, on, prepared: item, takes: false }
      const { call, ...rest } = item as Record<string, unknown>
      const others = Object.keys(rest).filter((name) => name !== flag)
      if (others.length > 0)
        throw new OptionError(`${owner}: unknown part "${others[0]}" (known: call, ${flag})`)
      if (typeof call !== 'object' || call === null) throw noCallback(owner, flag, call)
      if (typeof rest[flag] !== 'boolean') throw new OptionError(`${owner}: ${flag} must be true or false`)
      return { owner, on, prepared: call, takes: rest[flag] }
    })
  }

const hearers: Check<readonly TiedCallback[] | undefined> = (owner, value) => {
  const tied = callbacks('progress', 'withProgress')(owner, value)
  if (!tied || tied.length <= MOST_HEARERS) return tied
  throw new OptionError(`${owner} takes at most ${MOST_HEARERS} calls (given: ${tied.length})`)
}

export const noCallback = (owner: string, flag: string, value: unknown): OptionError =>
  new OptionError(
    `${owner} must be made by task.prepare(...), or be { call: task.prepare(...), ${flag}: true } (given: ${show(value)})`,
  )

export const TIE_OPTIONS = {
  after,
  onParentFailure: optionalOneOf(['fail', 'run', 'cancel']),
  onSuccess: callbacks('success', 'withResult'),
  onFailure: callbacks('failure', 'withError'),
  onProgress: hearers,
}
