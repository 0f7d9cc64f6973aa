/** Options of tasks that are handled together: in one call of a batch handler, or one by one with a commit after many. */

import { OptionError } from './errors.ts'
import { integer, optionalTime, resolve, show } from './options.ts'

/** Of `queue.batch`. Times in ms. */
export interface BatchSize {
  /** Calls in one batch, at most: from 1 to 10,000. Default 20. */
  readonly size?: number | undefined
  /**
   * How long a call waits for others, at most, while the queue has more to give; 0: for none that is not there already.
   * When the queue runs empty nobody waits. Default 100.
   */
  readonly linger?: number | undefined
}

/** Of `queue.task`: its outcomes are recorded together, once `commit` has made them last. */
export interface CommitOptions {
  /**
   * After so many calls that ended well `commit` is called, and they are acknowledged when it has succeeded; after fewer
   * when the queue runs empty and none of them runs, or when the first has waited for `linger`. From 1 to 10,000.
   */
  readonly commitEvery?: number | undefined
  /**
   * Makes last what the handlers have done. If it throws, or takes longer than the definition's `timeout`, all calls that
   * had begun by then have failed with its error, those that still run included; they are retried as after any error.
   */
  readonly commit?: (() => unknown) | undefined
  /** Ms. Default 100. */
  readonly linger?: number | undefined
}

export interface BatchPlan {
  readonly size: number
  readonly linger: number
}

export interface CommitPlan {
  readonly every: number
  readonly linger: number
  readonly commit: () => unknown
  /** Ms that it may take. */
  readonly timeout: number | undefined
}

/** More of them would be more than one portion of anything that speaks to Redis. */
const MOST = 10_000
const LINGER = 100
/** setTimeout holds 32 bits. */
const linger = optionalTime(2 ** 31 - 1)
const SIZE = { size: integer(20, 1, MOST), linger }

/** Throws OptionError. */
export function resolveBatch(owner: string, given: BatchSize): BatchPlan {
  const { size, linger = LINGER } = resolve(owner, given, SIZE)
  return { size, linger }
}

/** Undefined: outcomes are recorded as they come. Throws OptionError. */
export function resolveCommit(
  owner: string,
  given: CommitOptions,
  timeout: number | undefined,
): CommitPlan | undefined {
  const { commit, commitEvery } = given
  const waits = linger(`${owner}: linger`, given.linger)
  if (commit === undefined && commitEvery === undefined) {
    if (waits === undefined) return undefined
    throw new OptionError(`${owner}: linger is about commitEvery and commit, which were not given`)
  }
  if (typeof commit !== 'function') {
    throw new OptionError(`${owner}: commitEvery needs commit, a function (given: ${show(commit)})`)
  }
  if (commitEvery === undefined)
    throw new OptionError(`${owner}: commit needs commitEvery, a number of calls`)
  const every = integer(0, 1, MOST)(`${owner}: commitEvery`, commitEvery)
  return { every, linger: waits ?? LINGER, commit, timeout }
}
