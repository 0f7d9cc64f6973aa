/** What the options of a call come to: what Redis is told, what its worker, and what the callers' side does with it. */

import type { CallOptions } from './envelope.ts'
import type { LimitOptions } from './limits.ts'
import { LANES, type Lane } from './record.ts'
import { onlyGiven, type ResolvedTaskOptions } from './task-options.ts'
import type { Parent, TiedCallback } from './tie-options.ts'

/** What a call says to Redis and to its worker. */
export interface CallPlan {
  readonly lane: Lane
  readonly isNewest: boolean
  /** Epoch ms, else ms from the call. */
  readonly at: number | undefined
  readonly delay: number | undefined
  readonly ttl: number | undefined
  readonly deadline: number | undefined
  readonly key: string | undefined
  readonly isUnique: boolean
  readonly keyTtl: number | undefined
  readonly again: boolean
  readonly limit: LimitOptions | undefined
  /** No part of a transaction. */
  readonly isAlone: boolean
  readonly after: readonly Parent[] | undefined
  readonly onParentFailure: 'fail' | 'run' | 'cancel' | undefined
  readonly callbacks: readonly TiedCallback[] | undefined
  readonly hearers: readonly TiedCallback[] | undefined
  /** Travels with the call. */
  readonly options: CallOptions
}

export function planOf(options: ResolvedTaskOptions): CallPlan {
  const { priority, first, delay, at, ttl, deadline, key, unique, keyTtl, onDuplicate, limit, ...others } =
    options
  const { transaction, after, onParentFailure, onSuccess, onFailure, onProgress, ...rest } = others
  const callbacks = onSuccess || onFailure ? [...(onSuccess ?? []), ...(onFailure ?? [])] : undefined
  const lane: Lane = first ? LANES[0] : (priority ?? 'normal')
  const times = { at, delay, ttl, deadline, keyTtl }
  const isUnique = unique === true
  const again = onDuplicate === 'again'
  return {
    ...times,
    lane,
    isNewest: first === 'newest',
    key,
    isUnique,
    again,
    limit: limit || undefined,
    isAlone: transaction === false,
    ...{ after, onParentFailure, callbacks, hearers: onProgress },
    options: onlyGiven(rest) as CallOptions,
  }
}
