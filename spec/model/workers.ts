/** What three workers say: each under its name as long as it is registered, and some time after. */

import fc from 'fast-check'
import { END_STATES } from '../../lib/record.ts'
import type { Outcome } from './model.ts'
import { command, heldOf, hours, mostly, nameOf, number, worker } from './pick.ts'

export const outcome = fc.record({
  number,
  state: fc.constantFrom<Outcome['state']>(...END_STATES, 'failed', 'failed', 'retry', 'retry', 'retry'),
  delay: fc.nat({ max: 2 }),
})
export const wanted = fc.integer({ min: 1, max: 3 })

/** By any worker: what counts is the delivery, not who names it. */
export const turn = (name: string, want: fc.Arbitrary<number>, most: number) =>
  command(
    name,
    fc.record({ worker, want, brings: fc.array(outcome, { maxLength: most }) }),
    (stage, { worker: n, want, brings }) => {
      const by = stage.workers[n]!
      const outcomes = brings.flatMap(({ number: which, ...what }): Outcome[] => {
        const held = heldOf(stage, which)
        return held ? [{ held, ...what }] : []
      })
      if (outcomes.length + want === 0) return undefined
      const said = outcomes.map(({ held, state, delay }) => `${nameOf(stage, held)} ${state} ${delay}`)
      return {
        words: `turn of ${by}: brings [${said.join(', ')}], wants ${want}`,
        model: () => stage.model.turn(by, want, outcomes),
        redis: (real) => real.turn(by, want, outcomes),
        goesOn: want > 0,
      }
    },
  )
export const take = turn('take', wanted, 0)
export const finish = turn('finish', fc.constant(0), 2)
export const finishAndTake = turn('finish and take', wanted, 2)

export const progress = command(
  'progress',
  fc.tuple(number, fc.integer({ min: 1, max: 9 })),
  (stage, [n, version]) => {
    const held = heldOf(stage, n)
    return (
      held && {
        words: `progress ${version} of ${nameOf(stage, held)}`,
        model: () => stage.model.progress(held, version),
        redis: (real) => real.progress(held, version),
      }
    )
  },
)

/** Mostly by who was given the task. */
export const release = command(
  'release',
  fc.record({ number, by: mostly(undefined, worker), isBegun: fc.boolean(), delay: mostly(0, hours) }),
  (stage, { number: n, by, isBegun, delay }) => {
    const held = heldOf(stage, n)
    if (!held) return undefined
    const name = by === undefined ? held.worker! : stage.workers[by]!
    return {
      words: `release by ${name}: ${nameOf(stage, held)}${isBegun ? ', begun' : ''}, in ${delay} h`,
      model: () => stage.model.release(name, held, isBegun, delay),
      redis: (real) => real.release(name, held, isBegun, delay),
    }
  },
)

export const beat = command('beat', worker, ({ model, workers }, n) => ({
  words: `beat ${workers[n]}`,
  model: () => model.beat(workers[n]!),
  redis: (real) => real.beat(workers[n]!),
}))

export const leave = command('leave', worker, ({ model, workers }, n) => ({
  words: `leave ${workers[n]}`,
  model: () => model.leave(workers[n]!),
  redis: (real) => real.store.leave(workers[n]!),
}))

/** In the place of one that has left or was declared dead. */
export const start = command('start', worker, (stage, n) => {
  const { model, workers } = stage
  if (['alive', 'late'].includes(model.workers.get(workers[n]!) ?? '')) return undefined
  const name = `w${model.started + 1}`
  return {
    words: `start ${name}`,
    model: () => {
      workers[n] = name
      return model.start(name)
    },
    redis: (real) => real.start(name),
  }
})
