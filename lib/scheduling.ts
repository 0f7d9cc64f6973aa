/** Calls that are made again and again: defined, looked at, paused and removed by name. Workers make them when they are due. */

import { EventEmitter } from 'node:events'
import type { TaskHandle } from './call/handle.ts'
import { PreparedCall } from './call/prepared.ts'
import { wishOf } from './call/ties.ts'
import { callHead, describeCall } from './envelope.ts'
import { OptionError } from './errors.ts'
import { newTaskId } from './ids.ts'
import { LANES, type Lane } from './record.ts'
import type { FoundSchedules, ScheduleVerbs, Slot, StoredSchedule } from './redis/schedules.ts'
import { toError } from './report.ts'
import {
  type Course,
  checkScheduleName,
  courseOf,
  dueAt,
  type Missed,
  type Overlap,
  resolveSchedule,
  type ScheduleOptions,
  slotAfter,
  timingText,
  upcoming,
} from './schedule.ts'

export interface ScheduleServices {
  readonly schedules: ScheduleVerbs
  /** Its task belongs to this queue. */
  readonly isOwn: (call: PreparedCall) => boolean
}

/** How a schedule stands. */
export interface ScheduleInfo {
  readonly name: string
  /** Name and arguments of the call that it makes; undefined where they cannot be read. */
  readonly task: string | undefined
  readonly args: readonly unknown[] | undefined
  readonly lane: Lane
  readonly cron: string | undefined
  /** Of `cron`. */
  readonly timezone: string | undefined
  /** Ms. */
  readonly every: number | undefined
  readonly at: Date | undefined
  /** Ms. */
  readonly jitter: number
  readonly missed: Missed
  readonly overlap: Overlap
  /** When it was defined so. */
  readonly since: Date
  readonly isPaused: boolean
  /** The next five times; none while it is paused, or after its last. */
  readonly next: readonly Date[]
  /** Id of the task that it made last, and when that was. */
  readonly lastTask: string | undefined
  readonly lastRun: Date | undefined
  /** Why no worker follows it. */
  readonly problem: string | undefined
}

/** Times that are told of each. */
const NEXT = 5
/** Read at once. */
const PAGE = 200
/** A definition that changes meanwhile is read again. */
const TRIES = 5
/** Wishes of a call that belong to one call alone. */
const ONCE = ['after', 'flow']

export abstract class Scheduling extends EventEmitter<{ error: [Error] }> {
  /** Connected; throws QueueClosedError, or RedisError when Redis does not answer in time. */
  protected abstract operators(): Promise<ScheduleServices>

  abstract handle<R = unknown>(id: string): TaskHandle<R>

  /**
   * Makes the call whenever it is due, whichever workers there are, once for each slot. To define it again with the same
   * options and the same call changes nothing (`same`); other times take effect from now on (`changed`), and a paused one
   * stays paused. The task of a slot has the id `<name>:<slot in epoch ms>`. Throws OptionError.
   */
  async schedule(
    scheduleName: string,
    options: ScheduleOptions,
    call: PreparedCall,
  ): Promise<'new' | 'changed' | 'same'> {
    const name = checkScheduleName(scheduleName)
    const owner = `schedule ${name}`
    const plan = resolveSchedule(owner, options)
    const { schedules, isOwn } = await this.operators()
    checkCall(owner, call, isOwn)
    const found = await schedules.get(name)
    const old = found.schedules[0]
    const when = timingText(plan.timing)
    const isSameTime = old?.when === when
    const since = isSameTime ? old.since : Math.max(found.now, (old?.since || 0) + 1)
    const { missed, overlap } = plan
    const next = nextSlot(courseOf({ name, when, missed, overlap, since }), found.now, since)
    if (!next && !isSameTime) {
      const why = plan.timing.at === undefined ? 'no time is like that' : 'its time is over'
      throw new OptionError(`${owner}: it would never run: ${why}`)
    }
    const { lane, how = [], packed } = call
    const head = callHead(undefined)
    const answer = await schedules.define(
      { name, when, missed, overlap, since, lane, how, call: Buffer.concat([head, packed]) },
      next,
    )
    if (answer === 'full')
      throw new OptionError(`${owner}: the queue has 10,000 schedules, and there may be no more`)
    return answer
  }

  /** Tasks that it has made go on. False: there is no such schedule. */
  async unschedule(name: string): Promise<boolean> {
    checkScheduleName(name)
    const { schedules } = await this.operators()
    return schedules.remove(name)
  }

