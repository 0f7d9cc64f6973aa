/** The command's own log: lines for people on a terminal, JSON lines for programs. */

import { createWriteStream } from 'node:fs'
import { LOG_LEVELS, type Logger, type LogLevel } from '../logger.ts'
import { toError } from '../report.ts'
import { coloured, hasColours, plain, type Style, toJson } from './output.ts'
import { showTime } from './units.ts'

interface Stream {
  write(text: string): unknown
  readonly isTTY?: boolean
}

export interface LogOptions {
  readonly level: LogLevel
  /** Lines are appended to it. Undefined: stderr. */
  readonly file?: string | undefined
  /** Undefined: pretty on a terminal. */
  readonly format?: 'pretty' | 'json' | undefined
  /** Stands in for stderr. */
  readonly stream?: Stream
}

const STYLES = { debug: 'gray', info: 'cyan', warn: 'yellow', error: 'red' } as const

export function createLogger({ level, file, format, stream = process.stderr }: LogOptions): Logger {
  const target: Stream = file === undefined ? stream : createWriteStream(file, { flags: 'a' })
  const isPretty = format === undefined ? file === undefined && Boolean(stream.isTTY) : format === 'pretty'
  const colours = hasColours(target)
  const least = LOG_LEVELS.indexOf(level)
  const writer =
    (of: LogLevel) =>
    (fields: object, message: string): void => {
      if (LOG_LEVELS.indexOf(of) < least) return
      target.write(isPretty ? pretty(of, fields, message, colours) : `${json(of, fields, message)}\n`)
    }
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') }
}

function json(level: LogLevel, fields: object, message: string): string {
  const { err, ...rest } = fields as { err?: unknown }
  const error = err === undefined ? {} : { err: errorParts(err) }
  return toJson({ time: new Date().toISOString(), level, msg: message, pid: process.pid, ...rest, ...error })
}

function errorParts(thrown: unknown): object {
  const error = toError(thrown)
  const { code } = error as { code?: unknown }
  return { name: error.name, message: error.message, ...(code !== undefined && { code }), stack: error.stack }
}

function pretty(level: LogLevel, fields: object, message: string, colours: boolean): string {
  const paint = (style: Style, text: string): string => (colours ? coloured(style, text) : text)
  const { err, ms, delay, queue, task, id, attempt, ...rest } = fields as Record<string, unknown>
  const who = [queue, task].filter((one) => one !== undefined).join('/')
  const parts = [
    paint('gray', new Date().toTimeString().slice(0, 8)),
    paint(STYLES[level], level.toUpperCase().padEnd(5)),
    who && plain(who),
    plain(message),
    typeof ms === 'number' && paint('gray', `in ${showTime(ms)}`),
    typeof delay === 'number' && paint('gray', `next in ${showTime(delay)}`),
    id !== undefined && paint('gray', plain(`id ${String(id)}`)),
    typeof attempt === 'number' && attempt > 1 && paint('gray', `attempt ${attempt}`),
    ...Object.entries(rest).map(([name, value]) => paint('gray', plain(`${name} ${String(value)}`))),
  ]
  const line = parts.filter(Boolean).join(' ')
  // An error that says what the line says already adds its stack alone.
  const stack =
    err === undefined ? '' : `\n${plain(toError(err).stack ?? String(err)).replace(/^/gm, '    ')}`
  return `${line}${stack}\n`
}
