/** What is compared after each step: of the model here, of Redis in look.ts. */

import { END_STATES, type EndState, LANES, type Lane, type TaskState } from '../../lib/record.ts'
import type { Counts } from '../../lib/redis/admin.ts'
import type { Model } from './model.ts'
import { isLive } from './state.ts'
import { FOREVER, type Task } from './task.ts'

export interface TaskView {
  readonly state: TaskState
  readonly lane: Lane
  readonly home: string
  readonly holder: string
  readonly attempt: number
  readonly failures: number
  readonly crashes: number
  readonly errors: readonly number[]
  readonly progress: number
  readonly isToldToEnd: boolean
  /** Hours; -1: none. */
  readonly due: number
  readonly expires: number
  readonly deadline: number
  /** Who waits for its end. */
  readonly next: string
}

export interface View {
  readonly tasks: Readonly<Record<string, TaskView>>
  /** Unread entries in their order; `(id)`: its task is elsewhere by now. */
  readonly lanes: Readonly<Record<Lane, readonly string[]>>
  readonly scheduled: readonly string[]
  readonly failed: readonly string[]
  readonly keys: Readonly<Record<string, string>>
  readonly workers: Readonly<Record<string, string>>
  /** As the n-th delivery. */
  readonly cancelling: readonly number[]
  readonly isPaused: boolean
  readonly counts: Counts
}

export function viewOf(model: Model): View {
  const tasks = [...model.tasks.values()]
  const { ended, isPaused } = model
  const lanes = byLane((lane) =>
    model.lanes[lane].map((entry) => (isLive(entry) ? entry.task.id : `(${entry.task.id})`)),
  )
  const queued = byLane((lane) => model.lanes[lane].filter(isLive).length)
  const howMany = (state: TaskState): number => tasks.filter((task) => task.state === state).length
  return {
    tasks: Object.fromEntries(tasks.map((task) => [task.id, taskView(task)])),
    lanes,
    scheduled: model.scheduled.map(({ id }) => id),
    failed: model.failed.map(({ task }) => task.id),
    keys: Object.fromEntries([...model.keys].map(([key, { id }]) => [key, id])),
    workers: Object.fromEntries(model.workers),
    cancelling: model.taken.flatMap((entry, n) => (model.cancelling.has(entry) ? [n] : [])),
    isPaused,
    counts: {
      waiting: howMany('waiting'),
      ...{ scheduled: howMany('scheduled'), queued: howMany('queued'), running: howMany('running') },
      ...{ parked: howMany('parked'), failed: model.failed.length, lanes: queued, ended: { ...ended } },
    },
  }
}

function taskView(task: Task): TaskView {
  const { state, lane, attempt, failures, crashes, errors, progress, isToldToEnd } = task
  return {
    ...{ state, lane, attempt, failures, crashes, errors, progress },
    isToldToEnd: isToldToEnd && task.isOpen,
    home: lane === 'first' ? (task.home ?? '') : '',
    holder: state === 'running' ? task.entry!.worker! : '',
    due: state === 'scheduled' ? hourOf(task.due) : -1,
    expires: hourOf(task.expires),
    deadline: hourOf(task.deadline),
    next: task.isOpen && task.next?.state === 'waiting' ? task.next.id : '',
  }
}

const hourOf = (time: number): number => (time === FOREVER ? -1 : Math.floor(time))

export const byLane = <T>(of: (lane: Lane) => T): Record<Lane, T> =>
  Object.fromEntries(LANES.map((lane) => [lane, of(lane)])) as Record<Lane, T>

export const byEnd = <T>(of: (state: EndState) => T): Record<EndState, T> =>
  Object.fromEntries(END_STATES.map((state) => [state, of(state)])) as Record<EndState, T>
