/**
 * Tasks that yield: what both sides know of them. A handler that returns an async iterable, or a generator, is a stream:
 * what it yields are chunks, which a caller reads by `handle.stream()`, and what it returns is the task's result.
 */

import { MillraceError, OptionError } from './errors.ts'
import { flag, integer, oneOf, show } from './options.ts'

// biome-ignore lint/suspicious/noExplicitAny: of what is sent into a generator nothing is known, and nothing is sent
type Yields<C, R> = AsyncIterable<C, R, any> | Generator<C, R, any>
export type Source = Yields<unknown, unknown>

/** What callers get of a handler that returns this: of a generator, awaited, what it returns at its end. */
export type ResultOf<Return> = EndOf<Awaited<Return>>
type EndOf<T> = T extends Yields<unknown, infer R> ? Awaited<R> : T
/** What a handler that returns this yields; unknown where it is no generator. */
export type ChunkOf<Return> = EachOf<Awaited<Return>>
type EachOf<T> = T extends Yields<infer C, unknown> ? C : unknown

/** Arrays, maps and strings are values: only what yields as it goes is a stream. */
export function isSource(value: unknown): value is Source {
  if (typeof value !== 'object' || value === null) return false
  if (Symbol.asyncIterator in value) return true
  return Symbol.iterator in value && typeof (value as { next?: unknown }).next === 'function'
}

/** Of a definition whose handler yields. */
export interface StreamSettings {
  /** Chunks that wait in Redis to be read, at most; 4 MiB of them at most. Default 256. */
  readonly streamBuffer?: number | undefined
  /**
   * What a chunk does that finds the buffer full: it waits for a reader, and the handler with it, or the oldest are
   * dropped for it, and the reader is told how many. Default `wait`.
   */
  readonly onStreamFull?: 'wait' | 'drop' | undefined
  /**
   * Ms that a chunk waits for room while nobody reads: then the oldest are dropped until somebody does. While there is a
   * reader, however slow, it waits as long as the attempt may take. Default 30 s.
   */
  readonly streamPatience?: number | undefined
}

export interface StreamPlan {
  readonly buffer: number
  readonly full: 'wait' | 'drop'
  readonly patience: number
}

const MOST_BUFFER = 10_000
/** Of a definition that says nothing of it. */
export const DEFAULT_STREAM: StreamPlan = { buffer: 256, full: 'wait', patience: 30_000 }
const SETTINGS = {
  buffer: integer(DEFAULT_STREAM.buffer, 1, MOST_BUFFER),
  full: oneOf(DEFAULT_STREAM.full, ['wait', 'drop']),
  patience: integer(DEFAULT_STREAM.patience, 0, 2 ** 31 - 1),
}

/** Undefined: nothing was given. Throws OptionError. */
export function streamPlan(owner: string, given: StreamSettings): StreamPlan | undefined {
  if (Object.values(given).every((value) => value === undefined)) return undefined
  return {
    buffer: SETTINGS.buffer(`${owner}: streamBuffer`, given.streamBuffer),
    full: SETTINGS.full(`${owner}: onStreamFull`, given.onStreamFull),
    patience: SETTINGS.patience(`${owner}: streamPatience`, given.streamPatience),
  }
}

/** How a task's chunks are read. */
export interface StreamOptions {
  /**
   * The attempt whose chunks were read has failed, or its worker died, and another begins: its chunks come from the
   * first again. `throw`: StreamRestartedError. `continue`: they simply follow. A function is told the number of the
   * attempt before its chunks follow. Default `throw`.
   */
  readonly onRestart?: 'throw' | 'continue' | ((attempt: number) => void) | undefined
  /**
   * Chunks were dropped before they were read. `throw`: StreamGapError. `continue`: the next ones follow. A function is
   * told how many are missing, then the next ones follow. Default `throw`.
   */
  readonly onGap?: 'throw' | 'continue' | ((missed: number) => void) | undefined
  /** Leaving the loop before its end cancels the task. Default false: it goes on, and waits for nobody. */
  readonly cancelOnBreak?: boolean | undefined
  /** Ends the reading, as leaving the loop does; the iterator rejects with its reason. */
  readonly signal?: AbortSignal | undefined
}

const answer =
  <A>() =>
  (what: string, value: unknown = 'throw'): 'throw' | 'continue' | ((detail: A) => void) => {
    if (value === 'throw' || value === 'continue') return value
    if (typeof value === 'function') return value as (detail: A) => void
    throw new OptionError(`${what} must be 'throw', 'continue' or a function (given: ${show(value)})`)
  }

export const STREAM_OPTIONS = {
  onRestart: answer<number>(),
  onGap: answer<number>(),
  cancelOnBreak: flag(false),
  signal: (what: string, value: unknown): AbortSignal | undefined => {
    if (value === undefined || value instanceof AbortSignal) return value
    throw new OptionError(`${what} must be an AbortSignal (given: ${show(value)})`)
  },
}

/** The attempt whose chunks were read has failed, or its worker died: another one yields from the beginning. */
export class StreamRestartedError extends MillraceError {
  readonly taskId: string
  /** The number of the attempt that yields now. */
  readonly attempt: number

  constructor(taskId: string, attempt: number) {
    super(
      'ERR_MILLRACE_STREAM_RESTARTED',
      `the chunks of task ${taskId} begin anew with attempt ${attempt}; read on with stream({ onRestart })`,
    )
    this.taskId = taskId
    this.attempt = attempt
  }
}

/** Chunks were dropped before they were read: the buffer was full, or they were kept no longer. */
export class StreamGapError extends MillraceError {
  readonly taskId: string
  readonly missed: number

  constructor(taskId: string, missed: number) {
    super(
      'ERR_MILLRACE_STREAM_GAP',
      `${missed} chunks of task ${taskId} were dropped before they were read; read on with stream({ onGap })`,
    )
    this.taskId = taskId
    this.missed = missed
  }
}

/** Another reader has begun: the chunks of a task go to one, and that is the last that came. */
export class StreamTakenError extends MillraceError {
  readonly taskId: string

  constructor(taskId: string) {
    super('ERR_MILLRACE_STREAM_TAKEN', `another reader has taken over the chunks of task ${taskId}`)
    this.taskId = taskId
  }
}