  /** All that there are, by when they are due; those that are paused or over last. */
  async schedules(): Promise<ScheduleInfo[]> {
    const { schedules } = await this.operators()
    const infos = new Map<string, ScheduleInfo>()
    for (let from = 0; ; from += PAGE) {
      const found = await schedules.find('all', from, PAGE)
      for (const stored of found.schedules) infos.set(stored.name, infoOf(stored))
      if (found.schedules.length < PAGE) return [...infos.values()]
    }
  }

  async hasSchedule(name: string): Promise<boolean> {
    checkScheduleName(name)
    const { schedules } = await this.operators()
    return (await schedules.get(name)).schedules.length > 0
  }

  /** It makes no calls until `resumeSchedule`, and keeps its definition. False: there is no such schedule. */
  async pauseSchedule(name: string): Promise<boolean> {
    checkScheduleName(name)
    const { schedules } = await this.operators()
    return (await schedules.pause(name)) !== 'none'
  }

  /** It goes on with the next slot from now on; those in between are passed over. False: there is no such schedule. */
  async resumeSchedule(name: string): Promise<boolean> {
    checkScheduleName(name)
    const { schedules } = await this.operators()
    for (let tries = 0; tries < TRIES; tries++) {
      const { now, schedules: found } = await schedules.get(name)
      const stored = found[0]
      if (!stored) return false
      const answer = await schedules.resume(name, stored.since, nextSlot(courseOf(stored), now, stored.since))
      if (answer !== 'past') return answer === 'done'
    }
    throw new OptionError(`schedule ${name}: it is defined anew all the time`)
  }

  /** Makes its call now, also of one that is paused, and apart from its slots. Null: there is no such schedule. */
  async runSchedule<R = unknown>(name: string): Promise<TaskHandle<R> | null> {
    checkScheduleName(name)
    const { schedules } = await this.operators()
    const id = newTaskId()
    return (await schedules.run(name, id)) === 'none' ? null : this.handle<R>(id)
  }
}

function checkCall(owner: string, call: PreparedCall, isOwn: ScheduleServices['isOwn']): void {
  if (!(call instanceof PreparedCall)) {
    throw new OptionError(`${owner}: expected a call that task.prepare(…) has made`)
  }
  if (!isOwn(call)) throw new OptionError(`${owner}: ${call.taskName} is a task of another queue object`)
  const wish = ONCE.find((name) => call.how?.some((word, index) => index % 2 === 0 && word === name))
  if (wish) throw new OptionError(`${owner}: its call must not have \`${wish}\`, which is for one call alone`)
  // One that cannot be made as it is, and one that brings others along.
  call.check?.()
  if (call.callbacks.length > 0 || wishOf(call.how, 'hears') !== undefined) {
    throw new OptionError(
      `${owner}: the call of a schedule has no callbacks; its handler may call what follows`,
    )
  }
}

function nextSlot(course: Course, now: number, since: number): Slot | undefined {
  const slot = slotAfter(course, now, since)
  return slot === undefined ? undefined : { slot, due: dueAt(course, slot) }
}

function infoOf(stored: FoundSchedules['schedules'][number]): ScheduleInfo {
  const { name, isPaused, last, ran, since } = stored
  const { name: task, args } = describeCall(stored.call)
  const common = {
    ...{ name, task, args, isPaused, lastTask: last, since: new Date(since) },
    lastRun: ran === undefined ? undefined : new Date(ran),
    lane: LANES.includes(stored.lane as Lane) ? (stored.lane as Lane) : 'normal',
  } as const
  const { course, problem } = read(stored)
  if (!course) {
    const nothing = { cron: undefined, timezone: undefined, every: undefined, at: undefined, jitter: 0 }
    return { ...common, ...nothing, missed: 'once', overlap: 'allow', next: [], problem }
  }
  const { timing, missed, overlap } = course
  const { cron, timezone, every, at, jitter } = timing
  return {
    ...{ ...common, cron, every, jitter, missed, overlap, problem },
    timezone: cron === undefined ? undefined : (timezone ?? 'UTC'),
    at: at === undefined ? undefined : new Date(at),
    next: isPaused ? [] : upcoming(course, stored, NEXT),
  }
}

function read(stored: StoredSchedule): { course?: Course; problem: string | undefined } {
  try {
    return { course: courseOf(stored), problem: undefined }
  } catch (error) {
    return { problem: toError(error).message }
  }
}
