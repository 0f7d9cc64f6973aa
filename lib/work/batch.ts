/**
 * One run of a batch handler, for tasks that share a slot. Each is an attempt like others, with its own retries, times
 * and signal (execute.ts): its handler is a promise that ends with the batch.
 *
 *   gathering ──full, or due──► each attempt begins and joins ──► the handler runs ──returns──► each has its outcome
 */

import { types } from 'node:util'
import { BatchResultError, DoNotRetry } from '../errors.ts'
import { show } from '../options.ts'
import { isThenable } from '../schema.ts'
import { BatchContext, currentTask, localContext, RunContext, runWith, type TaskContext } from './context.ts'
import type { Held, Together } from './held.ts'
import type { BatchHandler } from './registry.ts'

/** One of the calls that a batch handler is given. */
export interface BatchCall<Args extends unknown[] = unknown[], Value = unknown> {
  /** Of its task. */
  readonly id: string
  readonly args: Args
  /** Of this task, 1 for the first. */
  readonly attempt: number
  /**
   * Of this call alone: aborts when its time is over, when it is cancelled or lost; and when the worker stops and cannot
   * wait longer.
   */
  readonly signal: AbortSignal
  readonly deadline: Date | undefined
  updateProgress(value: unknown): Promise<void>
  /** Its result, whatever the handler returns or throws; recorded when that has ended. The first word on a call counts. */
  succeed(value: Value): void
  /** Its error; `DoNotRetry` and `RetryLater` mean what they do where they are thrown. */
  fail(error: unknown): void
}

type Outcome = { readonly value: unknown } | { readonly error: unknown }

class OneCall implements BatchCall {
  readonly args: unknown[]
  readonly context: TaskContext
  readonly ended: Promise<unknown>
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void
  /** By its own word. */
  #own: Outcome | undefined

  constructor(context: TaskContext, args: unknown[]) {
    this.context = context
    this.args = args
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get id(): string {
    return this.context.id
  }

  get attempt(): number {
    return this.context.attempt
  }

  get signal(): AbortSignal {
    return this.context.signal
  }

  get deadline(): Date | undefined {
    return this.context.deadline
  }

  get updateProgress(): (value: unknown) => Promise<void> {
    return this.context.updateProgress
  }

  /** Bound, as all of it: `calls.map(({ args, succeed }) => …)`. */
  readonly succeed = (value: unknown): void => {
    this.#own ??= { value }
  }

  readonly fail = (error: unknown): void => {
    this.#own ??= { error }
  }

  /** outcome: of those that have none of their own. */
  end(outcome: Outcome): void {
    const own = this.#own ?? outcome
    if ('error' in own) this.#reject(own.error)
    else this.#resolve(own.value)
  }
}

/** onReturn: before the first of them has its outcome. */
function runTogether(
  name: string,
  handler: BatchHandler,
  calls: readonly OneCall[],
  onReturn: () => void,
): void {
  const endAll = (outcomeOf: (index: number) => Outcome): void => {
    onReturn()
    calls.forEach((call, index) => {
      call.end(outcomeOf(index))
    })
  }
  const returned = (given: unknown): void => endAll(outcomesOf(name, given, calls.length))
  const contexts = calls.map(({ context }) => context)
  const threw = (error: unknown): void => {
    const helds = contexts.map((context) => RunContext.heldOf(context))
    // Who heeds the signal of one of them, when the worker stops, heeds that of each.
    const isHeeding = helds.some((held) => held?.isHeeding(error))
    endAll((index) => ({ error: (isHeeding && helds[index]?.abortReason) || error }))
  }
  try {
    const given = runWith(new BatchContext(name, contexts), handler, [[...calls]])
    if (isThenable(given)) Promise.resolve(given).then(returned, threw)
    else returned(given)
  } catch (error) {
    threw(error)
  }
}

function outcomesOf(name: string, given: unknown, expected: number): (index: number) => Outcome {
  if (given === undefined) return () => ({ value: undefined })
  const got = Array.isArray(given) ? given.length : undefined
  if (got !== expected) {
    const what = got === undefined ? show(given) : `${got} results`
    const error = new DoNotRetry(new BatchResultError(name, expected, got, what))
    return () => ({ error })
  }
  return (index) => {
    const value: unknown = (given as unknown[])[index]
    return value instanceof Error || types.isNativeError(value) ? { error: value } : { value }
  }
}

export interface BatchOptions {
  readonly name: string
  readonly handler: BatchHandler
  readonly size: number
}

/** Those that are held for it, from the first that is gathered to the last that has ended. */
export class Batch implements Together {
  readonly name: string
  readonly members = new Set<Held>()
  waits = 0
  hasLent = false
  readonly #options: BatchOptions
  /** Members whose attempt has not come to the handler. */
  readonly #missing = new Set<Held>()
  readonly #calls: { readonly held: Held; readonly call: OneCall }[] = []
  #hasRun = false

  constructor(options: BatchOptions) {
    this.#options = options
    this.name = options.name
  }

  get isRunning(): boolean {
    return this.members.size > 0
  }

  get lack(): number {
    return this.#options.size - this.members.size
  }

  add(held: Held): void {
    held.state = 'gathering'
    held.batch = this
    this.members.add(held)
  }

  /** Their attempts follow at once. at: by the steady clock. */
  begin(at: number): Held[] {
    for (const held of this.members) {
      held.state = 'running'
      held.begunAt = at
      this.#missing.add(held)
    }
    return [...this.members]
  }

  /** The attempt of one has come to its handler. */
  join(held: Held, context: TaskContext, args: unknown[]): Promise<unknown> {
    const call = new OneCall(context, args)
    this.#calls.push({ held, call })
    this.#missing.delete(held)
    this.#look()
    return call.ended
  }

  leave(held: Held): boolean {
    if (!this.members.delete(held)) return false
    if (this.#missing.delete(held)) this.#look()
    return this.members.size === 0
  }

  /** Schemas may take their time with one call, or refuse it. */
  #look(): void {
    if (this.#hasRun || this.#missing.size > 0) return
    this.#hasRun = true
    const { name, handler } = this.#options
    const isWanted = ({ held }: { held: Held }): boolean => held.isRunning && !held.givenUp
    const calls = this.#calls.filter(isWanted)
    for (const { held, call } of this.#calls) {
      if (!isWanted({ held })) call.end({ error: held.abortReason })
    }
    if (calls.length === 0) return
    const started = performance.now()
    const onReturn = (): void => {
      const each = (performance.now() - started) / calls.length
      for (const { held } of calls) held.slotTime = each
    }
    runTogether(
      name,
      handler,
      calls.map(({ call }) => call),
      onReturn,
    )
  }
}

/** The handler of each call of a batch task, as a worker runs it. */
export function joinBatch(...args: unknown[]): Promise<unknown> {
  const context = currentTask()
  const held = RunContext.heldOf(context)
  if (held?.batch instanceof Batch) return held.batch.join(held, context, args)
  throw new Error('a call of a batch task that is in no batch')
}

/** As `task.local` runs it: a batch of one. */
export const localBatch =
  (name: string, handler: BatchHandler) =>
  (...args: unknown[]): Promise<unknown> => {
    const call = new OneCall(localContext(name), args)
    runTogether(name, handler, [call], () => {})
    return call.ended
  }
