/**
 * Calls in an order: a chain hands each result on, a group runs side by side, a chord is a group and what comes after it.
 * A flow is a plan, made of prepared calls and of other flows, and nothing happens before `start()`: then all of its calls
 * are accepted by one script (plan.ts), and the tasks themselves set each other off.
 */

import { PreparedCall } from '../call/prepared.ts'
import { OptionError } from '../errors.ts'
import { show } from '../options.ts'
import type { FlowHandle } from './handle.ts'
import { startFlow } from './start.ts'

/** A prepared call or a flow: `R` is what it gives, `In` what it takes from the one before it. */
export interface FlowStep<R = unknown, In = never> {
  readonly result: R
  readonly takes: (first: In) => void
}

/** A flow whose first steps take something from before it: a part of another flow. */
export class PartialFlow<R = unknown, In = never> implements FlowStep<R, In> {
  declare readonly result: R
  declare readonly takes: (first: In) => void
  readonly kind: 'chain' | 'group'
  readonly steps: readonly (PreparedCall | PartialFlow)[]

  /** Made by `chain`, `group` and `chord`. */
  constructor(kind: 'chain' | 'group', steps: readonly unknown[]) {
    if (steps.length === 0) throw new OptionError(`${kind}: expected at least one step`)
    this.kind = kind
    this.steps = steps.map((step, index) => {
      if (step instanceof PreparedCall || step instanceof PartialFlow) return step
      const what = Array.isArray(step) ? 'a list; use group([...])' : show(step)
      throw new OptionError(
        `${kind}: step ${index} must be made by task.prepare(...), chain, group or chord (given: ${what})`,
      )
    })
  }
}

/** A flow that can be started as it is. */
export class Flow<R = unknown, In = never> extends PartialFlow<R, In> {
  declare readonly isWhole: true

  /**
   * Makes all of its calls at once, accepted all or none, also as a part of a transaction. Throws OptionError where steps
   * are of several queues or cannot take what they are given, SchemaError, TransactionTooLargeError beyond 10,000 calls or
   * 32 MiB.
   */
  start(): FlowHandle<R> {
    return startFlow(this) as FlowHandle<R>
  }
}

type AnyStep = FlowStep<unknown, never>
type InOf<S extends AnyStep> = S['takes'] extends (first: infer In) => void ? In : never
type FlowOf<First extends AnyStep, R> = First extends { readonly isWhole: true }
  ? Flow<R, InOf<First>>
  : PartialFlow<R, InOf<First>>

type Results<S extends readonly AnyStep[]> = { -readonly [K in keyof S]: S[K]['result'] }

/** One after the other; each gets what the one before it gave, as its first argument. It gives what the last one gives. */
export function chain<A extends AnyStep>(a: A): FlowOf<A, A['result']>
export function chain<A extends AnyStep, B>(a: A, b: FlowStep<B, A['result']>): FlowOf<A, B>
export function chain<A extends AnyStep, B, C>(
  a: A,
  b: FlowStep<B, A['result']>,
  c: FlowStep<C, NoInfer<B>>,
): FlowOf<A, C>
export function chain<A extends AnyStep, B, C, D>(
  a: A,
  b: FlowStep<B, A['result']>,
  c: FlowStep<C, NoInfer<B>>,
  d: FlowStep<D, NoInfer<C>>,
): FlowOf<A, D>
export function chain<A extends AnyStep, B, C, D, E>(
  a: A,
  b: FlowStep<B, A['result']>,
  c: FlowStep<C, NoInfer<B>>,
  d: FlowStep<D, NoInfer<C>>,
  e: FlowStep<E, NoInfer<D>>,
): FlowOf<A, E>
export function chain<A extends AnyStep, B, C, D, E, F>(
  a: A,
  b: FlowStep<B, A['result']>,
  c: FlowStep<C, NoInfer<B>>,
  d: FlowStep<D, NoInfer<C>>,
  e: FlowStep<E, NoInfer<D>>,
  f: FlowStep<F, NoInfer<E>>,
): FlowOf<A, F>
export function chain(...steps: readonly unknown[]): unknown {
  return new Flow('chain', steps)
}

/** As `chain`, for a list of steps whose types do not say how they fit. `R`: what the last one gives. */
export function chainOf<R = unknown>(steps: readonly AnyStep[]): Flow<R> {
  return new Flow('chain', Array.isArray(steps) ? steps : refuseList('chainOf', steps))
}

/** Side by side; each gets what came before the group. It gives the list of what they give, in their order. */
export function group<const S extends readonly AnyStep[]>(
  steps: S,
): S[number] extends { readonly isWhole: true }
  ? Flow<Results<S>, InOf<S[number]>>
  : PartialFlow<Results<S>, InOf<S[number]>>
export function group(steps: readonly unknown[]): unknown {
  return new Flow('group', Array.isArray(steps) ? steps : refuseList('group', steps))
}

/** A group, and what is called with the list of its results when all of it has succeeded. Short for a chain of both. */
export function chord<A extends FlowStep<readonly unknown[], never>, B>(
  first: A,
  callback: FlowStep<B, A['result']>,
): FlowOf<A, B>
export function chord(first: unknown, callback: unknown): unknown {
  if (!(first instanceof PartialFlow) || first.kind !== 'group') {
    throw new OptionError(`chord: expected a group first (given: ${show(first)})`)
  }
  return new Flow('chain', [first, callback])
}

function refuseList(what: string, given: unknown): never {
  throw new OptionError(`${what}: expected a list of steps (given: ${show(given)})`)
}
