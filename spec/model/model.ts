/**
 * What the scripts in lib/redis/lua do, said as plainly as it can be: a queue in memory that knows nothing of Redis,
 * bytes or cost. spec/model.spec.ts takes the same steps here and there, and compares all that can be seen. Where
 * the two differ one of them is wrong, and lib/record.ts, lib/redis/keys.ts and the heads of the scripts say which.
 *
 * Time is a number of hours. Behind the point stands the step in which a time was set: so one time lies before
 * another, within the same hour too, if it was set in an earlier step.
 */

import { type EndState, LANES, type Lane, type TaskState } from '../../lib/record.ts'
import type { CancelAnswer, MoveAnswer, RetryAnswer } from '../../lib/redis/admin.ts'
import { isLive, State } from './state.ts'
import { type Call, type Entry, Task } from './task.ts'

/** A worker brings this: under what it held the task, and what became of it. delay: of a retry, hours. */
export interface Outcome {
  readonly held: Entry
  readonly state: EndState | 'retry'
  readonly delay: number
}

/** Few, so that they are reached. */
export const MAX_CRASHES = 2

export class Model extends State {
  // What callers and operators say.

  /** Answers nothing, or the task that the call joins, or how the failed one ended that had the key. */
  enqueue(call: Call): string {
    const { id, key, isAgain } = call
    const holder = key === undefined ? undefined : this.keys.get(key)
    if (this.tasks.has(id)) return ''
    const next = holder?.next
    if (holder?.isOpen && isAgain && next?.state === 'waiting') return `${next.id} waiting`
    if (holder?.isOpen && !isAgain) return `${holder.id} ${holder.state}`

    const task = new Task(call, this.now)
    this.tasks.set(id, task)
    if (holder?.isOpen) {
      holder.next = task
      task.state = 'waiting'
      return ''
    }
    if (key !== undefined) this.keys.set(key, task)
    if (task.begin > this.now) this.schedule(task, task.lane, task.begin)
    else this.lineUp(task, task.lane)
    return holder ? `- ${holder.state}` : ''
  }

  cancel(id: string): CancelAnswer {
    const task = this.tasks.get(id)
    if (!task) return 'none'
    if (!task.isOpen) return task.state === 'cancelled' ? 'cancelled' : 'ended'
    if (task.state === 'running') {
      task.isToldToEnd = true
      this.cancelling.add(task.entry!)
      return 'running'
    }
    this.end(task, 'cancelled', task.attempt)
    return 'cancelled'
  }

  move(id: string, lane: Lane): MoveAnswer {
    const task = this.tasks.get(id)
    if (!task) return 'none'
    if (!task.isOpen) return 'ended'
    if (task.state === 'running') return 'running'
    if (task.lane === lane) return 'there'
    task.home = undefined
    if (task.state === 'queued') this.lineUp(task, lane)
    else task.lane = lane
    return 'moved'
  }

  redrive(id: string): RetryAnswer {
    const task = this.tasks.get(id)
    if (!task) return 'none'
    if (task.isOpen) return 'alive'
    if (task.state === 'succeeded') return 'succeeded'
    const holder = task.key === undefined ? undefined : this.keys.get(task.key)
    if (holder?.isOpen) return 'key'
    if (task.key !== undefined) this.keys.set(task.key, task)
    this.failed = this.failed.filter((one) => one.task !== task)
    this.keepError(task, task.attempt)
    task.renew()
    this.lineUp(task, task.ownLane)
    return 'retried'
  }

  pause(isPaused: boolean): boolean {
    this.isPaused = isPaused
    return isPaused
  }

  // What workers say.

  start(worker: string): boolean {
    this.started += 1
    this.workers.set(worker, 'alive')
    return true
  }

