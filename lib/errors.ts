/** Every error that Millrace throws: classes with a stable `code`, traced by `cause`. */

/** The root of them all: `error instanceof MillraceError`. */
export class MillraceError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** An option, name or id that is not allowed. Thrown where it was given. */
export class OptionError extends MillraceError {
  constructor(message: string) {
    super('ERR_MILLRACE_OPTION', message)
  }
}

/** A value that cannot cross: a function, a symbol, a promise, or one nested too deep. `path` says where. */
export class UnsupportedValueError extends MillraceError {
  readonly path: string

  constructor(path: string, problem: string) {
    super('ERR_MILLRACE_UNSUPPORTED_VALUE', `${path} ${problem}`)
    this.path = path
  }
}

/** A value larger than its limit (`maxPayload`, `maxResult`), in bytes as packed. */
export class PayloadTooLargeError extends MillraceError {
  readonly bytes: number
  readonly limit: number

  constructor(what: string, bytes: number, limit: number, hint: string) {
    super(
      'ERR_MILLRACE_PAYLOAD_TOO_LARGE',
      `${what}: ${bytes} bytes packed, and at most ${limit} are allowed (${hint})`,
    )
    this.bytes = bytes
    this.limit = limit
  }
}

/** Bytes in Redis that are not what Millrace wrote. */
export class MalformedDataError extends MillraceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_MILLRACE_MALFORMED_DATA', message, options)
  }
}

/** The same task name was defined twice on one queue. */
export class DuplicateTaskError extends MillraceError {
  constructor(name: string, queue: string) {
    super('ERR_MILLRACE_DUPLICATE_TASK', `queue "${queue}" already has a task named "${name}"`)
  }
}

/** The worker that took the task has no handler of that name. */
export class UnknownTaskError extends MillraceError {
  constructor(name: string, known: readonly string[]) {
    const list = known.length > 0 ? known.slice(0, 20).join(', ') : 'none'
    super('ERR_MILLRACE_UNKNOWN_TASK', `no task named "${name}" in this worker (it knows: ${list})`)
  }
}

/** `currentTask()` or `updateProgress()` outside of a handler. */
export class NoCurrentTaskError extends MillraceError {
  constructor() {
    super('ERR_MILLRACE_NO_CURRENT_TASK', 'currentTask() works only inside a running task handler')
  }
}

/**
 * A call that was not, or perhaps not, put in the queue. `accepted: false`: it is certain that it was not;
 * `'unknown'`: the connection broke after it was sent, so it may run.
 */
export class EnqueueError extends MillraceError {
  readonly accepted: false | 'unknown'

  constructor(message: string, accepted: false | 'unknown', options?: ErrorOptions) {
    super('ERR_MILLRACE_ENQUEUE', message, options)
    this.accepted = accepted
  }
}

/** The handler threw. `cause` is what it threw: an error with the remote name, message, code and stack. */
export class TaskFailedError extends MillraceError {
  readonly taskId: string

  constructor(taskId: string, message: string, options: ErrorOptions) {
    super('ERR_MILLRACE_TASK_FAILED', message, options)
    this.taskId = taskId
  }
}

/** Redis holds no record of the task (any more): it expired, was deleted, or Redis lost it. */
export class TaskLostError extends MillraceError {
  readonly taskId: string

  constructor(taskId: string) {
    super(
      'ERR_MILLRACE_TASK_LOST',
      `there is no record of task ${taskId}: its retention is over, it was deleted, or Redis lost it`,
    )
    this.taskId = taskId
  }
}

/** `get({ timeout })` ended before the task did. The task goes on. */
export class WaitTimeoutError extends MillraceError {
  readonly taskId: string

  constructor(taskId: string, timeout: number) {
    super('ERR_MILLRACE_WAIT_TIMEOUT', `task ${taskId} did not end within ${timeout} ms; it goes on`)
    this.taskId = taskId
  }
}

/** The queue was closed while this was under way, or before. */
export class QueueClosedError extends MillraceError {
  constructor(queue: string) {
    super('ERR_MILLRACE_QUEUE_CLOSED', `queue "${queue}" is closed`)
  }
}

/** Why a running handler's signal aborts: its worker stops, or lost the task to another. */
export class TaskAbortedError extends MillraceError {
  constructor(reason: string) {
    super('ERR_MILLRACE_TASK_ABORTED', reason)
  }
}

/**
 * Redis refused or could not be asked. `executed: false`: the command certainly did nothing;
 * `'unknown'`: it may have been done.
 */
export class RedisError extends MillraceError {
  readonly executed: false | 'unknown'

  constructor(message: string, executed: false | 'unknown', code = 'ERR_MILLRACE_REDIS') {
    super(code, message)
    this.executed = executed
  }
}
