/** A task as its callers see it: a typed function that enqueues. */

import { encodeCall } from '../envelope.ts'
import { OptionError, UnsupportedValueError } from '../errors.ts'
import { newTaskId } from '../ids.ts'
import { optionalInteger, optionalOneOf, resolve } from '../options.ts'
import { type Enqueuer, PendingCall } from './enqueue.ts'
import { type HandleServices, TaskHandle } from './handle.ts'

/** Options of a task or of one call. Times in ms. */
export interface TaskOptions {
  /** How long the result is kept. Default: the queue's (1 h). Less than 30 s counts as 30 s. */
  readonly resultTtl?: number
  /** How long a failure is kept. Default: the queue's (7 days). Less than 30 s counts as 30 s. */
  readonly failedTtl?: number
  /** Which line the call waits in: all of `high` is taken before `normal`, all of that before `low`. Default `normal`. */
  readonly priority?: Priority
}

export type Priority = 'high' | 'normal' | 'low'

// biome-ignore lint/suspicious/noExplicitAny: parameters of functions are compared contravariantly; unknown[] takes none
export type Handler = (...args: any[]) => unknown

/** A typed function that enqueues. `Return` is what the handler returns; the handle's result is awaited. */
export interface Task<Args extends unknown[], Return> {
  /** Enqueues a call and answers at once. Throws UnsupportedValueError or PayloadTooLargeError. */
  (...args: Args): TaskHandle<Awaited<Return>>
  /** The task's name on the queue. */
  readonly taskName: string
  /** The same callable with options bound for its calls. */
  with(options: TaskOptions): Task<Args, Return>
  /** Runs the handler here and now, without Redis. */
  local(...args: Args): Return
}

/** The callable for a task or handler type: `queue.remote<typeof fib>('fib')`. */
export type RemoteTask<T> =
  T extends Task<infer Args, infer Return>
    ? Task<Args, Return>
    : T extends (...args: infer Args) => infer Return
      ? Task<Args, Return>
      : never

export interface TaskServices extends HandleServices {
  readonly enqueuer: Enqueuer
  readonly maxPayload: number
  readonly checkOpen: () => void
}

const TASK_OPTIONS = {
  resultTtl: optionalInteger(0),
  failedTtl: optionalInteger(0),
  priority: optionalOneOf(['high', 'normal', 'low']),
}

/** Options that a task or a call may carry, by the door's rules: only what was given. */
export function resolveTaskOptions(owner: string, options: TaskOptions | undefined): TaskOptions {
  const resolved = resolve(owner, options, TASK_OPTIONS)
  return Object.fromEntries(Object.entries(resolved).filter(([, value]) => value !== undefined))
}

export function createTask<Args extends unknown[], Return>(
  services: TaskServices,
  name: string,
  local: (...args: Args) => Return,
  options: TaskOptions = {},
): Task<Args, Return> {
  // The priority is where the call lies; the rest of the options travels with it.
  const { priority = 'normal', ...callOptions } = options
  const enqueue = (...args: Args): TaskHandle<Awaited<Return>> => {
    services.checkOpen()
    for (let i = 0; i < args.length; i++) refusePromise(args[i], i)
    const packed = encodeCall(name, args, callOptions, services.maxPayload)
    const call = new PendingCall(newTaskId(), priority, packed)
    services.enqueuer.add(call)
    return new TaskHandle(call.id, services, call)
  }
  const bind = (more: TaskOptions): Task<Args, Return> => {
    return createTask(services, name, local, { ...options, ...resolveTaskOptions(`${name}.with`, more) })
  }
  Object.defineProperty(enqueue, 'name', { value: name })
  return Object.assign(enqueue, { taskName: name, with: bind, local })
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
