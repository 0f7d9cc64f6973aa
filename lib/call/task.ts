/** A task as its callers see it: a typed function that enqueues. */

import { createHash } from 'node:crypto'
import { type CallPlan, planOf } from '../call-plan.ts'
import { encodeCall } from '../envelope.ts'
import { OptionError, UnsupportedValueError } from '../errors.ts'
import { limitKey } from '../limits.ts'
import { partsOf, show } from '../options.ts'
import type { EndState, TaskState } from '../record.ts'
import type { How } from '../redis/wire.ts'
import { checkCall, type MaybeSchema, type StandardSchemaV1 } from '../schema.ts'
import type { ChunkOf, ResultOf } from '../streams.ts'
import { resolveTaskOptions, type TaskOptions } from '../task-options.ts'
import type { AnyCallbacks } from '../tie-options.ts'
import type { PendingCall } from './batch.ts'
import { TaskHandle } from './handle.ts'
import { hearWishes } from './hearers.ts'
import { makeCall } from './make.ts'
import { type CallParts, PreparedCall, type PreparedStep } from './prepared.ts'
import { openScope } from './scope.ts'
import { servicesOf, type TargetOptions, type TaskServices } from './services.ts'
import { afterWishes, callbacksOf, parentsOf } from './ties.ts'

// biome-ignore lint/suspicious/noExplicitAny: parameters of functions are compared contravariantly; unknown[] takes none
export type Handler = (...args: any[]) => unknown

/** A typed function that enqueues. `Return` is what the handler returns; the handle's result is awaited, and of a generator its end. */
export interface Task<Args extends unknown[], Return> {
  /** Enqueues a call and answers at once. Throws SchemaError, UnsupportedValueError or PayloadTooLargeError. */
  (...args: Args): TaskHandle<ResultOf<Return>, ChunkOf<Return>>
  /** The task's name on the queue. */
  readonly taskName: string
  /** The same callable with options bound for its calls. With `queue`: of another queue. */
  with(options: TaskOptions & CallbackOptions<ResultOf<Return>> & TargetOptions): Task<Args, Return>
  /** Runs the handler here and now, without Redis. With schemas it checks as a worker does, and answers a promise. */
  local(...args: Args): Return
  /**
   * The same for each list of arguments, as handles in their order. Where one of them throws, no call is made. For more
   * than a caller should hold at once there is `queue.enqueueMany`.
   */
  many(argsList: Iterable<Args | Readonly<Args>>): TaskHandle<ResultOf<Return>, ChunkOf<Return>>[]
  /**
   * A call that is not made yet, for `queue.enqueueMany`, callbacks, flows and schedules. Its arguments are checked and
   * packed now. Throws SchemaError, UnsupportedValueError or PayloadTooLargeError.
   */
  prepare(...args: Args): PreparedCall<ResultOf<Return>, Front<Args>>
  /** The same without its first argument, which comes from elsewhere: from the step before it, in a flow. */
  prepare(...rest: Rest<Args>): PreparedStep<ResultOf<Return>, Args[0]>
  /** How the task stands that holds the key of this call: see `Found`. Throws OptionError for a task without a key. */
  find(...args: Args): Promise<Found<ResultOf<Return>, ChunkOf<Return>>>
  /**
   * Makes sure that there is a live task with the key of this call, in one step: where there is none it is enqueued;
   * with `first`, one that waits goes to the front. Answers how it stood before. Throws OptionError for a task without
   * a key.
   */
  ensure(...args: Args): Promise<Ensured<ResultOf<Return>, ChunkOf<Return>>>
}

/** What `onFailure` with `withError` gives: of the task's error what can be told in plain fields, and how the task ended. */
export interface TaskFailure {
  readonly name: string
  readonly message: string
  readonly code: string | number | undefined
  readonly state: EndState
}

type Callback<In, With> = PreparedCall<unknown> | ({ readonly call: PreparedStep<unknown, In> } & With)
type OneOrMore<T> = T | readonly T[]

/** Callbacks by the type of what they are given. */
export interface CallbackOptions<R> {
  readonly onSuccess?: OneOrMore<Callback<R, { readonly withResult: true }>> | undefined
  readonly onFailure?: OneOrMore<Callback<TaskFailure, { readonly withError: true }>> | undefined
  // biome-ignore lint/suspicious/noExplicitAny: what a handler reports has no type; any is what a call must be able to take
  readonly onProgress?: OneOrMore<Callback<any, { readonly withProgress: true }>> | undefined
}

