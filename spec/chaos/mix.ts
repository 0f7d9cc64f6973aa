/**
 * Tasks that belong together, as a worker process runs them beside the plain ones: steps of flows, callbacks, batches, and
 * tasks that are acknowledged with a commit. Each gives, or throws, `<its id>/<its attempt>`: so whoever is given it can
 * tell whose it is, and whether it is of the attempt that counts.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { type BatchCall, currentTask, type Queue, type TaskFailure } from '../../lib/index.ts'
import type { Journal } from './journal.ts'

/** How a task ends: well, well after a first attempt that throws, or by throwing each time. */
export type Mode = 'well' | 'later' | 'badly'

/** Of callbacks: what they are set off by. */
export type Case = 'succeeded' | 'failed'

interface Attempt {
  readonly id: string
  readonly attempt: number
}

const AGAIN = { retries: 1, backoff: 0 }
const TOGETHER = 3
const LINGER = 20
/** Ms that a commit takes, so that a death can hit it. */
const COMMIT = 5

const nameOf = ({ id, attempt }: Attempt): string => `${id}/${attempt}`
const throws = ({ attempt }: Attempt, mode: Mode): boolean =>
  mode === 'badly' || (mode === 'later' && attempt === 1)

/** What it threw; of one that never ran, because one before it had not succeeded, the code of its error. */
const reasonOf = ({ code, message }: TaskFailure): string => String(code ?? message.replaceAll(' ', '_'))

export function defineMix(queue: Queue, journal?: Journal) {
  const note = (verb: 'start' | 'end' | 'threw', { id, attempt }: Attempt): void =>
    journal?.note(verb, id, attempt, process.pid)

  /** given: by those before it. */
  const begin = (one: Attempt, given: readonly string[] = []): void => {
    // Ahead of the beginning: then no attempt has begun that did not say it.
    if (given.length > 0) journal?.note('got', one.id, one.attempt, ...given)
    note('start', one)
  }

  const end = (one: Attempt, mode: Mode): string | Error => {
    const isThrown = throws(one, mode)
    note(isThrown ? 'threw' : 'end', one)
    return isThrown ? new Error(nameOf(one)) : nameOf(one)
  }

  /** What was written and is not committed. */
  const written: Attempt[] = []

  return {
    /** given: null where it is the first, a list where it comes after a group. */
    step: queue.task(
      'step',
      async (given: string | readonly string[] | null, ms: number, mode: Mode): Promise<string> => {
        const { id, attempt } = currentTask()
        begin({ id, attempt }, given === null ? [] : [given].flat())
        await delay(ms)
        const outcome = end({ id, attempt }, mode)
        if (outcome instanceof Error) throw outcome
        return outcome
      },
      AGAIN,
    ),

    /** A callback. tag: of the call that it belongs to, whose id is not known when it is prepared. */
    told: queue.task('told', (given: string | TaskFailure, tag: string, kind: Case): string => {
      const { id, attempt } = currentTask()
      const value = typeof given === 'string' ? given : reasonOf(given)
      journal?.note('for', id, tag, kind)
      begin({ id, attempt }, [value])
      note('end', { id, attempt })
      return nameOf({ id, attempt })
    }),

    batched: queue.batch(
      'batched',
      async (calls: BatchCall<[ms: number, mode: Mode], string>[]) => {
        for (const call of calls) begin(call)
        await delay(Math.max(...calls.map(({ args: [ms] }) => ms)))
        return calls.map((call) => end(call, call.args[1]))
      },
      { ...AGAIN, size: TOGETHER, linger: LINGER },
    ),

    /** Ends, for the journal, when it is committed: its outcome may not be recorded before. */
    row: queue.task(
      'row',
      async (ms: number, mode: Mode): Promise<string> => {
        const { id, attempt } = currentTask()
        begin({ id, attempt })
        await delay(ms)
        if (throws({ id, attempt }, mode)) throw end({ id, attempt }, mode)
        written.push({ id, attempt })
        return nameOf({ id, attempt })
      },
      {
        ...{ ...AGAIN, commitEvery: TOGETHER, linger: LINGER },
        commit: async () => {
          const rows = written.splice(0)
          await delay(COMMIT)
          for (const row of rows) note('end', row)
        },
      },
    ),
  }
}

export type MixTasks = ReturnType<typeof defineMix>
