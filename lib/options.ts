/** Options, resolved and checked once, at the door. Unknown names are refused. Times in ms, sizes in bytes. */

import { OptionError } from './errors.ts'
import { checkName } from './ids.ts'

type Check<T> = (what: string, value: unknown) => T
type Checks = Record<string, Check<unknown>>
type Resolved<C extends Checks> = { [K in keyof C]: ReturnType<C[K]> }

/** Runs each check on the option of its name (undefined when it is absent) and refuses all other names. */
export function resolve<C extends Checks>(owner: string, given: object | undefined, checks: C): Resolved<C> {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new OptionError(`${owner}: options must be an object (given: ${show(given)})`)
  }
  const options: Record<string, unknown> = { ...given }
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

/** One of these words, or absent. */
export const optionalOneOf =
  <const W extends string>(words: readonly W[]): Check<W | undefined> =>
  (what, value) => {
    if (value === undefined || words.includes(value as W)) return value as W | undefined
    throw new OptionError(`${what} must be one of ${words.join(', ')} (given: ${show(value)})`)
  }

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