/** What may be put in front of a whole call: nothing where it would be one argument too many. */
type Front<Args extends unknown[]> = Args extends [] ? unknown : [] extends Args ? Args[0] : never

type Rest<Args extends unknown[]> = Args extends [unknown?, ...infer Others] ? Others : never

/** `none`: no task has that key, or it ended well. `failed`: the last one did, and is kept. */
export interface Found<R, C = unknown> {
  readonly state: TaskState | 'none'
  /** Of that task, live or failed. */
  readonly handle: TaskHandle<R, C> | undefined
}

export interface Ensured<R, C = unknown> {
  /** Before: of the task that holds the key, or held it last. */
  readonly state: TaskState | 'none'
  /** Of the live task. */
  readonly handle: TaskHandle<R, C>
}

/** The callable for a task or handler type: `queue.remote<typeof fib>('fib')`. */
export type RemoteTask<T> =
  T extends Task<infer Args, infer Return>
    ? Task<Args, Return>
    : T extends (...args: infer Args) => infer Return
      ? Task<Args, Return>
      : never

/** Of a remote task. */
export interface RemoteOptions<T> extends TaskOptions, AnyCallbacks {
  /** Calls are checked against it, as those of the definition: throws SchemaError. For tasks of one argument. */
  readonly input?: StandardSchemaV1<OneArgument<RemoteTask<T>>, unknown> | undefined
}

type OneArgument<T> = T extends (...args: infer Args) => unknown
  ? Args extends [unknown?]
    ? Args[0]
    : never
  : never

export type Resolved = ReturnType<typeof resolveTaskOptions>

export function createTask<Args extends unknown[], Return>(
  services: TaskServices,
  name: string,
  local: (...args: Args) => Return,
  options: Resolved = {},
  input?: MaybeSchema,
): Task<Args, Return> {
  const plan = planOf(options)
  const owner = `task ${name}`
  const parents = parentsOf(owner, services, plan.after ?? [])
  const ties = [...afterWishes(parents, plan.onParentFailure), ...hearWishes(services, plan.hearers ?? [])]
  const callbacks = callbacksOf(services, plan.callbacks ?? [])
  const { limit } = plan
  const isFixed = !plan.isUnique && typeof limit?.key !== 'function'
  const howFor = (args: readonly unknown[], key = plan.key) =>
    howOf(plan, ties, key, limit && limitKey(name, limit, args))
  const fixed = isFixed ? howFor([]) : undefined
  type Handle = TaskHandle<ResultOf<Return>, ChunkOf<Return>>
  // A schema is of one argument, as a function of one is: `list.map(task)` gives three.
  const meant = (args: Args): Args => (input && args.length > 1 ? (args.slice(0, 1) as Args) : args)
  const keyOf = (args: Args): string | undefined =>
    plan.isUnique ? uniqueKey(name, meant(args), services.maxPayload) : plan.key
  const { lane, deadline, isAlone } = plan
  const checked = (args: Args): void => {
    if (input) checkCall(name, input, args[0])
  }
  /** isWhole: its only argument does not come from elsewhere. */
  const pack = (given: Args, isWhole = true): CallParts => {
    services.checkOpen()
    const args = meant(given)
    for (let i = 0; i < args.length; i++) refusePromise(args[i], i)
    if (isWhole) checked(args)
    const packed = encodeCall(name, args, plan.options, services.maxPayload)
    const how = isFixed ? fixed : howFor(args, keyOf(args))
    const check = isWhole ? undefined : (): void => checked(args)
    return { lane, packed, how, deadline, isAlone, check, parents: parents.calls, callbacks }
  }
  const handleOf = (call: PendingCall): Handle => new TaskHandle(call.id, services, call)
  const enqueue = (...args: Args): Handle => handleOf(makeCall(services, pack(args)))
  const many = (argsList: Iterable<Args | Readonly<Args>>): Handle[] => {
    if (typeof argsList !== 'object' || !(Symbol.iterator in argsList)) {
      throw new OptionError(`${name}.many: expected a list of lists of arguments (given: ${show(argsList)})`)
    }
    const lists = Array.from(argsList)
    lists.forEach((args, index) => {
      if (Array.isArray(args)) return
      throw new OptionError(`${name}.many: item ${index} must be a list of arguments (given: ${show(args)})`)
    })
    return lists.map((args) => pack(args as Args)).map((parts) => handleOf(makeCall(services, parts)))
  }
  const prepare = (...args: Args) =>
    new PreparedCall<ResultOf<Return>, Front<Args>>(
      services,
      name,
      pack(args, input === undefined || args.length > 0),
    )
  const find = async (...args: Args): Promise<Found<ResultOf<Return>, ChunkOf<Return>>> => {
    const found = await services.find(needKey(`${name}.find`, keyOf(args)))
    return { state: found.state, handle: found.id ? new TaskHandle(found.id, services) : undefined }
  }
  const ensure = async (...args: Args): Promise<Ensured<ResultOf<Return>, ChunkOf<Return>>> => {
    needKey(`${name}.ensure`, keyOf(args))
    if (!isAlone && openScope()) {
      throw new OptionError(
        `${name}.ensure waits for Redis, and a transaction sends its calls at its end: with({ transaction: false })`,
      )
    }
    const call = makeCall(services, pack(args))
    const handle = handleOf(call)
    await handle.enqueued
    return { state: call.fate?.before ?? 'none', handle }
  }
  const bind = (more: TaskOptions & AnyCallbacks & TargetOptions): Task<Args, Return> => {
    const { queue, ...rest } = partsOf(`${name}.with`, more)
    const both = override(options, resolveTaskOptions(`${name}.with`, rest))
    const target = queue === undefined ? services : servicesOf(`${name}.with: queue`, queue)
    return createTask(target, name, local, both, input)
  }
  Object.defineProperty(enqueue, 'name', { value: name })
  const members = { taskName: name, with: bind, local, many, prepare: prepare as never, find, ensure }
  return Object.assign(enqueue, members)
}

