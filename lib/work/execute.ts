/** Runs the handler of one held task and packs what came out. Never throws: whatever goes wrong is an outcome. */

import { encode } from '../codec.ts'
import { type Call, clientOf, decodeCall, encodeNameOnly, HEAD_ROOM, withoutClient } from '../envelope.ts'
import { PayloadTooLargeError, TaskOverrunError, UnknownTaskError } from '../errors.ts'
import type { Outcome, OutcomeState } from '../redis/wire.ts'
import { encodeError, encodeTooLate } from '../remote-error.ts'
import { isThenable } from '../schema.ts'
import { DEFAULT_STREAM, isSource } from '../streams.ts'
import { OVERRUN_GRACE, overrunOf, type Watched } from '../upkeep/watch.ts'
import { afterTimeout, causeOf, type Failure, nextAttempt } from './attempt.ts'
import type { Ticket } from './commits.ts'
import { RunContext, runWith } from './context.ts'
import type { ExecuteOptions } from './execute-options.ts'
import type { Held } from './held.ts'
import { withInputs } from './inputs.ts'
import { type Limit, limitOf } from './limit.ts'
import type { Definition } from './registry.ts'

/** Arguments of succeeded tasks are kept with the result up to this size, for people. */
const MAX_KEPT_CALL = 1024
/** Of a task that returns undefined. */
const NOTHING: Buffer = Buffer.alloc(0)
/** A batch that is sent twice must find the record that it made, so no record goes sooner. */
const MIN_TTL = 30_000

/** Calls `done` once with the outcome, in this tick if the handler is synchronous and takes nothing of other tasks. */
export function execute(held: Held, options: ExecuteOptions, done: (outcome: Outcome) => void): void {
  new Attempt(held, options, done).run()
}

class Attempt {
  readonly #held: Held
  readonly #options: ExecuteOptions
  readonly #done: (outcome: Outcome) => void
  #call: Call | undefined
  #definition: Definition | undefined
  #limit: Limit | undefined
  #context: RunContext | undefined
  /** Where its outcome waits for a commit. */
  #ticket: Ticket | undefined
  #isDone = false

  constructor(held: Held, options: ExecuteOptions, done: (outcome: Outcome) => void) {
    this.#held = held
    this.#options = options
    this.#done = done
  }

  run(): void {
    const held = this.#held
    const options = this.#options
    try {
      const call = readCall(held.call, options.maxPayload)
      this.#call = call
      const definition = options.registry.get(call.name)
      if (!definition) {
        this.#park(call.name)
        return
      }
      this.#definition = definition
      const begin = (complete: Call): void => this.#begin(complete, definition)
      if (held.inputs === 0) begin(call)
      else
        void withInputs(call, held, options.readInputs)
          .then(begin)
          .catch((error) => this.#fail(error))
    } catch (error) {
      this.#fail(error)
    }
  }

  #begin(call: Call, definition: Definition): void {
    const held = this.#held
    const options = this.#options
    // While it was read what it takes of others, another worker got it, or it was cancelled.
    if (held.state !== 'running') return
    if (held.givenUp) {
      this.#concludeGivenUp()
      return
    }
    this.#call = call
    options.observer?.began(held, call.name)
    if (definition.commits) this.#ticket = definition.commits.begin(options)
    this.#limit = limitOf(held, call.options.timeout ?? definition.options.timeout, options.clock)
    const context = new RunContext(held, call.name, options)
    this.#context = context
    const result = this.#limit
      ? this.#runLimited(call, definition, context, this.#limit)
      : runWith(context, definition.handler, call.args as never[])
    if (isThenable(result)) this.#follow(result)
    else this.#returned(result)
  }

  /** Until it returns nothing here can stop it: the heartbeat's thread watches. */
  #runLimited(call: Call, definition: Definition, context: RunContext, limit: Limit): unknown {
    const held = this.#held
    const { watch, clock, onError } = this.#options
    watch?.begin(this.#watched(call.name, limit), held.begunAt, limit.at)
    try {
      return runWith(context, definition.handler, call.args as never[])
    } finally {
      if (watch) watch.end()
      else if (clock.steady > limit.at + OVERRUN_GRACE) {
        onError(new TaskOverrunError(held.id, overrunOf({ ...limit, id: held.id, name: call.name })))
      }
    }
  }

  /** What is recorded of it should it not return. */
  #watched(name: string, { why, allowed, at }: Limit): Watched {
    const { id, lane, entry, attempt, call } = this.#held
    const common = { id, name, lane, entry, attempt, client: clientOf(call), why, allowed }
    const delay =
      why === 'timeout' ? afterTimeout(allowed, this.#failure(at - this.#options.clock.steady)) : undefined
    if (delay !== undefined) return { ...common, state: 'retry', ttl: delay }
    const ttl = Math.max(MIN_TTL, this.#failedTtl())
    return { ...common, state: why === 'timeout' ? 'failed' : 'expired', ttl }
  }

  #follow(result: PromiseLike<unknown>): void {
    const held = this.#held
    // It may take long, and a small call would keep the memory of the whole turn that brought it.
    if (held.call.length <= MAX_KEPT_CALL) held.call = Buffer.from(held.call)
    // Not assigned as it is written: V8 makes such a closure among the long-lived, and all it refers to stays with it.
    const onGivenUp = (): void => this.#givenUp()
    held.onGivenUp = onGivenUp
    const { clock, deadlines } = this.#options
    const limit = this.#limit
    const set =
      limit &&
      deadlines.add(Math.max(0, Math.ceil(limit.at - clock.steady)), () => {
        held.giveUp(limit.why, limit.allowed)
      })
    Promise.resolve(result).then(
      (value) => {
        if (set) deadlines.remove(set)
        this.#returned(value)
      },
      (error) => {
        if (set) deadlines.remove(set)
        this.#fail(error)
      },
    )
  }

