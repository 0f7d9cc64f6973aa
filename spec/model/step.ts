/** One step of a run: it is taken in the model and in Redis, and then all that can be seen is compared. */

import assert from 'node:assert/strict'
import type fc from 'fast-check'
import { look } from './look.ts'
import type { Model } from './model.ts'
import type { Real } from './real.ts'
import { viewOf } from './view.ts'

/** Something that is said, to the model and to Redis; both have to give the same answer. */
export interface Step {
  readonly words: string
  readonly model: () => unknown
  readonly redis: (real: Real) => unknown
  /** What befalls workers and clocks: no script, so it is not said again. */
  readonly isFate?: boolean
  /** Where it is said again, it goes on from where it stopped: it takes, or looks at, so many at most. */
  readonly goesOn?: boolean
}

/** What a run remembers besides the model. */
export class Stage {
  readonly model: Model
  /** The three that there are at a time. */
  readonly workers: string[]
  /** The last script, where nothing has come between. */
  last: Step | undefined
  /** Calls so far, for their ids. */
  calls = 0
  /** All steps so far, for who has to find out. */
  readonly said: string[] = []

  constructor(model: Model, workers: readonly string[]) {
    this.model = model
    this.workers = [...workers]
    for (const worker of workers) model.start(worker)
  }
}

/** Which task or worker a step is about is found when its turn comes. Undefined: there is none to do it to. */
export type Plan = (stage: Stage) => Step | undefined

export class Command implements fc.AsyncCommand<Stage, Real> {
  readonly #name: string
  readonly #plan: Plan

  constructor(name: string, plan: Plan) {
    this.#name = name
    this.#plan = plan
  }

  check(stage: Readonly<Stage>): boolean {
    return this.#plan(stage) !== undefined
  }

  async run(stage: Stage, real: Real): Promise<void> {
    const { model, said } = stage
    const step = this.#plan(stage)!
    said.push(step.words)
    model.step += 1
    const expected = step.model()
    assert.deepEqual(await step.redis(real), expected, `the answer to: ${step.words}`)
    assert.deepEqual(await look(real), viewOf(model), `the keyspace after: ${step.words}`)
    stage.last = step.isFate ? undefined : step
  }

  toString(): string {
    return this.#name
  }
}
