/** Names and ids: one alphabet for everything that becomes part of a Redis key. */

import { randomFillSync } from 'node:crypto'
import { OptionError } from './errors.ts'

const NAME = /^[A-Za-z0-9_.:-]{1,128}$/

/** Random bytes by the thousand: asking for few at a time costs ten times as much. */
const POOL = Buffer.allocUnsafe(4_096)
let used = POOL.length
const DASH = '-'.charCodeAt(0)

/** 4 characters of A-Z a-z 0-9 _ - for each 3 bytes. */
function random(bytes: number): string {
  if (used + bytes > POOL.length) {
    randomFillSync(POOL)
    used = 0
  }
  used += bytes
  return POOL.toString('base64url', used - bytes, used)
}

/** A task's id: 22 characters, 128 random bits, made on the caller's side. None begins with `-`: commands would take it for an option. */
export function newTaskId(): string {
  for (;;) {
    const id = random(16)
    if (id.charCodeAt(0) !== DASH) return id
  }
}

/** A client's id travels with every awaited call, so it is short: 12 characters, 72 bits. */
export const newClientId = (): string => random(9)

/** With the suffix 34 characters: a record of a task that ended stays below the 64 bytes a field that Redis keeps small. */
const MAX_WORKER_NAME = 25

/** A worker's id names where it runs, for people, and is never used twice. Of a long name the end tells more. */
export const newWorkerId = (name: string): string => `${name.slice(-MAX_WORKER_NAME)}-${random(6)}`

export const isName = (value: unknown): value is string => typeof value === 'string' && NAME.test(value)

/** Refuses what cannot be part of a key, saying what was given and what is expected. */
export function checkName(what: string, value: unknown): string {
  if (isName(value)) return value
  const given = typeof value === 'string' ? JSON.stringify(value.slice(0, 140)) : typeof value
  throw new OptionError(`${what} must be 1 to 128 characters of A-Z a-z 0-9 _ . : - (given: ${given})`)
}
