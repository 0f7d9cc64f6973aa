/** How people write times and sizes: `30s`, `512mb`; and how they read them. */

import { usage } from './exit.ts'

const TIMES = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const SIZES = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 } as const

function parse(what: string, text: string, units: Record<string, number>, plain: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim())
  const unit = match?.[2]?.toLowerCase() || plain
  const factor = units[unit] ?? units[`${unit}b`]
  if (match && factor !== undefined) return Math.round(Number(match[1]) * factor)
  throw usage(`${what}: expected a number with one of ${Object.keys(units).join(', ')} (given: ${text})`)
}

/** Ms; a plain number is ms. */
export const parseTime = (what: string, text: string): number => parse(what, text, TIMES, 'ms')

/** Bytes; a plain number is bytes. */
export const parseSize = (what: string, text: string): number => parse(what, text, SIZES, 'b')

export function parseWhole(what: string, text: string, least = 1): number {
  const number = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(number) && number >= least) return number
  throw usage(`${what}: expected a whole number of at least ${least} (given: ${text})`)
}

/** In the two largest units: `2 d 3 h`, `1.5 s`, `20 ms`. */
export function showTime(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's')
  if (seconds < 86_400)
    return pair(Math.floor(seconds / 3_600), 'h', Math.floor((seconds % 3_600) / 60), 'min')
  return pair(Math.floor(seconds / 86_400), 'd', Math.floor((seconds % 86_400) / 3_600), 'h')
}

const pair = (large: number, unit: string, small: number, smaller: string): string =>
  small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smaller}`

export const showNumber = (number: number): string => Math.round(number).toLocaleString('en')
