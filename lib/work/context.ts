/** What a handler can know of its own run. It travels with the async context, so signatures stay the user's. */

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../clock.ts'
import { NoCurrentTaskError } from '../errors.ts'
import type { Source } from '../streams.ts'
import type { Held } from './held.ts'

export interface TaskContext {
  readonly id: string
  readonly name: string
  /** 1 for the first. */
  readonly attempt: number
  /**
   * Aborts when the attempt's time is over, when the task is cancelled, when the worker stops and cannot wait longer, or
   * when the task was given to another worker; `signal.reason` says which.
   */
  readonly signal: AbortSignal
  /** When the whole task has to be over; undefined: it has no deadline. */
  readonly deadline: Date | undefined
  /**
   * Sets the task's progress: any value that could be an argument. Throws for one that cannot be sent. Resolves
   * when Redis has it, or when the task is not this worker's any more; it never rejects.
   */
  updateProgress(value: unknown): Promise<void>
}

interface Services {
  readonly clock: Clock
  readonly updateProgress: (held: Held, value: unknown) => Promise<void>
  readonly whileWaiting: <T>(held: Held, wait: Promise<T>) => Promise<T>
}

/** A class, because one is made for every task: its parts are made when they are asked for. */
export class RunContext implements TaskContext {
  readonly name: string
  readonly #held: Held
  readonly #services: Services

  constructor(held: Held, name: string, services: Services) {
    this.name = name
    this.#held = held
    this.#services = services
  }

  get id(): string {
    return this.#held.id
  }

  /** What is held here, for those who run it. */
  static heldOf(context: TaskContext): Held | undefined {
    return context instanceof RunContext ? context.#held : undefined
  }

  get attempt(): number {
    return this.#held.attempt
  }

  get signal(): AbortSignal {
    return this.#held.signal
  }

  get deadline(): Date | undefined {
    const { deadline } = this.#held
    return deadline === undefined ? undefined : new Date(deadline)
  }

  /** Bound: `const { updateProgress } = currentTask()` is how people take it. */
  get updateProgress(): (value: unknown) => Promise<void> {
    return (value) => this.#services.updateProgress(this.#held, value)
  }

  /** Ms until the deadline. */
  get timeLeft(): number | undefined {
    const { deadline } = this.#held
    return deadline === undefined ? undefined : Math.max(0, Math.ceil(deadline - this.#services.clock.now))
  }

  whileWaiting<T>(wait: Promise<T>): Promise<T> {
    return this.#services.whileWaiting(this.#held, wait)
  }
}

/** Of a batch handler: there is no one task that it could be asked for. What it calls has the least time of all of them. */
export class BatchContext {
  readonly #name: string
  readonly #calls: readonly TaskContext[]

  constructor(name: string, calls: readonly TaskContext[]) {
    this.#name = name
    this.#calls = calls
  }

  get task(): never {
    throw new NoCurrentTaskError(
      `currentTask(): the batch handler "${this.#name}" runs several tasks at once; use the calls that it is given`,
    )
  }

  get timeLeft(): number | undefined {
    const each = this.#own.map(({ timeLeft }) => timeLeft).filter((left) => left !== undefined)
    return each.length > 0 ? Math.min(...each) : undefined
  }

  /** The slot of any of them is the batch's. */
  whileWaiting<T>(wait: Promise<T>): Promise<T> {
    const [first] = this.#own
    return first ? first.whileWaiting(wait) : wait
  }

  get #own(): RunContext[] {
    return this.#calls.filter((call) => call instanceof RunContext)
  }
}

const storage = new AsyncLocalStorage<TaskContext | BatchContext | undefined>()

/** The running task. Throws NoCurrentTaskError outside of a handler, and in a batch handler. */
export function currentTask(): TaskContext {
  const context = storage.getStore()
  if (!context) throw new NoCurrentTaskError()
  return context instanceof BatchContext ? context.task : context
}

/** Of the task whose handler makes a call here; undefined outside of one. */
export function timeLeft(): number | undefined {
  const context = storage.getStore()
  return isOfWorker(context) ? context.timeLeft : undefined
}

/** Inside a handler its slot is lent to others until the wait is over. */
export function whileWaiting<T>(wait: Promise<T>): Promise<T> {
  const context = storage.getStore()
  return isOfWorker(context) ? context.whileWaiting(wait) : wait
}

const isOfWorker = (context: TaskContext | BatchContext | undefined): context is RunContext | BatchContext =>
  context instanceof RunContext || context instanceof BatchContext

/** Whatever task it is called by. */
export const outsideOfTasks = <R>(run: () => R): R => storage.run(undefined, run)

export function runWith<Args extends unknown[], R>(
  context: TaskContext | BatchContext,
  run: (...args: Args) => R,
  args: Args,
): R {
  return storage.run(context, run, ...args)
}

/** A generator whose parts run where it was made: whoever takes its values may be somewhere else. */
export function staysHere(source: Source): Source {
  const made = source as unknown as Record<
    'next' | 'return' | 'throw',
    ((value?: unknown) => unknown) | undefined
  >
  if (typeof made.next !== 'function') return source
  const here = AsyncLocalStorage.snapshot()
  const own = (['next', 'return', 'throw'] as const).filter((name) => typeof made[name] === 'function')
  const parts = own.map((name) => [name, (value?: unknown) => here(() => made[name]?.(value))])
  return Object.assign(Object.create(source), Object.fromEntries(parts))
}

/** The context of `task.local(...)`: progress goes nowhere, nothing aborts. */
export const localContext = (name: string): TaskContext => ({
  id: 'local',
  name,
  attempt: 1,
  signal: new AbortController().signal,
  deadline: undefined,
  updateProgress: () => Promise.resolve(),
})
