/** What people and programs do with a queue's tasks besides calling them: look, count, cancel, move, retry, pause. */

import { OptionError } from './errors.ts'
import { checkName } from './ids.ts'
import {
  anything,
  type Check,
  integer,
  oneOf,
  optionalInteger,
  optionalName,
  optionalOneOf,
  resolve,
} from './options.ts'
import { MOST_CONCURRENCY } from './queue-options.ts'
import { LANES, type Lane, type TaskInfo } from './record.ts'
import {
  type CancelAnswer,
  type Counts,
  LISTED,
  type ListedState,
  type MoveAnswer,
  type RemoveAnswer,
  type RetryAnswer,
  type Verbs,
} from './redis/admin.ts'
import type { WorkerStacks } from './redis/stacks.ts'
import { type FailureGroup, portions, type TaskFilter, type Tasks } from './redis/tasks.ts'
import type { Order, WorkerInfo } from './redis/workers.ts'
import { type ScheduleServices, Scheduling } from './scheduling.ts'

/** Of a cancelling, characters. */
const MAX_REASON = 500

export interface Operators extends ScheduleServices {
  readonly admin: Verbs
  readonly tasks: Tasks
  readonly inspect: (id: string) => Promise<TaskInfo | null>
  /** Ms that a cancelled task's record stays. */
  readonly failedTtl: number
}

const limit = optionalInteger(1)
const before: Check<Date | undefined> = (what, value) => {
  if (value === undefined || (value instanceof Date && !Number.isNaN(value.getTime()))) return value
  throw new OptionError(`${what} must be a Date`)
}

const FAILED_FILTER = { name: optionalName(), fingerprint: anything<string>(), before, limit }
const FILTER = { ...FAILED_FILTER, state: oneOf('queued', LISTED), lane: optionalOneOf(LANES) }

export interface StacksOptions {
  /** How long is waited for the answer, ms. Default 10,000. */
  readonly timeout?: number
}

const STACKS_OPTIONS = { timeout: integer(10_000, 1, 60_000) }

/** Which failed tasks. */
export type FailedFilter = Omit<TaskFilter, 'state' | 'lane'>

export abstract class Operations extends Scheduling {
  protected abstract override operators(): Promise<Operators>

  /** What is known of a task now: state, progress, arguments, result, errors, worker, times. Null: nothing is. */
  async getTask(id: string): Promise<TaskInfo | null> {
    checkName('task id', id)
    const { inspect } = await this.operators()
    return inspect(id)
  }

  /** How many tasks there are in each state and lane. Costs the same however many there are. */
  async counts(): Promise<Counts> {
    const { admin } = await this.operators()
    return admin.counts()
  }

  /**
   * Tasks in a state: `queued` in the order of their lanes, `running`, `waiting` by since when, `scheduled` by due time,
   * `parked`, `failed` from the newest on. As they come: what ends meanwhile is passed over. `limit` default 100.
   */
  async tasks(filter: TaskFilter): Promise<TaskInfo[]> {
    const checked = { limit: 100, ...given(resolve('queue.tasks', filter, FILTER)) } as TaskFilter
    const { tasks } = await this.operators()
    const found: TaskInfo[] = []
    for await (const info of tasks.find(checked)) found.push(info)
    return found
  }

  /** Failed tasks in groups that failed alike (task, error name, message without what varies, top frame), largest first. */
  async failures(): Promise<FailureGroup[]> {
    const { tasks } = await this.operators()
    return tasks.groups()
  }

  /**
   * Runs a task again that failed, expired or was cancelled, as if for the first time: attempts count from nothing, the
   * errors so far stay. `alive`: it has not ended; `empty`: its call was too large to be kept. With a filter: all failed
   * tasks that match; answers how many.
   */
  retry(id: string): Promise<RetryAnswer>
  retry(filter: FailedFilter): Promise<number>
  async retry(which: string | FailedFilter): Promise<RetryAnswer | number> {
    if (typeof which === 'string') {
      checkName('task id', which)
      const { admin } = await this.operators()
      return (await admin.redrive([which]))[0]!
    }
    // An id that is missing must not mean: all of them.
    if (which === undefined) throw new OptionError('queue.retry: expected a task id or a filter')
    const filter = given(resolve('queue.retry', which, FAILED_FILTER)) as FailedFilter
    const { admin, tasks } = await this.operators()
    let count = 0
    for (const ids of portions(await tasks.ids({ ...filter, state: 'failed' }))) {
      const answers = await admin.redrive(ids)
      count += answers.filter((answer) => answer === 'retried').length
    }
    return count
  }