/** Of options that exclude each other the newer one counts. */
function override(options: Resolved, more: Resolved): Resolved {
  const { delay, at, priority, first, key, unique, ...rest } = options
  return {
    ...rest,
    ...(more.at === undefined && more.delay === undefined && { delay, at }),
    ...(more.priority === undefined && more.first === undefined && { priority, first }),
    ...(more.key === undefined && more.unique === undefined && { key, unique }),
    ...more,
  }
}

function needKey(what: string, key: string | undefined): string {
  if (key !== undefined) return key
  throw new OptionError(
    `${what} needs a key: define the task with \`unique: true\`, or call it with({ key })`,
  )
}

/** What Redis has to know besides the lane; undefined: nothing, as of most calls. */
function howOf(
  plan: CallPlan,
  ties: How,
  key: string | undefined,
  line: string | undefined,
): How | undefined {
  const how: How[number][] = [...ties]
  const say = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) how.push(name, value)
  }
  say('in', plan.delay)
  say('at', plan.at)
  say('ttl', plan.ttl)
  say('deadline', plan.deadline)
  say('newest', plan.isNewest ? 1 : undefined)
  say('key', key)
  if (key !== undefined) {
    say('hold', plan.keyTtl || undefined)
    say('again', plan.again ? 1 : undefined)
    say('up', plan.lane === 'first' ? 1 : undefined)
  }
  if (line !== undefined) {
    say('line', line)
    say('slots', plan.limit?.concurrency)
    say('max', plan.limit?.max)
    say('per', plan.limit?.per)
  }
  return how.length > 0 ? how : undefined
}

/** Of name and arguments as they are packed: equal values in the same order of fields. */
function uniqueKey(name: string, args: readonly unknown[], maxPayload: number): string {
  return createHash('sha256')
    .update(encodeCall(name, args, {}, maxPayload))
    .digest('base64url')
}

/** For a caller that has no handler. */
export function noLocal(name: string): () => never {
  return () => {
    throw new OptionError(`${name}.local: this is a remote task; its handler is not in this process`)
  }
}

/** The mistake is common, and a promise would arrive as an empty object. */
function refusePromise(value: unknown, index: number): void {
  if (typeof value !== 'object' || value === null) return
  if (typeof (value as { then?: unknown }).then === 'function') {
    throw new UnsupportedValueError(`arguments[${index}]`, 'is a promise: await it before it is sent')
  }
}
