/**
 * Where queues are, as others see them. Tasks of one may belong together with those of another: of the same Redis and
 * namespace by its name, of another by a name that both the caller and the workers have for it (the option `others`).
 */

import { OptionError } from '../errors.ts'
import type { TaskServices } from './services.ts'

/** In front of names of `others`. */
const ELSEWHERE = '@'

/**
 * How a task of `there` is addressed in `home`: by the name of its queue, or `@` and a name of `others`; undefined: it is
 * of the same queue. what: for messages. Throws OptionError where tasks of both cannot belong together.
 */
export function addressOf(what: string, home: TaskServices, there: TaskServices): string | undefined {
  if (home === there) return undefined
  const [from, to] = [home.place, there.place]
  const [here, elsewhere] = [from.server(), to.server()]
  if (here === undefined || elsewhere === undefined) {
    throw new OptionError(`${what} is of another queue, which an inline queue's tasks cannot be tied to`)
  }
  if (from.namespace === to.namespace && here === elsewhere) {
    return from.queue === to.queue ? undefined : to.queue
  }
  const name = from.others.get(there)
  if (name !== undefined) return ELSEWHERE + name
  throw new OptionError(
    `${what} is of queue "${to.queue}" on another Redis or namespace: name that queue in the option \`others\` of queue "${from.queue}", here and where its workers are`,
  )
}

/** Its end is not told to queues elsewhere, so there nothing may depend on it. */
export const isBeside = (address: string | undefined): boolean => !address?.startsWith(ELSEWHERE)

/** Wishes of a call that is made in another queue. isWanted: something here depends on its end. */
export function awayWishes(address: string | undefined, isWanted: boolean): readonly string[] {
  if (address === undefined) return []
  return ['to', address, ...(isWanted ? ['back', '1'] : [])]
}
