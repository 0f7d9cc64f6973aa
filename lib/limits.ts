/**
 * Limits of calls that have a key in common: how often they begin, how many run at once, and turns between keys. Which
 * key a call has is decided where it is made; the rest is done in Redis (lib/redis/lua/shared/lines.lua).
 */

import { createHash } from 'node:crypto'
import { OptionError } from './errors.ts'
import { isName } from './ids.ts'
import { type Check, optionalInteger, optionalOneOf, resolve, show } from './options.ts'

/**
 * Of calls with the same key. With `key` alone the keys take turns, and nothing else is limited. Numbers of the newest
 * call count for all that wait under its key.
 */
export interface LimitOptions {
  /** So many begin within any `per` ms, at most. */
  readonly max?: number | undefined
  /** Ms. */
  readonly per?: number | undefined
  /** So many run at once over all workers, at most. */
  readonly concurrency?: number | undefined
  /**
   * The key of a call, by its arguments: asked where the call is made, also of remote tasks, so it must be given there
   * too. What is not 1 to 128 characters of A-Z a-z 0-9 _ . : - is hashed. Default: all calls have the same.
   */
  // biome-ignore lint/suspicious/noExplicitAny: parameters of functions are compared contravariantly; unknown[] takes none
  readonly key?: string | ((...args: any[]) => string) | undefined
  /** Whose calls the key is compared with: those of the same task, or of all tasks of the queue that say `queue`. Default `task`. */
  readonly scope?: 'task' | 'queue' | undefined
}

/** Starts that are remembered for each key, 10 bytes each. */
const MOST_STARTS = 1_000_000
const MOST_SLOTS = 10_000
const MOST_PER = 366 * 86_400_000

const PARTS = {
  max: optionalInteger(1, MOST_STARTS),
  per: optionalInteger(1, MOST_PER),
  concurrency: optionalInteger(1, MOST_SLOTS),
  key: (what: string, value: unknown): LimitOptions['key'] => {
    if (value === undefined || typeof value === 'function') return value as LimitOptions['key']
    return keyOf(what, value)
  },
  scope: optionalOneOf(['task', 'queue']),
}

/** false: none, whatever was said before. */
export const limitOption: Check<LimitOptions | false | undefined> = (what, value) => {
  if (value === undefined || value === false) return value
  if (typeof value !== 'object' || value === null) {
    throw new OptionError(
      `${what} must be { max, per, concurrency, key, scope } or false (given: ${show(value)})`,
    )
  }
  const limit = resolve(what, value, PARTS)
  const { max, per, concurrency, key } = limit
  if ((max === undefined) !== (per === undefined)) {
    const [given, missing] = max === undefined ? ['per', 'max'] : ['max', 'per']
    throw new OptionError(`${what}: ${given} needs ${missing}: so many (max) may begin in so many ms (per)`)
  }
  if (max === undefined && concurrency === undefined && key === undefined) {
    throw new OptionError(
      `${what}: give max and per, or concurrency, or a key whose calls take turns with others`,
    )
  }
  return limit
}

/** Under which a call waits: `task/<name>`, `task/<name>/<key>`, `queue`, `queue/<key>`. Throws OptionError, or what `key` throws. */
export function limitKey(
  task: string,
  { key, scope = 'task' }: LimitOptions,
  args: readonly unknown[],
): string {
  const own = typeof key === 'function' ? keyOf(`task ${task}: what limit.key gives`, key(...args)) : key
  return [scope === 'task' ? `task/${task}` : 'queue', ...(own === undefined ? [] : [own])].join('/')
}

function keyOf(what: string, value: unknown): string {
  if (isName(value)) return value
  if (typeof value === 'string' && value !== '') return createHash('sha256').update(value).digest('base64url')
  throw new OptionError(`${what} must be a string of at least 1 character (given: ${show(value)})`)
}
