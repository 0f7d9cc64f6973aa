/** What callers and operators say. */

import fc from 'fast-check'
import type { Lane } from '../../lib/record.ts'
import { command, hours, lane, mostly, nothing, ofTask } from './pick.ts'
import type { Call } from './task.ts'

export const enqueue = command(
  'enqueue',
  fc.record({
    lane: mostly<Lane>('normal', lane),
    delay: mostly(0, hours),
    ttl: mostly(undefined, fc.nat({ max: 2 })),
    deadline: mostly(undefined, hours),
    key: fc.constantFrom(undefined, undefined, 'a', 'b'),
    isAgain: fc.boolean(),
  }),
  (stage, { isAgain, ...how }) => {
    const id = `t${String(stage.calls + 1).padStart(3, '0')}`
    const call: Call = { id, ...how, isAgain: isAgain && how.key !== undefined }
    return {
      words: `enqueue ${JSON.stringify(call)}`,
      model: () => {
        stage.calls += 1
        return stage.model.enqueue(call)
      },
      redis: (real) => real.enqueue(call),
    }
  },
)

export const cancel = ofTask('cancel', nothing, (model, id) => ({
  model: () => model.cancel(id),
  redis: (real) => real.cancel(id),
}))

export const move = ofTask('move', lane, (model, id, to) => ({
  model: () => model.move(id, to),
  redis: (real) => real.admin.move(id, to),
}))

export const redrive = ofTask('redrive', nothing, (model, id) => ({
  model: () => model.redrive(id),
  redis: (real) => real.redrive(id),
}))

export const pause = command('pause', mostly(false, fc.constant(true)), ({ model }, isPaused) => ({
  words: isPaused ? 'pause' : 'resume',
  model: () => model.pause(isPaused),
  redis: (real) => real.pause(isPaused),
}))
