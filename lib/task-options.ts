/**
 * Options of a task and of one call, checked once. Some are for Redis (when, where, under which key), some for the
 * worker (how often, how long): those of a definition stay with its worker, those of `with` travel with the call.
 */

import type { Backoff, CallOptions } from './envelope.ts'
import { OptionError } from './errors.ts'
import { type BatchSize, type CommitOptions, type CommitPlan, resolveCommit } from './gather-options.ts'
import { type LimitOptions, limitOption } from './limits.ts'
import {
  type Check,
  flag,
  integer,
  optionalInteger,
  optionalMoment,
  optionalName,
  optionalOneOf,
  optionalTime,
  partsOf,
  resolve,
  show,
} from './options.ts'
import {
  type MaybeSchema,
  optionalSchema,
  resolveSchemas,
  type SchemaOptions,
  type Schemas,
} from './schema.ts'
import { type StreamPlan, type StreamSettings, streamPlan } from './streams.ts'
import { type AfterOptions, type AnyCallbacks, TIE_OPTIONS } from './tie-options.ts'

export type Priority = 'high' | 'normal' | 'low'

/** Options of a task or of one call. Times in ms. */
export interface TaskOptions extends AfterOptions {
  /** How long the result is kept. Default: the queue's (1 h). Less than 30 s counts as 30 s. */
  readonly resultTtl?: number | undefined
  /** How long a failure is kept. Default: the queue's (7 days). Less than 30 s counts as 30 s. */
  readonly failedTtl?: number | undefined
  /** Which line the call waits in: all of `high` is taken before `normal`, all of that before `low`. Default `normal`. */
  readonly priority?: Priority | undefined
  /** Ahead of all lanes, behind those that are `first` already; `newest`: of those that say so the last comes first (with a delay: as true). */
  readonly first?: boolean | 'newest' | undefined
  /** Begins after so long, at the soonest. */
  readonly delay?: number | undefined
  /** Begins at this time, at the soonest: a Date or epoch ms. */
  readonly at?: Date | number | undefined
  /** Expires where it has not begun after so long (counted from `delay` or `at`). */
  readonly ttl?: number | undefined
  /** Expires where it has not ended after so long. Calls made inside its handler inherit what is left. */
  readonly deadline?: number | undefined
  /**
   * How long one attempt may run: then its signal aborts, and it counts as failed, even if it ends well a little later.
   * A handler that blocks the event loop hears no signal: one that has not returned half a second later, or not reached
   * its first `await`, costs the worker its process (`onOverrun`). What blocks after its first `await` is not seen.
   */
  readonly timeout?: number | undefined
  /** Further attempts after one that failed. Default 0. */
  readonly retries?: number | undefined
  /** Ms between attempts, or how they grow. Default: exponential from 1 s, half of it chance, at most 1 h. */
  readonly backoff?: number | Backoff | undefined
  /** At most one live task with this key: another call joins it, and gets its result. */
  readonly key?: string | undefined
  /** Name and arguments are the key. */
  readonly unique?: boolean | undefined
  /** Holds the key for so long from the call, however soon the task succeeds; one that failed, was cancelled or expired lets the next call run. */
  readonly keyTtl?: number | undefined
  /** What a call does whose key is held: `join` the live task, or run `again` once after it, with the newest arguments. Default `join`. */
  readonly onDuplicate?: 'join' | 'again' | undefined
  /** How often calls of one key begin, how many run at once, and turns between keys. `false`: this call has none. Default: none. */
  readonly limit?: LimitOptions | false | undefined
  /** False: the call is sent by itself, also inside of `queue.transaction`. Default true. */
  readonly transaction?: boolean | undefined
}

/** Of a definition: functions stay on the worker's side. */
export interface DefinitionOptions<I extends MaybeSchema = undefined, O extends MaybeSchema = undefined>
  extends Omit<TaskOptions, 'backoff'>,
    AnyCallbacks,
    CommitOptions,
    SchemaOptions<I, O>,
    StreamSettings {
  /** As for a call, or a function: ms until the next attempt, by the number of the one that failed and its error. */
  readonly backoff?: number | Backoff | ((attempt: number, error: unknown) => number) | undefined
  /**
   * Whether an error is worth another attempt. Default: every error is. Where there is a `timeout`, this and a function
   * `backoff` are asked about its error before each attempt that has retries left: while a handler blocks, nobody can.
   */
  readonly retryIf?: ((error: unknown) => boolean) | undefined
}

/** Of `queue.batch`: those of a task, and how many calls make a batch. */
export interface BatchOptions<I extends MaybeSchema = undefined, O extends MaybeSchema = undefined>
  extends Omit<DefinitionOptions<I, O>, keyof CommitOptions | keyof StreamSettings>,
    BatchSize {}

const MAX_RETRIES = 1_000_000

const BACKOFF_PARTS = {
  type: optionalOneOf(['fixed', 'exponential']),
  delay: optionalTime(),
  max: optionalTime(),
  jitter: (what: string, value: unknown): number | undefined => {
    if (value === undefined || (typeof value === 'number' && value >= 0 && value <= 1)) return value
    throw new OptionError(`${what} must be a number from 0 to 1 (given: ${show(value)})`)
  },
}

const backoff: Check<Backoff | undefined> = (what, value) => {
  if (value === undefined) return undefined
  if (typeof value === 'number') return { type: 'fixed', delay: optionalTime()(what, value)! }
  if (typeof value !== 'object' || value === null) {
    throw new OptionError(
      `${what} must be a number of ms or { type, delay, max, jitter } (given: ${show(value)})`,
    )
  }
  const { type = 'exponential', delay, max, jitter } = resolve(what, value, BACKOFF_PARTS)
  if (delay === undefined) throw new OptionError(`${what}: delay is missing, a number of ms`)
  return { type, delay, ...(max !== undefined && { max }), ...(jitter !== undefined && { jitter }) }
}

