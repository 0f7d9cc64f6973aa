/** What people read and what programs read: data on stdout, all else on stderr. */

import { inspect, styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]

export interface Streams {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
}

export class Output {
  readonly isJson: boolean
  readonly streams: Streams
  /** Whether stdout shows bars and colours. */
  readonly isRich: boolean

  constructor(isJson: boolean, streams: Streams = process) {
    this.isJson = isJson
    this.streams = streams
    this.isRich = Boolean(streams.stdout.isTTY) && !isJson
  }

  /** As one line of JSON, or as text for people. */
  data(value: unknown, text: () => string): void {
    this.#write(this.streams.stdout, this.isJson ? toJson(value) : text())
  }

  /** For people, beside the data. */
  note(text: string): void {
    this.#write(this.streams.stderr, text)
  }

  paint(style: Style, text: string): string {
    return hasColours(this.streams.stdout) && !this.isJson ? coloured(style, text) : text
  }

  #write(stream: NodeJS.WritableStream, text: string): void {
    stream.write(text.endsWith('\n') ? text : `${text}\n`)
  }
}

/** Whether to do so was decided by hasColours: Node would look at the environment once more, and find none in CI. */
export const coloured = (style: Style, text: string): string =>
  (styleText as (style: Style, text: string, options: object) => string)(style, text, {
    validateStream: false,
  })

/** https://no-color.org; FORCE_COLOR as Node knows it. */
export function hasColours(stream: { readonly isTTY?: boolean }, env = process.env): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0'
  return Boolean(stream.isTTY) && env.TERM !== 'dumb'
}

/** Columns as wide as their widest cell; numbers to the right. */
export function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [heads, ...rows.map((row) => row.map(String))]
  const isNumeric = heads.map((_, at) => rows.length > 0 && rows.every((row) => typeof row[at] === 'number'))
  const widths = heads.map((_, at) => Math.max(...cells.map((row) => widthOf(row[at] ?? ''))))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => {
        const gap = ' '.repeat(widths[at]! - widthOf(cell))
        return isNumeric[at] ? gap + cell : cell + gap
      })
      .join('  ')
      .trimEnd()
  return cells.map(line).join('\n')
}

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')

/** Without escape codes. */
export const widthOf = (text: string): number => [...text.replace(COLOURS, '')].length

export const cut = (text: string, width: number): string =>
  widthOf(text) <= width ? text : `${[...text].slice(0, Math.max(0, width - 1)).join('')}…`

/** What comes from Redis must not steer the terminal. */
export const plain = (text: string): string =>
  text.replace(/\p{Cc}/gu, (letter) => (letter === '\n' || letter === '\t' ? letter : '\u{fffd}'))

/** One line; a BigInt is its digits as a string, a Map an object, a Set a list, bytes base64. */
export function toJson(value: unknown): string {
  return JSON.stringify(value === undefined ? null : value, function (this: unknown, key, seen: unknown) {
    // Date has its own toJSON, which has run by now; Buffer's is a list of numbers.
    const raw = key === '' ? value : (this as Record<string, unknown>)[key]
    if (raw instanceof Uint8Array) return Buffer.from(raw).toString('base64')
    if (typeof seen === 'bigint') return String(seen)
    if (seen instanceof Map) return Object.fromEntries(seen)
    if (seen instanceof Set) return [...seen]
    if (seen instanceof Error)
      return { name: seen.name, message: seen.message, ...('code' in seen && { code: seen.code }) }
    return seen
  })
}

/** A value as people read it: text as it is, all else as Node shows it. */
export function showValue(value: unknown, colours = false): string {
  if (typeof value === 'string') return plain(value)
  if (typeof value === 'bigint') return String(value)
  return inspect(value, { ...SHOWN, colors: colours })
}

/** The same of what is no text, in one line however long. */
export const showOnLine = (value: unknown): string =>
  typeof value === 'bigint'
    ? String(value)
    : inspect(value, { ...SHOWN, compact: true, breakLength: Infinity })

const SHOWN = { depth: 8, maxArrayLength: 1_000, maxStringLength: 100_000 } as const
