/** All steps that a run is made of; here what befalls workers and clocks, and what is done about it. */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { cancel, enqueue, move, pause, redrive } from './callers.ts'
import { command, hours, nothing, worker } from './pick.ts'
import type { Command } from './step.ts'
import { viewOf } from './view.ts'
import { beat, finish, finishAndTake, leave, progress, release, start, take } from './workers.ts'

/** Rather of one that holds something. */
const crash = command('crash', worker, ({ model, workers }, n) => {
  const alive = workers.filter((one) => model.workers.get(one) === 'alive')
  const busy = alive.filter((one) => model.heldBy(one).length > 0)
  const name = busy[n % busy.length] ?? alive[n % alive.length]
  if (name === undefined) return undefined
  return {
    words: `the lease of ${name} ends`,
    model: () => void model.workers.set(name, 'late'),
    redis: (real) => real.crash(name),
    isFate: true,
  }
})

const recover = command('recover', fc.constantFrom(1, 2, 100), ({ model }, most) => ({
  words: `recover ${most}`,
  model: () => model.recover(most),
  redis: (real) => real.recover(most),
  goesOn: true,
}))

const promote = command('promote', nothing, ({ model }) => ({
  words: 'promote',
  model: () => model.promote(),
  redis: (real) => real.promote(),
}))

/** What is over then ends at once: what entries say of their times is not moved along, and nobody may read it. */
const pass = command('pass', hours, ({ model }, some) => ({
  words: `${some} h pass, and promote`,
  model: () => {
    model.hour += some
    return model.promote()
  },
  redis: async (real) => {
    await real.pass(some, model.tasks.keys())
    return real.promote()
  },
  isFate: true,
}))

/** The same bytes once more, as a connection that breaks makes them come. */
const again = command('the last script again', nothing, ({ model, last }) => {
  if (!last) return undefined
  return {
    ...last,
    words: `again: ${last.words}`,
    model: () => {
      const before = viewOf(model)
      const answer = last.model()
      if (!last.goesOn) assert.deepEqual(viewOf(model), before, 'by the model it is not to change anything')
      return answer
    },
  }
})

/** How often each comes, so that tasks get far before they end. */
const WEIGHTS = new Map<fc.Arbitrary<Command>, number>([
  ...[enqueue].map((one) => [one, 12] as const),
  ...[take, finish, again].map((one) => [one, 6] as const),
  ...[finishAndTake, move, release, start].map((one) => [one, 4] as const),
  ...[cancel, redrive, crash, recover].map((one) => [one, 3] as const),
  ...[progress, promote, pass, beat].map((one) => [one, 2] as const),
  ...[pause, leave].map((one) => [one, 1] as const),
])

/** At most so many of them. replayPath: of a run that has failed. */
export const steps = (most: number, replayPath: string | undefined) =>
  fc.commands(
    [...WEIGHTS].flatMap(([one, weight]) => Array.from({ length: weight }, () => one)),
    { maxCommands: most, size: 'max', ...(replayPath !== undefined && { replayPath }) },
  )
