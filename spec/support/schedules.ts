/** Schedules for the tables of scripts: seeded, and as the keyspace shows them. */

import { callHead } from '../../lib/envelope.ts'
import { hash, type Value } from './keyspace.ts'
import type { Seed } from './seed.ts'

/** The packed call of a seeded schedule, as text. */
export const CALL = `${callHead(undefined).toString('latin1')}the call`
export const WHEN = '{"every":60000}'

/** What a call wants besides its lane, as the script packs it: short words alone. */
export function howOf(...words: string[]): string {
  const items = words.map((word) => String.fromCharCode(0xa0 + word.length) + word)
  return String.fromCharCode(0x90 + words.length) + items.join('')
}

const FIELDS: Record<string, string> = {
  ...{ when: WHEN, missed: 'once', overlap: 'allow', since: '5', slot: '1000' },
  ...{ lane: 'normal', how: howOf(), call: CALL },
}

/** Without those that are undefined. */
const fieldsOf = (changes: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ ...FIELDS, ...changes }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    ),
  )

/** due: a score of P:slots. */
export function scheduled(
  seed: Seed,
  name: string,
  changes: Record<string, string | undefined> = {},
  due: string | number = 1_000,
): Seed {
  const fields = Object.entries(fieldsOf(changes)).flatMap(([field, value]) => [
    field,
    Buffer.from(value, 'latin1'),
  ])
  return seed.command('HSET', `P:schedule:${name}`, ...fields).command('ZADD', 'P:slots', due, name)
}

export const schedule = (changes: Record<string, string | undefined> = {}): Value => hash(fieldsOf(changes))
