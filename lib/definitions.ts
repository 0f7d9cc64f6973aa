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
import { resolveBatch } from './gather-options.ts'
import { checkName } from './ids.ts'
import { partsOf } from './options.ts'
import type { CallArgs, CallReturn, HandlerArgs, HandlerReturn, MaybeSchema } from './schema.ts'
import {
  type BatchOptions,
  type DefinitionOptions,
  resolveDefinition,
  resolveRemote,
  type TaskDefaults,
} from './task-options.ts'
import { Together } from './together.ts'
import { type BatchCall, joinBatch, localBatch } from './work/batch.ts'
import { forLocal, forWorker } from './work/checked.ts'
import { Commits } from './work/commits.ts'
import { localContext, runWith } from './work/context.ts'
import type { Definition } from './work/registry.ts'

/** What callers of a batch task get: of an array each of its results, else what its calls are settled with. */
export type BatchValue<Given, Value> =
  Awaited<Given> extends readonly (infer Item)[] ? Exclude<Awaited<Item>, Error> : Value

/** What the queue lends its definitions. */
export interface Defining {
  readonly queue: string
  readonly services: TaskServices
  readonly defaults: TaskDefaults
  readonly onDefined: (taskName: string) => void
}

interface Defined {
  readonly options: DefinitionOptions<MaybeSchema, MaybeSchema> | undefined
  /** Of one call. */
  readonly onWorker: Handler
  /** For `task.local`. */
  readonly here: Handler
  readonly batch?: Definition['batch']
}

export abstract class Definitions extends Together {
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
    return this.#define(taskName, { options, onWorker: handler, here: handler })
  }

  /**
   * Defines a task whose calls are handled together: up to `size` of them, as they come. For callers each is a task of
   * its own, with its own retries, timeout and outcome. The handler returns their results in the order of the calls (an
   * Error for one that failed; undefined: all went well), throws for all of them, or settles single ones. Throws
   * OptionError, DuplicateTaskError.
   */
  batch<
    Args extends HandlerArgs<I>,
    Given,
    Value = unknown,
    I extends MaybeSchema = undefined,
    O extends MaybeSchema = undefined,
  >(
    taskName: string,
    handler: (calls: BatchCall<Args, Value>[]) => Given,
    options?: BatchOptions<I, O>,
  ): Task<CallArgs<I, Args>, CallReturn<I, O, Promise<BatchValue<Given, Value>>>> {
    checkName('task name', taskName)
    if (typeof handler !== 'function') throw new OptionError('queue.batch: expected a name and a function')
    const { size, linger, ...rest } = partsOf(`batch ${taskName}`, options)
    const plan = { ...resolveBatch(`batch ${taskName}`, { size, linger }), handler }
    const here = localBatch(taskName, handler)
    return this.#define(taskName, { options: rest, onWorker: joinBatch, here, batch: plan }) as never
  }

  #define(taskName: string, { options, onWorker, here, batch }: Defined): unknown {
    const { queue, services, defaults, onDefined } = this.defining()
    if (this.registry.has(taskName)) throw new DuplicateTaskError(taskName, queue)
    const owner = `${batch ? 'batch' : 'task'} ${taskName}`
    const { callers, workers, schemas, commit } = resolveDefinition(owner, options, defaults)
    if (batch && commit) throw new OptionError(`${owner}: a batch has no commit: its handler is one`)
    if (batch && workers.stream) throw new OptionError(`${owner}: a batch gives no stream of results`)
    this.registry.set(taskName, {
      ...{ name: taskName, handler: forWorker(taskName, onWorker, schemas), options: workers },
      ...{ batch, commits: commit && new Commits(commit) },
    })
    onDefined(taskName)
    const run = forLocal(taskName, here, schemas)
    const local = (...args: unknown[]): unknown => runWith(localContext(taskName), run, args)
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
