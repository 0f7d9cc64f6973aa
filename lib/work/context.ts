/** What a handler can know of its own run. It travels with the async context, so signatures stay the user's. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { NoCurrentTaskError } from '../errors.ts'

export interface TaskContext {
  readonly id: string
  readonly name: string
  /** 1 for the first. */
  readonly attempt: number
  /** Aborts when the worker stops and cannot wait longer, or when the task was given to another worker. */
  readonly signal: AbortSignal
  /**
   * Sets the task's progress: any value that could be an argument. Throws for one that cannot be sent. Resolves
   * when Redis has it, or when the task is not this worker's any more; it never rejects.
   */
  updateProgress(value: unknown): Promise<void>
}

const storage = new AsyncLocalStorage<TaskContext>()

/** The running task. Throws NoCurrentTaskError outside of a handler. */
export function currentTask(): TaskContext {
  const context = storage.getStore()
  if (!context) throw new NoCurrentTaskError()
  return context
}

export function runWith<Args extends unknown[], R>(
  context: TaskContext,
  run: (...args: Args) => R,
  args: Args,
): R {
  return storage.run(context, run, ...args)
}

/** The context of `task.local(...)`: progress goes nowhere, nothing aborts. */
export const localContext = (name: string): TaskContext => ({
  id: 'local',
  name,
  attempt: 1,
  signal: new AbortController().signal,
  updateProgress: () => Promise.resolve(),
})
