/**
 * A schedule: when a call is made again and again, checked once at the door, and once more when it is read from Redis.
 * Which of its slots are run is a pure function of its definition and the time (`plan`), so that every worker comes to
 * the same answer, and specs choose instants instead of waiting for them.
 */

import { createHash } from 'node:crypto'
import { MalformedDataError, OptionError } from './errors.ts'
import { isName } from './ids.ts'
import { type Check, integer, oneOf, optionalMoment, resolve, show } from './options.ts'
import { calendar, grid, instant, type Timeline } from './timeline.ts'

/** When a schedule makes its call. Times in ms. */
export interface ScheduleOptions {
  /** Five fields (minute, hour, day of month, month, day of week), or six with seconds first; `@daily` and the like. */
  readonly cron?: string | undefined
  /** Of `cron`: a name of the IANA database, such as Europe/Berlin. Default UTC, wherever the workers are. */
  readonly timezone?: string | undefined
  /** Ms from one run to the next, counted from `at`, else from the definition. */
  readonly every?: number | undefined
  /** Alone: one run at that time. With `every`: the first, from which the others are counted. A Date or epoch ms. */
  readonly at?: Date | number | undefined
  /** Each run comes up to so many ms later, by its slot: for one slot always the same. Default 0. */
  readonly jitter?: number | undefined
  /** Of slots at which no worker ran, 15 s and more ago: none is run, one for all of them, or all, the newest 1,000. Default `once`. */
  readonly missed?: Missed | undefined
  /** `skip`: a slot is passed over while the schedule's task before has not ended. Default `allow`. */
  readonly overlap?: Overlap | undefined
}

export type Missed = 'skip' | 'once' | 'all'
export type Overlap = 'allow' | 'skip'

/** A slot that is so late was missed, ms: a worker that lost a word looks again within 10 s. */
export const LATE = 15_000
/** Missed slots that are run, and slots that become tasks together. */
const MOST_MISSED = 1_000
const PORTION = 100
/** The id of a slot's task is name, colon and epoch ms, and an id has at most 128 characters. */
const MAX_NAME = 100
const MAX_TEXT = 1_024
const MOST_TIME = 100 * 366 * 86_400_000

const optional =
  <T>(check: Check<T>): Check<T | undefined> =>
  (what, value) =>
    value === undefined ? undefined : check(what, value)

const text: Check<string> = (what, value) => {
  if (typeof value === 'string') return value
  throw new OptionError(`${what} must be a string (given: ${show(value)})`)
}

const TIMING = {
  cron: optional(text),
  timezone: optional(text),
  every: optional(integer(0, 1, MOST_TIME)),
  at: optionalMoment(),
  jitter: integer(0, 0, MOST_TIME),
}
const MISSED = oneOf('once', ['skip', 'once', 'all'])
const OVERLAP = oneOf('allow', ['allow', 'skip'])
const OPTIONS = { ...TIMING, missed: MISSED, overlap: OVERLAP }

export type Timing = { [K in keyof typeof TIMING]: ReturnType<(typeof TIMING)[K]> }

export interface Plan {
  readonly timing: Timing
  readonly missed: Missed
  readonly overlap: Overlap
}

/** Of the schedule's name. Throws OptionError. */
export function checkScheduleName(value: unknown): string {
  if (isName(value) && value.length <= MAX_NAME) return value
  const given = typeof value === 'string' ? JSON.stringify(value.slice(0, 140)) : typeof value
  throw new OptionError(
    `schedule name must be 1 to ${MAX_NAME} characters of A-Z a-z 0-9 _ . : - (given: ${given})`,
  )
}

/** Throws OptionError. */
export function resolveSchedule(owner: string, options: ScheduleOptions): Plan {
  const { missed, overlap, ...timing } = resolve(owner, options, OPTIONS)
  const { cron, timezone, every, at } = timing
  const exclude = (a: string, b: string): never => {
    throw new OptionError(`${owner}: ${a} and ${b} exclude each other; give one of them`)
  }
  if (cron === undefined && every === undefined && at === undefined) {
    throw new OptionError(`${owner}: give one of cron, every and at`)
  }
  if (cron !== undefined && every !== undefined) exclude('cron', 'every')
  if (cron !== undefined && at !== undefined) exclude('cron', 'at')
  if (cron === undefined && timezone !== undefined) {
    throw new OptionError(`${owner}: timezone is for cron; every and at count real time`)
  }
  timelineOf(owner, timing, 0)
  return { timing, missed, overlap }
}

/** The same text for the same times, which is how a changed definition is told from one that is made again. */
export function timingText({ cron, timezone, every, at, jitter }: Timing): string {
  return JSON.stringify({ cron, timezone, every, at, ...(jitter > 0 && { jitter }) })
}

