/** The door: what is public is named here, and nothing else is done here. */

export { type GetOptions, TaskHandle } from './call/handle.ts'
export type { QueueHealth } from './call/health.ts'
export type { EnqueuedCall } from './call/many.ts'
export type { PreparedCall, PreparedStep } from './call/prepared.ts'
export type { CallTarget, TargetOptions } from './call/services.ts'
export type { CallbackOptions, Ensured, Found, RemoteTask, Task, TaskFailure } from './call/task.ts'
export type { TransactionOptions } from './call/transaction.ts'
export { type Config, defineConfig, type QueueConfig } from './cli/config.ts'
export type { Backoff } from './envelope.ts'
export {
  BatchResultError,
  DependencyError,
  DoNotRetry,
  DuplicateTaskError,
  EnqueueError,
  MalformedDataError,
  MillraceError,
  NoCurrentTaskError,
  OptionError,
  PayloadTooLargeError,
  QueueClosedError,
  QueueFullError,
  RedisError,
  RetryLater,
  SchemaError,
  type SchemaIssue,
  TaskAbortedError,
  TaskCancelledError,
  TaskExpiredError,
  TaskFailedError,
  TaskLostError,
  TaskOverrunError,
  TaskTimeoutError,
  UnknownParentError,
  UnknownTaskError,
  UnsupportedValueError,
  WaitTimeoutError,
} from './errors.ts'
export { SeparateQueuesError, TransactionAbortedError, TransactionTooLargeError } from './errors-together.ts'
export { chain, chainOf, chord, type Flow, type FlowStep, group, type PartialFlow } from './flow/flow.ts'
export type { FlowHandle, FlowTask, FlowTree } from './flow/handle.ts'
export type { LimitOptions } from './limits.ts'
export type { Logger } from './logger.ts'
export type { FailedFilter, StacksOptions } from './operations.ts'
export { WorkerProcessError } from './processes/process-error.ts'
export { Queue } from './queue.ts'
export type { ListOptions, QueueOptions } from './queue-options.ts'
export type { AttemptError, EndState, Lane, OpenState, TaskInfo, TaskState } from './record.ts'
export type {
  CancelAnswer,
  Counts,
  ListedState,
  MoveAnswer,
  RemoveAnswer,
  RetryAnswer,
} from './redis/admin.ts'
export type { QueueEvent } from './redis/events.ts'
export type { HealthOptions } from './redis/probe.ts'
export type { RunningTask, StackFrame, WorkerStacks } from './redis/stacks.ts'
export type { RedisTarget } from './redis/target.ts'
export type { FailureGroup, TaskFilter } from './redis/tasks.ts'
export type { WorkerInfo, WorkerStanding } from './redis/workers.ts'
export {
  type Missed,
  type NextTimesOptions,
  nextTimes,
  type Overlap,
  type ScheduleOptions,
} from './schedule.ts'
export type { ScheduleInfo } from './scheduling.ts'
export type { SchemaOptions, StandardSchemaV1 } from './schema.ts'
export {
  StreamGapError,
  type StreamOptions,
  StreamRestartedError,
  type StreamSettings,
  StreamTakenError,
} from './streams.ts'
export type { BatchOptions, DefinitionOptions, Priority, TaskDefaults, TaskOptions } from './task-options.ts'
export type { BatchCall } from './work/batch.ts'
export { currentTask, type TaskContext } from './work/context.ts'
export type { WorkerHealth, WorkerState } from './work/health.ts'
export { Worker } from './work/worker.ts'
export type { RunOptions, TaskEnd, TaskStart, WorkerEvents, WorkerOptions } from './work/worker-options.ts'
