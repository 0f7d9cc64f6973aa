/** The door: what is public is named here, and nothing else is done here. */

export { type GetOptions, TaskHandle } from './call/handle.ts'
export type { Priority, RemoteTask, Task, TaskOptions } from './call/task.ts'
export {
  DuplicateTaskError,
  EnqueueError,
  MalformedDataError,
  MillraceError,
  NoCurrentTaskError,
  OptionError,
  PayloadTooLargeError,
  QueueClosedError,
  RedisError,
  TaskAbortedError,
  TaskFailedError,
  TaskLostError,
  UnknownTaskError,
  UnsupportedValueError,
  WaitTimeoutError,
} from './errors.ts'
export { Queue, type QueueOptions } from './queue.ts'
export type { TaskInfo, TaskState } from './record.ts'
export type { RedisTarget } from './redis/target.ts'
export { currentTask, type TaskContext } from './work/context.ts'
export { Worker, type WorkerEvents, type WorkerOptions } from './work/worker.ts'