/** As it is stored: texts, and when it was defined. */
export interface Stored {
  readonly name: string
  readonly when: string
  readonly missed: string
  readonly overlap: string
  /** Epoch ms. */
  readonly since: number
}

/** How a schedule goes on through time. */
export interface Course extends Plan {
  readonly name: string
  readonly timeline: Timeline
}

/** Throws OptionError or MalformedDataError where what is stored is not what was ever written. */
export function courseOf({ name, when, missed, overlap, since }: Stored): Course {
  const owner = `schedule ${name}`
  if (when.length > MAX_TEXT || !Number.isSafeInteger(since)) {
    throw new MalformedDataError(`${owner}: a definition that cannot be read`)
  }
  let given: unknown
  try {
    given = JSON.parse(when)
  } catch {
    throw new MalformedDataError(`${owner}: a definition that is no JSON`)
  }
  const options = { ...(given as object), missed, overlap } as ScheduleOptions
  const plan = resolveSchedule(owner, options)
  return { name, ...plan, timeline: timelineOf(owner, plan.timing, since) }
}

/** since: when it was defined. */
export function timelineOf(
  owner: string,
  { cron, timezone = 'UTC', every, at }: Timing,
  since: number,
): Timeline {
  if (cron !== undefined) return calendar(owner, cron, timezone)
  if (every !== undefined) return grid(at ?? since, every)
  return instant(at!)
}

/** When the task of a slot is made. */
export function dueAt({ name, timing: { jitter } }: Pick<Course, 'name' | 'timing'>, slot: number): number {
  if (jitter === 0) return slot
  const bytes = createHash('sha256').update(`${name}:${slot}`).digest()
  return slot + Math.floor((bytes.readUIntBE(0, 6) / 2 ** 48) * (jitter + 1))
}

/** The next one after `time`; for `every` without `at` the definition itself is none. */
export function slotAfter(
  { timeline, timing: { every, at } }: Course,
  time: number,
  since: number,
): number | undefined {
  const isDefinition = every !== undefined && at === undefined
  return timeline.after(isDefinition ? Math.max(time, since) : time)
}

/** What is to be done about a slot, now: slots that become tasks, in their order, and the one that comes then. */
export interface Due {
  readonly run: readonly number[]
  readonly next: number | undefined
  /** It is due as well. */
  readonly hasMore: boolean
}

/**
 * slot: the one that comes next. Where there are many only the first are run, and `next` is due as well. isRest: it is
 * what was left of such slots, all of which are wanted.
 */
export function dueSlots(course: Course, slot: number, now: number, isRest = false): Due {
  const run: number[] = []
  let next = !isRest && dueAt(course, slot) < now - LATE ? firstAfterGap(course, slot, now) : slot
  while (next !== undefined && run.length < PORTION && dueAt(course, next) <= now) {
    run.push(next)
    next = course.timeline.after(next)
  }
  return { run, next, hasMore: run.length === PORTION }
}

/** From which slot on it goes on, where those from `slot` on were missed. */
function firstAfterGap(course: Course, slot: number, now: number): number | undefined {
  const { timeline, missed, timing } = course
  if (missed === 'all') return timeline.between(slot, now, MOST_MISSED)[0] ?? slot
  if (missed === 'once') {
    // Without jitter the last one is due; with it perhaps one before.
    const slots = timeline.between(slot, now, timing.jitter > 0 ? MOST_MISSED : 1)
    return slots.findLast((one) => dueAt(course, one) <= now) ?? slot
  }
  let next = timeline.after(Math.max(slot, now - LATE - timing.jitter - 1))
  while (next !== undefined && dueAt(course, next) < now - LATE) next = timeline.after(next)
  return next
}

/** The next times after `time`, or from a slot on. */
export function upcoming(course: Course, from: { readonly slot: number | undefined }, count: number): Date[] {
  const times: Date[] = []
  for (let slot = from.slot; slot !== undefined && times.length < count; slot = course.timeline.after(slot)) {
    times.push(new Date(dueAt(course, slot)))
  }
  return times
}

export interface NextTimesOptions {
  /** Of times after this one: a Date or epoch ms. Default: now. */
  readonly from?: Date | number | undefined
  /** Default 5. */
  readonly count?: number | undefined
  /** Of the schedule, which its jitter goes by. Default ''. */
  readonly name?: string | undefined
}

const NEXT_TIMES = { from: optionalMoment(), count: integer(5, 1, 10_000), name: optional(text) }

/** When a schedule with these options would make its calls. Throws OptionError. */
export function nextTimes(options: ScheduleOptions, more?: NextTimesOptions): Date[] {
  const { from = Date.now(), count, name = '' } = resolve('nextTimes', more, NEXT_TIMES)
  const plan = resolveSchedule('nextTimes', options)
  const course = { name, ...plan, timeline: timelineOf('nextTimes', plan.timing, from) }
  return upcoming(course, { slot: slotAfter(course, from, from) }, count)
}
