/** Calls that hear of progress, as records of script tables hold them: packed by Redis, as text. */

import type { FrameItem } from '../../lib/redis/frame.ts'
import type { Seed } from './seed.ts'

export type Hears = readonly [how: string | readonly string[], call: string, takes: '1' | '']

/** What cmsgpack makes of a short string, and of a short list. */
const packed = (text: string): string =>
  (text.length < 32 ? String.fromCharCode(0xa0 | text.length) : `\xd9${String.fromCharCode(text.length)}`) +
  text
const list = (items: readonly string[]): string => String.fromCharCode(0x90 | items.length) + items.join('')

export const packedHearer = ([how, call, takes]: Hears): string =>
  list([typeof how === 'string' ? packed(how) : list(how.map(packed)), packed(call), packed(takes)])

/** The record's fields. */
export const hearing = (...hearers: Hears[]): Record<string, string> => ({
  ...{ hears: String(hearers.length), tied: '1' },
  ...Object.fromEntries(hearers.map((hearer, n) => [`hear:${n}`, packedHearer(hearer)])),
})

/** Adds them to the record of a seeded task. */
export function letHear(s: Seed, id: string, ...hearers: Hears[]): Seed {
  for (const [name, value] of Object.entries(hearing(...hearers))) {
    s.command('HSET', `P:task:${id}`, name, Buffer.from(value, 'latin1'))
  }
  return s
}

/** The wish of a call. */
export const hears = (...hearers: Hears[]): FrameItem[] => ['hears', hearers]