  /** Removes a task and all that is known of it. Who waits for it is told that it was cancelled; one that runs stays (`running`). */
  async remove(id: string): Promise<RemoveAnswer> {
    checkName('task id', id)
    const { admin, failedTtl } = await this.operators()
    return (await admin.remove([id], 'the task was removed', failedTtl))[0]!
  }

  /** Removes all tasks of a state that is not running; answers how many. */
  async clear(state: Exclude<ListedState, 'running'>): Promise<number> {
    const from = oneOf('failed', ['queued', 'waiting', 'scheduled', 'parked', 'failed'])(
      'queue.clear: state',
      state ?? null,
    )
    const { admin, tasks, failedTtl } = await this.operators()
    let count = 0
    for (const ids of portions(await tasks.ids({ state: from }))) {
      const answers = await admin.remove(ids, 'the task was removed', failedTtl)
      count += answers.filter((answer) => answer === 'removed').length
    }
    return count
  }

  /**
   * Cancels a task: one that has not begun never will (`cancelled`); of one that runs the signal aborts (`running`).
   * `ended`: too late; `none`: there is no such task (any more).
   */
  async cancel(id: string, reason = ''): Promise<CancelAnswer> {
    checkName('task id', id)
    if (typeof reason !== 'string') throw new OptionError('queue.cancel: the reason must be a string')
    const { admin, failedTtl } = await this.operators()
    return admin.cancel(id, reason.slice(0, MAX_REASON), failedTtl)
  }

  /**
   * Moves a task that waits to the end of another lane; `first` is ahead of all. `there`: it is in that lane already;
   * `running`, `ended`, `none`: it does not wait.
   */
  async move(id: string, lane: Lane): Promise<MoveAnswer> {
    checkName('task id', id)
    const to = oneOf('normal', LANES)('queue.move: lane', lane ?? null)
    const { admin } = await this.operators()
    return admin.move(id, to)
  }

  /** No worker takes a task until `resume`; what runs goes on, calls are accepted. */
  async pause(): Promise<void> {
    const { admin } = await this.operators()
    await admin.settings('', { paused: '1' })
  }

  async resume(): Promise<void> {
    const { admin } = await this.operators()
    await admin.settings('', { paused: '' })
  }

  async isPaused(): Promise<boolean> {
    const { admin } = await this.operators()
    return (await admin.settings(''))?.isPaused === true
  }

  /**
   * How many handlers run at once: of one worker by its id, or of `all`, now and later; null: as their options say.
   * False: there is no such worker.
   */
  async setConcurrency(worker: string, concurrency: number | null): Promise<boolean> {
    checkName('worker id', worker)
    const check = integer(0, 1, MOST_CONCURRENCY)
    const value = concurrency === null ? '' : String(check('queue.setConcurrency', concurrency))
    const { admin } = await this.operators()
    return (await admin.settings(worker === 'all' ? '' : worker, { concurrency: value })) !== undefined
  }

  /** The workers that are registered, by id; at most 1,000. An inline queue answers with the one that it is itself. */
  async workers(): Promise<WorkerInfo[]> {
    const { admin } = await this.operators()
    return admin.workers()
  }

  /**
   * Tells a worker, or `all` that are registered now, to take nothing more: what has not begun goes to others, what runs
   * goes on, and it stays so until it is stopped. Answers how many were told; 0: there is no such worker.
   */
  quietWorker(worker: string): Promise<number> {
    return this.#order('quiet', worker)
  }

  /**
   * Tells a worker, or `all` that are registered now, to stop as by `worker.stop()`: it drains, leaves, and its `run()`
   * resolves. Answers how many were told; 0: there is no such worker.
   */
  stopWorker(worker: string): Promise<number> {
    return this.#order('stop', worker)
  }

  /**
   * What a worker's process does now: the tasks that run there, whether its main loop answers or is blocked, and where the
   * main thread is then. Null: there is no such worker. `timeout` ms (default 10,000) are waited for the answer: a
   * blocked worker hears the question with its next beat, which comes every third of its lease. Throws OptionError.
   */
  async stacks(worker: string, options?: StacksOptions): Promise<WorkerStacks | null> {
    checkName('worker id', worker)
    const { timeout } = resolve('queue.stacks', options, STACKS_OPTIONS)
    const { admin } = await this.operators()
    return admin.stacks(worker, timeout)
  }

  async #order(order: Order, worker: string): Promise<number> {
    checkName('worker id', worker)
    const { admin } = await this.operators()
    return admin.order(order, worker === 'all' ? '' : worker)
  }
}

const given = <T extends object>(options: T): Partial<T> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>
