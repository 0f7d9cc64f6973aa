/** Names and ids: one alphabet for everything that becomes part of a Redis key. */

import { customAlphabet, nanoid } from 'nanoid'
import { OptionError } from './errors.ts'

const NAME = /^[A-Za-z0-9_.:-]{1,128}$/

/** A task's id: 21 characters, 126 random bits, made on the caller's side. */
export const newTaskId = (): string => nanoid()

/** A client's id travels with every awaited call, so it is short: 12 characters, 66 bits. */
export const newClientId = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ', 12)

const newSuffix = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 8)

/** With the suffix 34 characters: a record of a task that ended stays below the 64 bytes a field that Redis keeps small. */
const MAX_WORKER_NAME = 25

/** A worker's id names where it runs, for people, and is never used twice. Of a long name the end tells more. */
export const newWorkerId = (name: string): string => `${name.slice(-MAX_WORKER_NAME)}-${newSuffix()}`

export const isName = (value: unknown): value is string => typeof value === 'string' && NAME.test(value)

/** Refuses what cannot be part of a key, saying what was given and what is expected. */
export function checkName(what: string, value: unknown): string {
  if (isName(value)) return value
  const given = typeof value === 'string' ? JSON.stringify(value.slice(0, 140)) : typeof value
  throw new OptionError(`${what} must be 1 to 128 characters of A-Z a-z 0-9 _ . : - (given: ${given})`)
}
