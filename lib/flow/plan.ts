/** A flow as the calls that it consists of: who waits for whom, who takes what, and what the whole of it gives. */

import type { PendingCall } from '../call/batch.ts'
import { newCall } from '../call/make.ts'
import { addressOf, awayWishes, isBeside } from '../call/place.ts'
import type { PreparedCall } from '../call/prepared.ts'
import type { TaskServices } from '../call/services.ts'
import { followersOf, wishOf } from '../call/ties.ts'
import { MOST_CALLS } from '../call/transaction.ts'
import { withInputs } from '../envelope.ts'
import { OptionError } from '../errors.ts'
import { TransactionTooLargeError } from '../errors-together.ts'

/** What a flow gives: the result of a task, or the list of what its parts give. */
export type Shape = string | readonly Shape[]

/** The same as `Flow`, which imports this. */
export interface Steps {
  readonly kind: 'chain' | 'group'
  readonly steps: readonly (PreparedCall | Steps)[]
}

export interface Plan {
  readonly services: TaskServices
  /** Parents come before their children. */
  readonly calls: readonly PendingCall[]
  readonly shape: Shape
}

/** Throws OptionError, SchemaError. */
export function planFlow(flow: Steps, id: string): Plan {
  const planner = new Planner(id)
  const shape = planner.add(flow, undefined)
  const { services, calls } = planner
  // Kept with the flow, for whoever asks for its result by its id.
  const first = calls[0]!
  first.how = [...(first.how ?? []), 'shape', JSON.stringify(shape)]
  return { services: services!, calls, shape }
}

class Planner {
  readonly calls: PendingCall[] = []
  services: TaskServices | undefined
  readonly #id: string

  constructor(id: string) {
    this.#id = id
  }

  /** before: what the step before it gives; undefined: it is the first. */
  add(step: PreparedCall | Steps, before: Shape | undefined): Shape {
    if (!('steps' in step)) return this.#call(step, before)
    if (step.kind === 'group') return step.steps.map((one) => this.add(one, before))
    let shape = before
    for (const one of step.steps) shape = this.add(one, shape)
    return shape!
  }

  #call(step: PreparedCall, before: Shape | undefined): string {
    this.#check(step)
    const home = this.services!
    const what = `flow: "${step.taskName}"`
    const queue = addressOf(what, home, step.services)
    if (!isBeside(queue)) {
      throw new OptionError(`${what} is of a queue on another Redis: the steps of a flow are all on one`)
    }
    const how = [...(step.how ?? []), 'flow', this.#id, ...awayWishes(queue, true)]
    let { packed } = step
    if (before === undefined) {
      step.check?.()
    } else {
      const after = wishOf(step.how, 'policy')
      if (wishOf(step.how, 'after') !== undefined) {
        throw new OptionError(
          `flow: "${step.taskName}" comes after other tasks already, and is not the first step`,
        )
      }
      how.push('after', idsOf(step, before).join(' '), 'policy', after ?? 'f', 'take', '1')
      packed = withInputs(packed, typeof before === 'string' ? 'value' : 'list')
    }
    const { lane, deadline, parents } = step
    const call = newCall(step.services, { lane, packed, how, deadline, parents })
    this.#push(call)
    followersOf(home, call.id, step.callbacks, ['flow', this.#id], (follower) => this.#push(follower))
    return call.id
  }

  #push(call: PendingCall): void {
    if (this.calls.length >= MOST_CALLS) {
      throw new TransactionTooLargeError(`a flow takes at most ${MOST_CALLS} calls`)
    }
    // Of the flow as a whole its first call tells.
    if (this.calls.length > 0) call.isObserved = true
    this.calls.push(call)
  }

  #check({ services, taskName, how }: PreparedCall): void {
    // The queue of its first step is the flow's.
    this.services ??= services
    if (wishOf(how, 'key') !== undefined) {
      throw new OptionError(
        `flow: "${taskName}" has a key: it could join a task that is not part of the flow`,
      )
    }
  }
}

/** Of the tasks whose results a step takes. */
function idsOf(step: PreparedCall, before: Shape): readonly string[] {
  if (typeof before === 'string') return [before]
  return before.map((shape) => {
    if (typeof shape === 'string') return shape
    throw new OptionError(
      `flow: "${step.taskName}" cannot take lists of lists: end each part of the group before it with one call`,
    )
  })
}
