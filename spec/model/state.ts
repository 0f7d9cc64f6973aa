/** What the model holds, and the moves of tasks within it; model.ts says who makes which. */

import type { EndState, Lane } from '../../lib/record.ts'
import type { Entry, Task } from './task.ts'

/** Few, so that they are reached. */
export const MAX_FAILED = 2
const MAX_ERRORS = 5

export class State {
  hour = 0
  step = 0
  isPaused = false
  readonly tasks = new Map<string, Task>()
  /** Unread entries, in their order. Those of tasks that have left them stay until their turn comes. */
  readonly lanes: Record<Lane, Entry[]> = { first: [], high: [], normal: [], low: [] }
  /** Entries that were given to workers, from the first on. */
  readonly taken: Entry[] = []
  /** Dead letters, the oldest first; and the step in which they failed. */
  failed: { readonly task: Task; readonly step: number }[] = []
  /** Who holds a key: an open task, or the failed one that can be found by it. */
  readonly keys = new Map<string, Task>()
  /** `late`: its lease has ended. `dead`: declared so, and not all that it held is put back. */
  readonly workers = new Map<string, 'alive' | 'late' | 'dead'>()
  /** Workers that have been so far. */
  started = 0
  /** Whose tasks shall be aborted. */
  readonly cancelling = new Set<Entry>()
  readonly ended: Record<EndState, number> = { succeeded: 0, failed: 0, cancelled: 0, expired: 0 }

  get now(): number {
    return this.hour + this.step / 10_000
  }

  /** In the order in which they are due. */
  get scheduled(): Task[] {
    const scheduled = [...this.tasks.values()].filter(({ state }) => state === 'scheduled')
    return scheduled.sort((a, b) => a.due - b.due || (a.id < b.id ? -1 : 1))
  }

  heldBy(worker: string): Entry[] {
    return this.taken.filter((entry) => isLive(entry) && entry.worker === worker)
  }

  /** As the last of the lane. */
  lineUp(task: Task, lane: Lane): void {
    task.state = 'queued'
    task.lane = lane
    task.entry = { task, lane, begunBefore: task.attempt, worker: undefined }
    this.lanes[lane].push(task.entry)
  }

  schedule(task: Task, lane: Lane, due: number): void {
    task.state = 'scheduled'
    task.lane = lane
    task.due = due
    task.entry = undefined
  }

  /** Another attempt, in its own lane. */
  retry(held: Entry, attempt: number, delay: number): void {
    const { task } = held
    task.attempt = attempt
    task.failures += 1
    this.keepError(task, attempt)
    task.left = held
    const lane = task.ownLane
    task.home = undefined
    if (delay > 0) this.schedule(task, lane, this.now + delay)
    else this.lineUp(task, lane)
  }

  /** Given back, or taken from a dead worker: to lane first, unless it was asked to be cancelled. */
  putAhead({ task }: Entry, attempt: number, delay: number): void {
    task.attempt = attempt
    if (task.lane !== 'first') task.home = task.lane
    if (task.isToldToEnd) this.end(task, 'cancelled', attempt)
    else if (delay > 0) this.schedule(task, 'first', this.now + delay)
    else this.lineUp(task, 'first')
  }

  end(task: Task, state: EndState, attempt: number): void {
    task.state = state
    task.attempt = attempt
    this.ended[state] += 1
    if (state === 'failed') {
      this.failed.push({ task, step: this.step })
      this.failed.sort((a, b) => a.step - b.step || (a.task.id < b.task.id ? -1 : 1))
      this.failed = this.failed.slice(-MAX_FAILED)
    }
    if (task.key !== undefined) this.#passOn(task, task.key)
  }

  /** To who waits for it; else the key is free, unless it is to lead to a failed task. */
  #passOn(task: Task, key: string): void {
    const { next } = task
    if (next?.state === 'waiting') {
      this.keys.set(key, next)
      if (next.begin > this.now) this.schedule(next, next.lane, next.begin)
      else this.lineUp(next, next.lane)
    } else if (this.keys.get(key) === task && task.state !== 'failed') this.keys.delete(key)
  }

  /** Of an attempt that is followed by another. */
  keepError(task: Task, attempt: number): void {
    task.errors = [...task.errors, attempt].slice(-MAX_ERRORS)
  }
}

/** Whether it still is the task's place. */
export const isLive = (entry: Entry): boolean => entry.task.isOpen && entry.task.entry === entry