  /** A value, or what yields as it goes: then the attempt goes on. */
  #returned(value: unknown): void {
    if (!isSource(value) || this.#isTooLate) {
      this.#succeed(value)
      return
    }
    const drive = (): Promise<unknown> =>
      this.#options.drive(this.#held, value, this.#definition!.options.stream ?? DEFAULT_STREAM)
    this.#follow(runWith(this.#context!, drive, []))
  }

  /** Its signal has aborted: a handler that heeds it ends now; of another the slot is taken away. */
  #givenUp(): void {
    this.#options.deadlines.add(this.#options.abortGrace, () => this.#concludeGivenUp())
  }

  #concludeGivenUp(): void {
    const held = this.#held
    if (this.#isDone) return
    if (held.givenUp === 'timeout') {
      this.#failed(held.abortReason)
    } else if (held.givenUp === 'deadline') {
      this.#end('expired', encodeTooLate(), this.#failedTtl())
    } else {
      this.#end('cancelled', NOTHING, 0)
    }
  }

  #succeed(result: unknown): void {
    if (this.#isTooLate) {
      this.#concludeGivenUp()
      return
    }
    let value = NOTHING
    try {
      if (result !== undefined)
        value = encode(result, {
          what: 'result',
          maxBytes: this.#options.maxResult,
          hint: 'return a reference to the data instead, or raise maxResult on the worker',
        })
    } catch (error) {
      this.#end('failed', encodeError(error), this.#failedTtl(), undefined, error)
      return
    }
    const committed = this.#ticket?.committed(this.#held, this.#options)
    if (!committed) this.#succeeded(value)
    else {
      committed.then(
        () => this.#succeeded(value),
        (error) => this.#failed(error),
      )
    }
  }

  #succeeded(value: Buffer): void {
    const call = this.#call!
    const ttl = call.options.resultTtl ?? this.#definition!.options.resultTtl ?? this.#options.resultTtl
    const bytes = this.#held.call
    const kept = bytes.length <= MAX_KEPT_CALL ? withoutClient(bytes) : encodeNameOnly(call.name)
    this.#end('succeeded', value, ttl, kept)
  }

  /** It was given up, or will be now: whoever ran longer than was allowed has timed out, however busy the loop was. */
  get #isTooLate(): boolean {
    const held = this.#held
    const limit = this.#limit
    if (!held.givenUp && limit && this.#options.clock.steady > limit.at) {
      // It has ended: there is nothing to wait for.
      held.onGivenUp = undefined
      held.giveUp(limit.why, limit.allowed)
    }
    return held.givenUp !== undefined
  }

  #fail(thrown: unknown): void {
    if (this.#isTooLate) this.#concludeGivenUp()
    // One that heeds the signal of a worker that stops is given back.
    else if (this.#held.isHeeding(thrown)) this.#ticket?.over()
    else this.#failed(thrown)
  }

  #failed(thrown: unknown): void {
    // Without a definition it was the call that could not be read, and another attempt would find the same.
    const delay = this.#definition && nextAttempt({ ...this.#failure(), thrown })
    // All of the call is kept: a failed task is what people look at, and what will be run again.
    const cause = causeOf(thrown)
    if (delay === undefined) this.#end('failed', encodeError(cause), this.#failedTtl(), undefined, cause)
    else this.#end('retry', encodeError(cause), delay, undefined, cause)
  }

  /** Of an attempt that fails now, or in `later` ms. */
  #failure(later = 0): Omit<Failure, 'thrown'> {
    const { failures, attempt, deadline } = this.#held
    const timeLeft =
      deadline === undefined ? Number.POSITIVE_INFINITY : deadline - this.#options.clock.now - later
    const [call, definition] = [this.#call!.options, this.#definition!.options]
    return { failures, attempt, timeLeft, call, definition }
  }

  #park(name: string): void {
    const { registry, unknownTtl } = this.#options
    // Nobody may wait for a worker to come: then it fails here and now.
    if (unknownTtl === 0) this.#failed(new UnknownTaskError(name, [...registry.keys()]))
    else this.#end('parked', Buffer.from(name), unknownTtl)
  }

  #failedTtl(): number {
    return this.#call?.options.failedTtl ?? this.#definition?.options.failedTtl ?? this.#options.failedTtl
  }

  /** ttl: of the record, or until the next attempt, or for a worker to come, ms. */
  #end(state: OutcomeState, value: Buffer, ttl: number, kept?: Outcome['kept'], error?: unknown): void {
    this.#isDone = true
    this.#ticket?.over()
    const held = this.#held
    const { id, lane, entry, attempt, begunAt, call } = held
    const isEnd = state !== 'retry' && state !== 'parked'
    const ran = Math.round(this.#ticket?.ran ?? this.#options.clock.steady - begunAt)
    const delay = state === 'retry' ? ttl : undefined
    this.#options.observer?.ended(held, this.#call?.name ?? '', state, ran, error, delay)
    // Written out: an object made by spreading costs 2 µs, here and wherever it is read.
    this.#done({
      id,
      lane,
      entry,
      state,
      value,
      ttl: isEnd ? Math.max(MIN_TTL, ttl) : ttl,
      attempt,
      ran,
      kept,
      client: clientOf(call),
    })
  }
}

function readCall(bytes: Buffer, maxPayload: number): Call {
  if (bytes.length > maxPayload + HEAD_ROOM) {
    throw new PayloadTooLargeError('the call', bytes.length, maxPayload, 'raise maxPayload on the worker')
  }
  return decodeCall(bytes)
}
