/** How a command ends: its exit code, by sysexits.h where that has one, and one line that says why. */

import { constants } from 'node:os'
import { CommanderError } from 'commander'
import { OptionError, QueueFullError, RedisError, WaitTimeoutError } from '../errors.ts'

export const EXIT = {
  ok: 0,
  /** The task failed, was cancelled or expired; or what was asked for is not there. */
  failed: 1,
  usage: 2,
  /** EX_UNAVAILABLE: Redis cannot be reached. */
  unavailable: 69,
  /** EX_TEMPFAIL: it did not end in time, or there was no room; it may well do later. */
  timeout: 75,
} as const

/** Ends the command with this code; the message goes to stderr. */
export class ExitError extends Error {
  override readonly name = 'ExitError'
  readonly exitCode: number

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

export const usage = (message: string): ExitError => new ExitError(EXIT.usage, message)

export const exitCodeOfSignal = (signal: NodeJS.Signals): number => 128 + constants.signals[signal]

export function exitCodeOf(error: unknown): number {
  if (error instanceof ExitError) return error.exitCode
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof OptionError) return EXIT.usage
  if (error instanceof RedisError) return EXIT.unavailable
  if (error instanceof WaitTimeoutError || error instanceof QueueFullError) return EXIT.timeout
  return EXIT.failed
}
