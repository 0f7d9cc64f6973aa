/**
 * Calls that hear of a task's progress. They are no tasks of their own yet: they lie in its record, and the script that
 * records progress makes them (redis/lua/hear.lua).
 */

import { callHead, withInputs } from '../envelope.ts'
import { OptionError } from '../errors.ts'
import type { Hearer, How } from '../redis/wire.ts'
import { noCallback, type TiedCallback } from '../tie-options.ts'
import { PreparedCall } from './prepared.ts'
import type { TaskServices } from './services.ts'
import { wishOf } from './ties.ts'

/** As a wish of the call whose progress it is. Throws OptionError. */
export function hearWishes(services: TaskServices, tied: readonly TiedCallback[]): How {
  if (tied.length === 0) return []
  return ['hears', tied.map((one) => hearerOf(services, one))]
}

function hearerOf(services: TaskServices, { owner, prepared, takes }: TiedCallback): Hearer {
  if (!(prepared instanceof PreparedCall)) throw noCallback(owner, 'withProgress', prepared)
  const { taskName, lane, how = [], callbacks } = prepared
  const refuse = (why: string): never => {
    throw new OptionError(`${owner}: "${taskName}" ${why}`)
  }
  if (prepared.services !== services) refuse('is of another queue')
  if (wishOf(how, 'after') !== undefined) refuse('comes after other tasks already')
  if (callbacks.length > 0 || wishOf(how, 'hears') !== undefined) {
    refuse(
      'has callbacks of its own, which a callback of progress cannot have: let its handler call what follows',
    )
  }
  if (wishOf(how, 'key') !== undefined) {
    refuse(
      'has a key, which a callback of progress cannot have: of each, one runs and one waits at most anyway',
    )
  }
  if (!takes) prepared.check?.()
  const packed = takes ? withInputs(prepared.packed, 'value') : prepared.packed
  const call = Buffer.concat([callHead(undefined), packed])
  return [how.length > 0 ? [lane, ...how] : lane, call, takes ? '1' : '']
}
