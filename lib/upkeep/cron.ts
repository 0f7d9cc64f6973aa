/**
 * Makes the tasks of schedules when their slots are due. Every worker sleeps until the nearest slot; then all of them
 * try the same script, and one succeeds. A schedule that cannot be followed is told of once and left alone; the
 * others go on.
 */

import { MalformedDataError } from '../errors.ts'
import { isConfiguration, isTransient } from '../redis/faults.ts'
import type { ScheduleVerbs, StoredSchedule } from '../redis/schedules.ts'
import { toError } from '../report.ts'
import { courseOf, dueAt, dueSlots } from '../schedule.ts'
import { DueLoop, nextLook } from './due.ts'

/** Schedules that are looked at together. */
const MOST = 100
/** After an error that time does not cure, such as a right that is missing, ms. */
const LONG_PAUSE = 60_000
/** For what is left of many slots, ms. */
const SOON = 10_000
/** Problems that are remembered, so that each is told once. */
const MOST_TOLD = 1_000

export interface DueSchedulesOptions {
  readonly schedules: Pick<ScheduleVerbs, 'find' | 'fire'>
  /** Why a schedule cannot be followed; once for each definition. */
  readonly onProblem: (error: Error) => void
}

export class DueSchedules {
  readonly #options: DueSchedulesOptions
  readonly #told = new Set<string>()
  /** Of schedules of which a portion was fired: from which slot on the rest is wanted, if that is soon. */
  readonly #rests = new Map<string, { readonly slot: number; readonly until: number }>()

  constructor(options: DueSchedulesOptions) {
    this.#options = options
  }

  /** Fires what is due. Answers how many ms until there is more: 0 now, undefined nothing. Rejects when nobody can be asked. */
  async fire(): Promise<number | undefined> {
    const { schedules } = this.#options
    let hasFired = false
    // Those that cannot be followed stay the first of those that are due.
    let stuck = 0
    for (;;) {
      const { now, wait, schedules: due } = await schedules.find('due', stuck, MOST)
      for (const schedule of due) {
        if (await this.#fire(schedule, now)) hasFired = true
        else stuck += 1
      }
      if (due.length < MOST) return hasFired ? 0 : wait
    }
  }

  /** False: it cannot be followed. */
  async #fire(schedule: StoredSchedule, now: number): Promise<boolean> {
    const { schedules, onProblem } = this.#options
    try {
      const course = courseOf(schedule)
      const { name, slot, call } = schedule
      if (slot === undefined || call.length === 0) {
        throw new MalformedDataError(`schedule ${name}: a definition that cannot be read`)
      }
      const rest = this.#rests.get(name)
      const isRest = rest !== undefined && slot >= rest.slot && performance.now() < rest.until
      const { run, next, hasMore } = dueSlots(course, slot, now, isRest)
      if (hasMore && next !== undefined)
        this.#rests.set(name, { slot: next, until: performance.now() + SOON })
      else this.#rests.delete(name)
      const nextSlot = next === undefined ? undefined : { slot: next, due: dueAt(course, next) }
      await schedules.fire(schedule, run, nextSlot)
      return true
    } catch (thrown) {
      if (isTransient(thrown) || isConfiguration(thrown)) throw thrown
      const { message } = toError(thrown)
      const owner = `schedule ${schedule.name}: `
      const what = message.startsWith(owner) ? message : owner + message
      const told = `${schedule.since} ${what}`
      if (this.#told.size >= MOST_TOLD) this.#told.clear()
      if (!this.#told.has(told)) onProblem(new MalformedDataError(what, { cause: thrown }))
      this.#told.add(told)
      return false
    }
  }
}

export class Cron extends DueLoop {
  constructor(options: DueSchedulesOptions) {
    const due = new DueSchedules(options)
    let last = ''
    super(async () => {
      try {
        const wait = await due.fire()
        last = ''
        return nextLook(wait)
      } catch (thrown) {
        const error = toError(thrown)
        const isLasting = !isTransient(error) || /^(OOM|MISCONF)\b/.test(error.message)
        // A connection that is lost says so itself.
        if (isLasting && error.message !== last) options.onProblem(error)
        if (isLasting) last = error.message
        return isConfiguration(error) ? LONG_PAUSE : 1_000
      }
    })
  }
}
