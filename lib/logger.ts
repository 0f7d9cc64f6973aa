/** Where log lines go. A pino logger fits, and whatever has its shape: fields first, then the message. */

import { OptionError } from './errors.ts'
import type { Check } from './options.ts'

export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export const optionalLogger: Check<Logger | undefined> = (what, value) => {
  if (value === undefined) return undefined
  const missing = LOG_LEVELS.filter(
    (level) => typeof (value as Partial<Logger> | null)?.[level] !== 'function',
  )
  if (missing.length === 0) return value as Logger
  throw new OptionError(
    `${what} must have the functions ${LOG_LEVELS.join(', ')} (missing: ${missing.join(', ')})`,
  )
}
