/**
 * Schemas of what goes into a task and of what comes out, from any library that speaks Standard Schema (zod, valibot,
 * arktype, …): the interface they share, what the types of a task become, and the check of a value. Needs no library.
 */

import { OptionError, SchemaError, type SchemaIssue } from './errors.ts'
import { type Check, flag, show } from './options.ts'

/** Of https://standardschema.dev, version 1 (`@standard-schema/spec` 1.1.0, MIT), which asks to be copied. */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaV1.Props<Input, Output>
}

export declare namespace StandardSchemaV1 {
  interface Props<Input = unknown, Output = Input> {
    readonly version: 1
    readonly vendor: string
    readonly validate: (
      value: unknown,
      options?: Options | undefined,
    ) => Result<Output> | Promise<Result<Output>>
    readonly types?: Types<Input, Output> | undefined
  }
  interface Options {
    readonly libraryOptions?: Record<string, unknown> | undefined
  }
  type Result<Output> = SuccessResult<Output> | FailureResult
  interface SuccessResult<Output> {
    readonly value: Output
    readonly issues?: undefined
  }
  interface FailureResult {
    readonly issues: readonly Issue[]
  }
  interface Issue {
    readonly message: string
    readonly path?: readonly (PropertyKey | PathSegment)[] | undefined
  }
  interface PathSegment {
    readonly key: PropertyKey
  }
  interface Types<Input = unknown, Output = Input> {
    readonly input: Input
    readonly output: Output
  }
  type InferInput<Schema extends StandardSchemaV1> = NonNullable<Schema['~standard']['types']>['input']
  type InferOutput<Schema extends StandardSchemaV1> = NonNullable<Schema['~standard']['types']>['output']
}

/** Undefined: the task has none there. */
export type MaybeSchema = StandardSchemaV1 | undefined
type InputOf<S extends StandardSchemaV1> = StandardSchemaV1.InferInput<S>
type OutputOf<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>

/** What a handler may take: what its input schema makes. */
export type HandlerArgs<I extends MaybeSchema> = I extends StandardSchemaV1 ? [input: OutputOf<I>] : unknown[]
/** What a handler may return: what its output schema takes. */
export type HandlerReturn<O extends MaybeSchema> = O extends StandardSchemaV1
  ? InputOf<O> | PromiseLike<InputOf<O>>
  : unknown
/** What callers pass. */
export type CallArgs<I extends MaybeSchema, Args extends unknown[]> = I extends StandardSchemaV1
  ? undefined extends InputOf<I>
    ? [input?: InputOf<I>]
    : [input: InputOf<I>]
  : Args
/** What callers get. A promise, because schemas may be asynchronous: `task.local` shows it. */
export type CallReturn<I extends MaybeSchema, O extends MaybeSchema, Return> = O extends StandardSchemaV1
  ? Promise<OutputOf<O>>
  : I extends StandardSchemaV1
    ? Promise<Awaited<Return>>
    : Return

export interface SchemaOptions<I extends MaybeSchema = MaybeSchema, O extends MaybeSchema = MaybeSchema> {
  /**
   * Of the one argument that the task has then, as a Standard Schema: callers pass what it takes, the handler gets what
   * it makes of it. A call whose argument does not fit throws SchemaError and sends nothing. What fits is sent as it was
   * given: the worker checks it again (within the timeout), and its answer is what counts. What does not fit there fails
   * the task without another attempt; what the schema itself throws is like an error of the handler.
   */
  readonly input?: I | undefined
  /**
   * Of what the handler returns, awaited: callers get what it makes of it. What does not fit fails the task without
   * another attempt. A handler that returns a literal may have to say so: `'sent' as const`.
   */
  readonly output?: O | undefined
  /**
   * False: calls are not checked against `input`, the worker alone does. An asynchronous `input` needs it, because a
   * call answers at once; without it such a call throws OptionError. Default true.
   */
  readonly validateCalls?: boolean | undefined
}

/** Of a task that has any. */
export interface Schemas {
  readonly input: MaybeSchema
  readonly output: MaybeSchema
  /** What a call is checked against. */
  readonly atCall: MaybeSchema
}

/** A schema, or absent. */
export const optionalSchema: Check<MaybeSchema> = (what, value) => {
  if (value === undefined) return undefined
  const isAny = (typeof value === 'object' && value !== null) || typeof value === 'function'
  const props = isAny ? (value as Partial<StandardSchemaV1>)['~standard'] : undefined
  if (props?.version === 1 && typeof props.validate === 'function') return value as StandardSchemaV1
  throw new OptionError(
    `${what} must be a Standard Schema, as of zod 3.24, valibot 1 or arktype 2 and later (given: ${show(value)})`,
  )
}

/** Undefined: none was given. Throws OptionError. */
export function resolveSchemas(owner: string, given: SchemaOptions): Schemas | undefined {
  const input = optionalSchema(`${owner}: input`, given.input)
  const output = optionalSchema(`${owner}: output`, given.output)
  const isCheckedAtCall = flag(true)(`${owner}: validateCalls`, given.validateCalls)
  if (!input && !isCheckedAtCall) {
    throw new OptionError(`${owner}: validateCalls: false is about \`input\`, which was not given`)
  }
  if (!input && !output) return undefined
  return { input, output, atCall: isCheckedAtCall ? input : undefined }
}

/** Undefined: it fits. */
export function misfit(
  task: string,
  where: 'input' | 'output',
  { issues }: StandardSchemaV1.Result<unknown>,
): SchemaError | undefined {
  return issues ? new SchemaError(task, where, issuesOf(issues)) : undefined
}

/** At the call, which cannot wait. Throws SchemaError, OptionError. */
export function checkCall(task: string, input: StandardSchemaV1, value: unknown): void {
  const result = input['~standard'].validate(value)
  if (isThenable(result)) {
    // Nobody looks at what becomes of it.
    result.then(undefined, () => {})
    throw new OptionError(
      `task ${task}: its input schema answered with a promise (it is asynchronous, or threw inside zod), and a call ` +
        'cannot wait: let the worker alone check (`validateCalls: false` on a definition; no `input` on a remote task)',
    )
  }
  const error = misfit(task, 'input', result)
  if (error) throw error
}

const MAX_ISSUES = 32
const MAX_PATH = 32
const MAX_MESSAGE = 1_000
const MAX_SEGMENT = 128

/** Messages and paths alone, in bounds, of whatever a library, or Redis, says that issues are. */
export function issuesOf(given: readonly unknown[]): SchemaIssue[] {
  return given.slice(0, MAX_ISSUES).map((issue) => {
    const { message, path } = (issue ?? {}) as Partial<Record<keyof SchemaIssue, unknown>>
    const whole = Array.isArray(path) ? path.slice(0, MAX_PATH) : []
    const words = typeof message === 'string' ? message : 'does not fit'
    return { message: words.slice(0, MAX_MESSAGE), path: whole.map(segmentOf) }
  })
}

function segmentOf(segment: unknown): string | number {
  const key = typeof segment === 'object' && segment !== null ? (segment as { key?: unknown }).key : segment
  if (typeof key === 'number') return key
  return typeof key === 'string' || typeof key === 'symbol' ? String(key).slice(0, MAX_SEGMENT) : '?'
}

export const isThenable = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
