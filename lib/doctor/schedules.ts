/** The schedules: which of them no worker can follow, whose task nobody knows, and which should have been made long ago. */

import { describeCall } from '../envelope.ts'
import { LANES, type Lane } from '../record.ts'
import type { StoredSchedule } from '../redis/schedules.ts'
import { toError } from '../report.ts'
import { courseOf, slotAfter } from '../schedule.ts'
import type { Visit } from './visit.ts'

const PAGE = 200
/** A worker that is free makes a slot's task within ms, and looks every 10 s should a word be lost. */
const OVERDUE = 60_000

export interface ScheduleFacts {
  /** That were looked at. */
  readonly schedules: number
  /** False: the limit came first. */
  readonly isComplete: boolean
  /** That no worker can follow, and why. */
  readonly malformed: readonly { readonly name: string; readonly problem: string }[]
  /** Whose task no living worker knows; none while no worker lives. Of those that are not paused and will run again. */
  readonly unknown: readonly { readonly name: string; readonly task: string }[]
  /** Due for more than a minute, by the server's clock, while workers live. */
  readonly overdue: readonly { readonly name: string; readonly due: Date }[]
}

export async function scheduleFacts({ admin, schedules }: Visit, limit: number): Promise<ScheduleFacts> {
  const living = (await admin.workers()).filter(({ state }) => state !== 'silent' && state !== 'stopping')
  const known = new Set(living.flatMap(({ tasks }) => tasks))
  const seen = new Set<string>()
  const malformed: { name: string; problem: string }[] = []
  const unknown: { name: string; task: string }[] = []
  const overdue: { name: string; due: Date }[] = []
  let isOver = false
  for (let from = 0; !isOver && from < limit; ) {
    const most = Math.min(PAGE, limit - from)
    const page = await schedules.find('all', from, most)
    for (const stored of page.schedules) {
      const { name, due, call } = stored
      // They move while they are looked at; and what is listed and not there is another matter (lists.ts).
      if (seen.has(name) || isNothing(stored)) continue
      seen.add(name)
      const problem = problemOf(stored, page.now)
      if (problem !== undefined) malformed.push({ name, problem })
      if (problem !== undefined || due === undefined || living.length === 0) continue
      const task = describeCall(call).name!
      if (!known.has(task)) unknown.push({ name, task })
      if (due < page.now - OVERDUE) overdue.push({ name, due: new Date(due) })
    }
    from += page.schedules.length
    isOver = page.schedules.length < most
  }
  return { schedules: seen.size, isComplete: isOver, malformed, unknown, overdue }
}

const isNothing = ({ when, lane, call }: StoredSchedule): boolean =>
  when === '' && lane === '' && call.length === 0

/** As a worker finds out when it is due (upkeep/cron.ts), before that. */
function problemOf(stored: StoredSchedule, now: number): string | undefined {
  const { name, slot, due, isPaused, since, lane, call } = stored
  try {
    const course = courseOf(stored)
    if (!LANES.includes(lane as Lane)) return `there is no lane ${lane || '(none)'}`
    if (describeCall(call).name === undefined) return 'its call cannot be read'
    if (isPaused || slot !== undefined) return undefined
    // After its last slot there is none.
    const isMissing = due !== undefined || slotAfter(course, now, since) !== undefined
    return isMissing ? 'its next slot is missing: pause and resume it' : undefined
  } catch (error) {
    return toError(error).message.replace(`schedule ${name}: `, '')
  }
}
