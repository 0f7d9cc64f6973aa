/** What steps are about: a number picks one of the last few tasks or deliveries, or one of three workers. */

import fc from 'fast-check'
import { LANES } from '../../lib/record.ts'
import type { Model } from './model.ts'
import { isLive } from './state.ts'
import { Command, type Plan, type Stage, type Step } from './step.ts'
import type { Entry } from './task.ts'

export const number = fc.nat({ max: 11 })
export const worker = fc.nat({ max: 2 })
export const lane = fc.constantFrom(...LANES)
export const nothing = fc.constant(undefined)
export const hours = fc.integer({ min: 1, max: 3 })
/** Mostly that, else one of these. */
export const mostly = <T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other })

export const recent = <T>(list: readonly T[], n: number): T | undefined =>
  list.at(-1 - (n % Math.min(list.length, 5)))
export const taskOf = ({ model }: Stage, n: number): string | undefined => recent([...model.tasks.keys()], n)
/** Mostly one under which a task runs still. */
export const heldOf = ({ model }: Stage, n: number): Entry | undefined => {
  const live = n % 3 === 0 ? [] : model.taken.filter(isLive)
  return recent(live.length > 0 ? live : model.taken, n)
}
export const nameOf = ({ model }: Stage, held: Entry): string =>
  `${held.task.id} as delivery ${model.taken.indexOf(held)}`

export function command<T>(
  name: string,
  values: fc.Arbitrary<T>,
  plan: (stage: Stage, value: T) => ReturnType<Plan>,
): fc.Arbitrary<Command> {
  const written = (value: T): string => (value === undefined ? name : `${name} ${JSON.stringify(value)}`)
  return values.map((value) => new Command(written(value), (stage) => plan(stage, value)))
}

/** Said of one of the last tasks. */
export function ofTask<T>(
  name: string,
  values: fc.Arbitrary<T>,
  say: (model: Model, id: string, value: T) => Omit<Step, 'words'>,
): fc.Arbitrary<Command> {
  return command(name, fc.tuple(number, values), (stage, [n, value]) => {
    const id = taskOf(stage, n)
    return id === undefined
      ? undefined
      : { words: `${name} ${id} ${value ?? ''}`.trimEnd(), ...say(stage.model, id, value) }
  })
}
