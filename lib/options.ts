/** Options, resolved and checked once, at the door. Unknown names are refused. Times in ms, sizes in bytes. */

import { OptionError } from './errors.ts'
import { checkName } from './ids.ts'

/** A hundred years: what is longer was meant to be something else. */
const MOST_TIME = 100 * 366 * 86_400_000
/** Of a Date. */
const MOST_MOMENT = 8.64e15

export type Check<T> = (what: string, value: unknown) => T
type Checks = Record<string, Check<unknown>>
type Resolved<C extends Checks> = { [K in keyof C]: ReturnType<C[K]> }

/** A copy, to be taken apart; refuses what is no object. */
export function partsOf<T extends object>(owner: string, given: T | undefined): T {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new OptionError(`${owner}: options must be an object (given: ${show(given)})`)
  }
  return { ...given } as T
}

/** Runs each check on the option of its name (undefined when it is absent) and refuses all other names. */
export function resolve<C extends Checks>(owner: string, given: object | undefined, checks: C): Resolved<C> {
  const options = partsOf(owner, given) as Record<string, unknown>
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(checks, name)) {
      const known = Object.keys(checks).join(', ')
      throw new OptionError(`${owner}: unknown option "${name.slice(0, 128)}" (known: ${known})`)
    }
  }
  const resolved: Record<string, unknown> = {}
  for (const [name, check] of Object.entries(checks)) {
    resolved[name] = check(`${owner}: ${name}`, options[name])
  }
  return resolved as Resolved<C>
}

/** A whole number from `least` to `most`. */
export const integer =
  (fallback: number, least: number, most: number = Number.MAX_SAFE_INTEGER): Check<number> =>
  (what, value = fallback) => {
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
      return value as number
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
    throw new OptionError(`${what} must be a whole number ${range} (given: ${show(value)})`)
  }

/** The same, or absent. */
export const optionalInteger =
  (least: number, most: number = Number.MAX_SAFE_INTEGER): Check<number | undefined> =>
  (what, value) =>
    value === undefined ? undefined : integer(0, least, most)(what, value)

/** One of these words. */
export const oneOf =
  <const W extends string>(fallback: NoInfer<W>, words: readonly W[]): Check<W> =>
  (what, value = fallback) => {
    if (words.includes(value as W)) return value as W
    throw new OptionError(`${what} must be one of ${words.join(', ')} (given: ${show(value)})`)
  }

/** The same, or absent. */
export const optionalOneOf =
  <const W extends string>(words: readonly W[]): Check<W | undefined> =>
  (what, value) =>
    value === undefined ? undefined : oneOf(words[0]!, words)(what, value)

/** True or false. */
export const flag =
  (fallback: boolean): Check<boolean> =>
  (what, value = fallback) => {
    if (typeof value === 'boolean') return value
    throw new OptionError(`${what} must be true or false (given: ${show(value)})`)
  }

/** Ms, as a number of at least 0; fractions are rounded up. Absent stays absent. */
export const optionalTime =
  (most: number = MOST_TIME): Check<number | undefined> =>
  (what, value) => {
    if (value === undefined) return undefined
    if (typeof value === 'number' && value >= 0 && value <= most) return Math.ceil(value)
    throw new OptionError(`${what} must be a number of ms from 0 to ${most} (given: ${show(value)})`)
  }

/** A Date, or epoch ms. */
export const optionalMoment = (): Check<number | undefined> => (what, value) => {
  if (value === undefined) return undefined
  const ms = value instanceof Date ? value.getTime() : value
  if (typeof ms === 'number' && ms >= 0 && ms <= MOST_MOMENT) return Math.ceil(ms)
  throw new OptionError(`${what} must be a Date or a number of ms since 1970 (given: ${show(value)})`)
}

/** A name, or absent. */
export const optionalName = (): Check<string | undefined> => (what, value) =>
  value === undefined ? undefined : checkName(what, value)

export const name =
  (fallback: string): Check<string> =>
  (what, value = fallback) =>
    checkName(what, value)

/** Checked where it is used. */
export const anything =
  <T>(): Check<T | undefined> =>
  (_what, value) =>
    value as T | undefined

/** For messages: never the content of an object, which may hold a secret. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 140))
  if (value === null) return 'null'
  return typeof value === 'object' || typeof value === 'function' ? typeof value : String(value)
}
