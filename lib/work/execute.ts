/** Runs the handler of one held task and packs what came out. Never throws: whatever goes wrong is an outcome. */

import { encode } from '../codec.ts'
import { type Call, clientOf, decodeCall, encodeNameOnly, HEAD_ROOM, withoutClient } from '../envelope.ts'
import { PayloadTooLargeError, UnknownTaskError } from '../errors.ts'
import type { OutcomeState } from '../record.ts'
import type { Outcome } from '../redis/wire.ts'
import { encodeError } from '../remote-error.ts'
import { runWith, type TaskContext } from './context.ts'
import type { Held } from './held.ts'
import type { Definition, Registry } from './registry.ts'

/** Arguments of succeeded tasks are kept with the result up to this size, for people. */
const MAX_KEPT_CALL = 1024
/** Of a task that returns undefined. */
const NOTHING: Buffer = Buffer.alloc(0)
/** A batch that is sent twice must find the record that it made, so no record goes sooner. */
const MIN_TTL = 30_000

export interface ExecuteOptions {
  readonly registry: Registry
  readonly maxPayload: number
  readonly maxResult: number
  readonly resultTtl: number
  readonly failedTtl: number
  readonly updateProgress: (held: Held, value: unknown) => Promise<void>
}

/** Calls `done` with the outcome, in this tick if the handler is synchronous. */
export function execute(held: Held, options: ExecuteOptions, done: (outcome: Outcome) => void): void {
  let call: Call | undefined
  let definition: Definition | undefined
  const fail = (thrown: unknown): void => done(failure(held, thrown, call, definition, options))
  const succeed = (result: unknown): void => {
    let value = NOTHING
    try {
      if (result !== undefined)
        value = encode(result, {
          what: 'result',
          maxBytes: options.maxResult,
          hint: 'return a reference to the data instead, or raise maxResult on the worker',
        })
    } catch (error) {
      fail(error)
      return
    }
    done(success(held, value, call!, definition!, options))
  }
  try {
    call = readCall(held.call, options.maxPayload)
    definition = options.registry.get(call.name)
    if (!definition) throw new UnknownTaskError(call.name, [...options.registry.keys()])
    const { handler } = definition
    const args = call.args as never[]
    const context = new RunContext(held, call.name, options.updateProgress)
    const result = runWith(context, handler, args)
    if (isThenable(result)) {
      // It may take long, and a small call would keep the memory of the whole turn that brought it.
      if (held.call.length <= MAX_KEPT_CALL) held.call = Buffer.from(held.call)
      Promise.resolve(result).then(succeed, fail)
    } else {
      succeed(result)
    }
  } catch (error) {
    fail(error)
  }
}

function readCall(bytes: Buffer, maxPayload: number): Call {
  if (bytes.length > maxPayload + HEAD_ROOM) {
    throw new PayloadTooLargeError('the call', bytes.length, maxPayload, 'raise maxPayload on the worker')
  }
  return decodeCall(bytes)
}

/** A class, because one is made for every task: its parts are made when they are asked for. */
class RunContext implements TaskContext {
  readonly name: string
  readonly #held: Held
  readonly #updateProgress: ExecuteOptions['updateProgress']

  constructor(held: Held, name: string, updateProgress: ExecuteOptions['updateProgress']) {
    this.name = name
    this.#held = held
    this.#updateProgress = updateProgress
  }

  get id(): string {
    return this.#held.id
  }

  get attempt(): number {
    return this.#held.attempt
  }

  get signal(): AbortSignal {
    return this.#held.signal
  }

  /** Bound: `const { updateProgress } = currentTask()` is how people take it. */
  get updateProgress(): (value: unknown) => Promise<void> {
    return (value) => this.#updateProgress(this.#held, value)
  }
}

function success(
  held: Held,
  value: Buffer,
  call: Call,
  definition: Definition,
  options: ExecuteOptions,
): Outcome {
  const ttl = call.options.resultTtl ?? definition.options.resultTtl ?? options.resultTtl
  const kept = held.call.length <= MAX_KEPT_CALL ? withoutClient(held.call) : encodeNameOnly(call.name)
  return outcome(held, 'succeeded', value, ttl, kept)
}

function failure(
  held: Held,
  thrown: unknown,
  call: Call | undefined,
  definition: Definition | undefined,
  options: ExecuteOptions,
): Outcome {
  const ttl = call?.options.failedTtl ?? definition?.options.failedTtl ?? options.failedTtl
  // All of the call is kept: a failed task is what people look at, and what will be run again.
  return outcome(held, 'failed', encodeError(thrown), ttl, undefined)
}

function outcome(
  held: Held,
  state: OutcomeState,
  value: Buffer,
  ttl: number,
  kept: Outcome['kept'],
): Outcome {
  const { id, lane, entry, attempt } = held
  return {
    id,
    lane,
    entry,
    state,
    value,
    ttl: Math.max(MIN_TTL, ttl),
    attempt,
    ran: Math.round(performance.now() - held.begunAt),
    kept,
    client: clientOf(held.call),
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
