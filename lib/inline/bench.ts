/**
 * Time and work in a test's hand. The clock stands still until it is moved; what is due at each moment on the way is
 * done at that moment, as if the time had passed.
 */

import { Clock } from '../clock.ts'
import { type Deadline, Deadlines } from '../deadlines.ts'
import { OptionError } from '../errors.ts'
import { show } from '../options.ts'
import type { TaskInfo } from '../record.ts'
import { Agenda, type Alarm } from './agenda.ts'
import type { TaskRecord } from './record.ts'
import type { Runner } from './runner.ts'

/** The real one, whatever a test library puts in its place later. */
const realImmediate = setImmediate

class StandingClock extends Clock {
  #now: number

  constructor(now: number) {
    super()
    this.#now = now
  }

  override get now(): number {
    return this.#now
  }

  override get steady(): number {
    return this.#now
  }

  set(now: number): void {
    this.#now = now
  }
}

/** The same list of times as everything else that waits for the clock. */
class StandingDeadlines extends Deadlines {
  readonly #clock: Clock
  readonly #agenda: Agenda

  constructor(clock: Clock, agenda: Agenda) {
    super()
    this.#clock = clock
    this.#agenda = agenda
  }

  override add(length: number, expire: () => void): Deadline {
    return this.#agenda.add(this.#clock.now + length, expire)
  }

  override remove(deadline: Deadline): void {
    this.#agenda.remove(deadline as Alarm)
  }
}

interface Bound {
  readonly runner: Runner
  readonly describe: (record: TaskRecord, call?: Buffer) => TaskInfo
}

export class Bench {
  readonly clock: StandingClock
  readonly agenda = new Agenda()
  readonly deadlines: Deadlines
  /** What is called begins by itself, without `drain`. */
  readonly isAuto: boolean
  /** All that was ever enqueued, also what is forgotten by now. */
  readonly enqueued: { readonly record: TaskRecord; readonly call: Buffer }[] = []
  /** Whenever an attempt began, its task. */
  readonly begun: TaskRecord[] = []
  #bound: Bound | undefined
  #changes = 0
  #waiting: (() => void)[] = []

  constructor(now: number, isAuto: boolean) {
    this.clock = new StandingClock(now)
    this.deadlines = new StandingDeadlines(this.clock, this.agenda)
    this.isAuto = isAuto
  }

  /** By the queue that works here. */
  bind(bound: Bound): void {
    this.#bound = bound
  }

  /** call: in place of what its record has kept of it. */
  describe(record: TaskRecord, call?: Buffer): TaskInfo {
    return this.#here.describe(record, call)
  }

  get #here(): Bound {
    if (!this.#bound) throw new Error('a bench without a queue')
    return this.#bound
  }

  /** Something has happened: whoever waits looks again. */
  changed(): void {
    this.#changes += 1
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Moves the clock. Begins what is due, and does not wait for handlers that wait for something else than the clock. */
  async advance(ms: number): Promise<void> {
    if (!(Number.isFinite(ms) && ms >= 0)) {
      throw new OptionError(`clock.advance: expected a number of ms of at least 0 (given: ${show(ms)})`)
    }
    const until = this.clock.now + ms
    await this.#settle()
    for (let at = this.agenda.next; at !== undefined && at <= until; at = this.agenda.next) {
      this.clock.set(Math.max(at, this.clock.now))
      this.agenda.run(this.clock.now)
      await this.#settle()
    }
    this.clock.set(Math.max(until, this.clock.now))
    await this.#settle()
  }

  /** Runs what is due until nothing is left that could begin or end without the clock; answers what has begun. */
  async drain(): Promise<TaskRecord[]> {
    const from = this.begun.length
    await this.#settle()
    while (this.#here.runner.active > 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
      await this.#settle()
    }
    return [...new Set(this.begun.slice(from))]
  }

  /** Until a turn of the event loop brings nothing new. */
  async #settle(): Promise<void> {
    let before: number
    let isMore: boolean
    do {
      before = this.#changes
      await new Promise((resolve) => realImmediate(resolve))
      this.agenda.run(this.clock.now)
      isMore = this.#here.runner.begin()
    } while (isMore || before !== this.#changes)
  }
}