  /** False: it was declared dead. */
  beat(worker: string): boolean {
    if (!this.#isRegistered(worker)) return false
    this.workers.set(worker, 'alive')
    return true
  }

  /** How many tasks it still holds. */
  leave(worker: string): number {
    const held = this.heldBy(worker).length
    if (held === 0) this.workers.delete(worker)
    return held
  }

  /** A worker brings outcomes and takes `want` entries at most, lane by lane. */
  turn(worker: string, want: number, outcomes: readonly Outcome[]) {
    const verdicts = outcomes.map((outcome) => this.#finish(outcome))
    if (want === 0) return { verdicts, taken: [] }
    if (!this.#isRegistered(worker)) return { verdicts, taken: 'dead' }
    if (this.isPaused) return { verdicts, taken: 'paused' }
    const taken: Entry[] = []
    for (const lane of LANES) {
      const read = this.lanes[lane].splice(0, want)
      want -= read.length
      for (const entry of read) {
        const { task } = entry
        if (!isLive(entry)) continue
        if (task.over <= this.now) {
          this.end(task, 'expired', task.attempt)
          continue
        }
        task.state = 'running'
        entry.worker = worker
        taken.push(entry)
      }
    }
    this.taken.push(...taken)
    return {
      verdicts,
      taken: taken.map(({ task, begunBefore }) => ({
        ...{ id: task.id, begunBefore, failures: task.failures, crashes: task.crashes },
      })),
    }
  }

  /** False: it does not hold the task any more. */
  progress(held: Entry, version: number): boolean {
    if (!isLive(held)) return false
    held.task.progress = version
    return true
  }

  /** begun: the attempt counts. delay: hours; 0 = at once, else it never counts. */
  release(worker: string, held: Entry, begun: boolean, delay: number): void {
    if (!isLive(held) || held.worker !== worker) return
    this.putAhead(held, held.begunBefore + (begun && delay === 0 ? 1 : 0), delay)
  }

  // What happens by itself.

  promote() {
    const due = this.scheduled.filter((task) => task.due <= this.now)
    for (const task of due) this.lineUp(task, task.lane)
    const waits = (task: Task): boolean => task.isOpen && task.state !== 'running' && task.over <= this.now
    const over = [...this.tasks.values()].filter(waits).sort((a, b) => a.over - b.over)
    for (const task of over) this.end(task, 'expired', task.attempt)
    return { linedUp: due.length, ended: over.length }
  }

  /** Puts back what late workers hold, `most` tasks at most; a worker is forgotten once it surely holds none. */
  recover(most: number) {
    const states = ['dead', 'late'] as const
    const names = (state: string) => [...this.workers.keys()].filter((one) => this.workers.get(one) === state)
    const dead = states.flatMap((state) => names(state).sort())
    let left = most
    const became: TaskState[] = []
    for (const worker of dead) {
      this.workers.set(worker, 'dead')
      const held = this.heldBy(worker)
      let isDone = true
      for (const lane of LANES) {
        const some = held.filter((entry) => entry.lane === lane).slice(0, left)
        became.push(...some.map((entry) => this.#crash(entry, held)))
        left -= some.length
        isDone = isDone && left > 0
      }
      if (isDone) this.workers.delete(worker)
    }
    const recovered = became.filter((state) => state === 'queued').length
    const poisoned = became.filter((state) => state === 'failed').length
    return { recovered, poisoned, dead }
  }

  #finish({ held, state, delay }: Outcome): 'done' | 'again' | 'fenced' {
    const { task } = held
    const putsOff = state === 'retry' || state === 'cancelled'
    if (isLive(held)) {
      const attempt = held.begunBefore + 1
      if (state === 'retry' && !task.isToldToEnd) this.retry(held, attempt, delay)
      else this.end(task, state === 'retry' ? 'cancelled' : state, attempt)
      return 'done'
    }
    const isEndedSo = task.state === state || (putsOff && task.state === 'cancelled')
    const isAgain = (task.entry === held && isEndedSo) || (putsOff && task.left === held)
    return isAgain ? 'again' : 'fenced'
  }

  #isRegistered(worker: string): boolean {
    return ['alive', 'late'].includes(this.workers.get(worker) ?? '')
  }

  /** Its worker has died. held: all that it held, as it was given to it. */
  #crash(entry: Entry, held: readonly Entry[]): TaskState {
    const { task, begunBefore } = entry
    // One death away from the limit, so it begins when its worker holds nothing else.
    const isSuspect = task.crashes > 0 && task.crashes >= MAX_CRASHES - 1
    const hasBegun = !isSuspect || held[0] === entry
    if (hasBegun) task.crashes += 1
    const isPoison = hasBegun && task.crashes >= MAX_CRASHES && !task.isToldToEnd
    if (isPoison) this.end(task, 'failed', begunBefore + 1)
    else this.putAhead(entry, begunBefore + 1, 0)
    return task.state
  }
}