const optional =
  <T>(check: Check<T>): Check<T | undefined> =>
  (what, value) =>
    value === undefined ? undefined : check(what, value)

const CALL_OPTIONS = {
  resultTtl: optionalInteger(0),
  failedTtl: optionalInteger(0),
  priority: optionalOneOf(['high', 'normal', 'low']),
  first: (what: string, value: unknown): boolean | 'newest' | undefined => {
    if (value === undefined || value === 'newest' || typeof value === 'boolean') return value
    throw new OptionError(`${what} must be true, false or 'newest' (given: ${show(value)})`)
  },
  delay: optionalTime(),
  at: optionalMoment(),
  ttl: optionalTime(),
  deadline: optionalTime(),
  timeout: optional(integer(0, 1, 2 ** 31 - 1)),
  retries: optional(integer(0, 0, MAX_RETRIES)),
  backoff,
  key: optionalName(),
  unique: optional(flag(false)),
  keyTtl: optionalTime(),
  onDuplicate: optionalOneOf(['join', 'again']),
  limit: limitOption,
  transaction: optional(flag(true)),
  ...TIE_OPTIONS,
}

/** Options that a queue may give to all of its tasks. Times in ms. */
export type TaskDefaults = Pick<
  TaskOptions,
  'resultTtl' | 'failedTtl' | 'ttl' | 'deadline' | 'timeout' | 'retries' | 'backoff' | 'limit'
>

/** Only what was given. */
export const taskDefaults: Check<TaskDefaults> = (what, value) => {
  const { resultTtl, failedTtl, ttl, deadline, timeout, retries, backoff, limit } = CALL_OPTIONS
  const checks = { resultTtl, failedTtl, ttl, deadline, timeout, retries, backoff, limit }
  return onlyGiven(resolve(what, value as object | undefined, checks))
}

export type ResolvedTaskOptions = { [K in keyof typeof CALL_OPTIONS]?: ReturnType<(typeof CALL_OPTIONS)[K]> }

/** What the worker of a definition does when the call says nothing. */
export interface WorkerPlan extends Omit<CallOptions, 'backoff'> {
  readonly backoff?: Backoff | ((attempt: number, error: unknown) => number)
  readonly retryIf?: (error: unknown) => boolean
  readonly stream?: StreamPlan
}

/** Only what was given. Throws OptionError. */
export function resolveTaskOptions(
  owner: string,
  options: (TaskOptions & AnyCallbacks) | undefined,
): ResolvedTaskOptions {
  const resolved = onlyGiven(resolve(owner, options, CALL_OPTIONS)) as ResolvedTaskOptions
  const exclude = (a: keyof ResolvedTaskOptions, b: keyof ResolvedTaskOptions): void => {
    if (resolved[a] === undefined || resolved[a] === false || resolved[b] === undefined) return
    throw new OptionError(`${owner}: ${a} and ${b} exclude each other; give one of them`)
  }
  exclude('delay', 'at')
  exclude('first', 'priority')
  exclude('unique', 'key')
  if (resolved.limit && resolved.first === 'newest') {
    throw new OptionError(
      `${owner}: limit and first: 'newest' exclude each other; those of one key go in their order`,
    )
  }
  return resolved
}

/** Those of a definition, by whose they are: the callers' and the worker's. */
export function resolveDefinition(
  owner: string,
  options: DefinitionOptions<MaybeSchema, MaybeSchema> | undefined,
  defaults: TaskDefaults = {},
): {
  callers: ResolvedTaskOptions
  workers: WorkerPlan
  schemas: Schemas | undefined
  commit: CommitPlan | undefined
} {
  const {
    backoff: given,
    retryIf,
    input,
    output,
    validateCalls,
    streamBuffer,
    onStreamFull,
    streamPatience,
    commit,
    commitEvery,
    linger,
    ...rest
  } = {
    ...defaults,
    ...onlyGiven(partsOf(owner, options)),
  } as DefinitionOptions<MaybeSchema, MaybeSchema>
  if (retryIf !== undefined && typeof retryIf !== 'function') {
    throw new OptionError(`${owner}: retryIf must be a function of the error (given: ${show(retryIf)})`)
  }
  const isFunction = typeof given === 'function'
  const resolved = resolveTaskOptions(owner, { ...rest, ...(isFunction ? {} : { backoff: given }) })
  const { resultTtl, failedTtl, retries, timeout, backoff: parts, ...callers } = resolved
  const stream = streamPlan(owner, { streamBuffer, onStreamFull, streamPatience })
  const plan = {
    resultTtl,
    failedTtl,
    retries,
    timeout,
    backoff: isFunction ? given : parts,
    retryIf,
    stream,
  }
  const schemas = resolveSchemas(owner, { input, output, validateCalls })
  const gathered = resolveCommit(owner, { commit, commitEvery, linger }, timeout)
  return { callers, workers: onlyGiven(plan) as WorkerPlan, schemas, commit: gathered }
}

/** Those of a remote task. */
export function resolveRemote(
  owner: string,
  options: (TaskOptions & AnyCallbacks & Pick<SchemaOptions, 'input'>) | undefined,
  defaults: TaskDefaults = {},
): { callers: ResolvedTaskOptions; input: MaybeSchema } {
  const { input, ...rest } = partsOf(owner, options)
  return {
    callers: resolveTaskOptions(owner, { ...defaults, ...onlyGiven(rest) }),
    input: optionalSchema(`${owner}: input`, input),
  }
}

export const onlyGiven = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
