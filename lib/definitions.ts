/** A queue's tasks: what is defined here, by name, and the callables that come of it. */

import type { TaskServices } from './call/services.ts'
import {
  createTask,
  type Handler,
  noLocal,
  type RemoteOptions,
  type RemoteTask,
  type Task,
} from './call/task.ts'
import { DuplicateTaskError, OptionError } from './errors.ts'
import { checkName } from './ids.ts'
import { Operations } from './operations.ts'
import type { CallArgs, CallReturn, HandlerArgs, HandlerReturn, MaybeSchema } from './schema.ts'
import {
  type DefinitionOptions,
  resolveDefinition,
  resolveRemote,
  type TaskDefaults,
} from './task-options.ts'
import { forLocal, forWorker } from './work/checked.ts'
import { localContext, runWith } from './work/context.ts'
import type { Definition } from './work/registry.ts'

/** What the queue lends its definitions. */
export interface Defining {
  readonly queue: string
  readonly services: TaskServices
  readonly defaults: TaskDefaults
  readonly onDefined: (taskName: string) => void
}

export abstract class Definitions extends Operations {
  protected readonly registry = new Map<string, Definition>()

  protected abstract defining(): Defining

  /** Of the tasks that are defined here, in the order of their definitions. */
  get taskNames(): string[] {
    return [...this.registry.keys()]
  }

  /**
   * Defines a task: a typed function that enqueues. The name is the contract between processes; it is the
   * function's own where none is given. Throws OptionError, DuplicateTaskError.
   */
  task<
    Args extends HandlerArgs<I>,
    Return extends HandlerReturn<O>,
    I extends MaybeSchema = undefined,
    O extends MaybeSchema = undefined,
  >(
    taskName: string,
    handler: (...args: Args) => Return,
    options?: DefinitionOptions<I, O>,
  ): Task<CallArgs<I, Args>, CallReturn<I, O, Return>>
  task<
    Args extends HandlerArgs<I>,
    Return extends HandlerReturn<O>,
    I extends MaybeSchema = undefined,
    O extends MaybeSchema = undefined,
  >(
    handler: (...args: Args) => Return,
    options?: DefinitionOptions<I, O>,
  ): Task<CallArgs<I, Args>, CallReturn<I, O, Return>>
  task(first: string | Handler, second?: Handler | DefinitionOptions, third?: DefinitionOptions): unknown {
    const isNamed = typeof first !== 'function'
    const handler = isNamed ? second : first
    const options = isNamed ? third : (second as DefinitionOptions | undefined)
    if (typeof handler !== 'function') throw new OptionError('queue.task: expected a name and a function')
    const taskName = isNamed
      ? checkName('task name', first)
      : checkName("the function's own name (give another as the first argument)", first.name)
    const { queue, services, defaults, onDefined } = this.defining()
    if (this.registry.has(taskName)) throw new DuplicateTaskError(taskName, queue)
    const { callers, workers, schemas } = resolveDefinition(`task ${taskName}`, options, defaults)
    const run = forWorker(taskName, handler, schemas)
    this.registry.set(taskName, { name: taskName, handler: run, options: workers })
    const here = forLocal(taskName, handler, schemas)
    onDefined(taskName)
    const local = (...args: unknown[]): unknown => runWith(localContext(taskName), here, args)
    return createTask(services, taskName, local, callers, schemas?.atCall)
  }

  /** The callable of a task that is defined elsewhere: `queue.remote<typeof fib>('fib')`. */
  remote<T>(taskName: string, options?: RemoteOptions<T>): RemoteTask<T> {
    checkName('task name', taskName)
    const { services, defaults } = this.defining()
    const { callers, input } = resolveRemote(`remote ${taskName}`, options, defaults)
    const local = noLocal(taskName)
    return createTask(services, taskName, local, callers, input) as unknown as RemoteTask<T>
  }
}
