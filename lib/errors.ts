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

/** Where a value does not fit its schema, and the schema's words for it. The path leads to it, from the whole on. */
export interface SchemaIssue {
  readonly message: string
  readonly path: readonly (string | number)[]
}

/** Most issues that are named in a message. */
const MAX_NAMED = 3

/**
 * The argument of a call, or what its handler returned, does not fit the task's schema. Nothing was sent; or the task
 * failed, and will not be tried again. `issues`: the first 32. Their words are the schema's: some quote the value.
 */
export class SchemaError extends MillraceError {
  readonly where: 'input' | 'output'
  readonly issues: readonly SchemaIssue[]

  constructor(task: string, where: 'input' | 'output', issues: readonly SchemaIssue[]) {
    const named = issues
      .slice(0, MAX_NAMED)
      .map(({ path, message }) => [...[path.join('.')].filter(Boolean), message].join(': '))
    const more = issues.length > MAX_NAMED ? '; and more' : ''
    super(
      'ERR_MILLRACE_SCHEMA',
      `task "${task}": the ${where} does not fit its schema: ${named.join('; ')}${more}`,
    )
    this.where = where
    this.issues = issues
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

/** `currentTask()` or `updateProgress()` outside of a handler, or in a batch handler, which runs several tasks. */
export class NoCurrentTaskError extends MillraceError {
  constructor(message = 'currentTask() works only inside a running task handler') {
    super('ERR_MILLRACE_NO_CURRENT_TASK', message)
  }
}

/** A batch handler returned something else than one result for each of its calls: those not settled singly have failed for good. */
export class BatchResultError extends MillraceError {
  /** How many calls it was given. */
  readonly expected: number
  /** How many results it gave; undefined: what it returned is no array. */
  readonly got: number | undefined

  constructor(task: string, expected: number, got: number | undefined, what: string) {
    super(
      'ERR_MILLRACE_BATCH_RESULT',
      `the batch handler "${task}" was given ${expected} calls and returned ${what}; expected an array of ${expected} ` +
        'results in the order of the calls (an Error for a call that failed), or undefined',
    )
    this.expected = expected
    this.got = got
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

/** The task was cancelled, before it began or while it ran. The message is the reason. */
export class TaskCancelledError extends MillraceError {
  readonly taskId: string

  constructor(taskId: string, reason: string) {
    super('ERR_MILLRACE_TASK_CANCELLED', reason || `task ${taskId} was cancelled`)
    this.taskId = taskId
  }
}

/** Its `ttl` was over before it began, or its `deadline` before it ended. */
export class TaskExpiredError extends MillraceError {
  readonly taskId: string

  constructor(taskId: string, message: string) {
    super('ERR_MILLRACE_TASK_EXPIRED', `task ${taskId} expired: ${message}`)
    this.taskId = taskId
  }
}

/** An attempt ran longer than its `timeout`: the reason of the handler's signal, and the attempt's error. */
export class TaskTimeoutError extends MillraceError {
  constructor(timeout: number) {
    super('ERR_MILLRACE_TASK_TIMEOUT', `the attempt did not end within its timeout of ${timeout} ms`)
  }
}

/** A handler kept the event loop past its timeout or deadline: what else the process does stood still. */
export class TaskOverrunError extends MillraceError {
  readonly taskId: string

  constructor(taskId: string, message: string) {
    super('ERR_MILLRACE_TASK_OVERRUN', message)
    this.taskId = taskId
  }
}

/** `maxQueued` tasks wait already. Nothing was enqueued. */
export class QueueFullError extends MillraceError {
  readonly limit: number

  constructor(queue: string, limit: number) {
    super(
      'ERR_MILLRACE_QUEUE_FULL',
      `queue "${queue}" is full: ${limit} tasks wait already (maxQueued); call again later, or set onFull: 'wait'`,
    )
    this.limit = limit
  }
}

/** The call was to wait for a task that nobody knows (any more). It was not enqueued. */
export class UnknownParentError extends MillraceError {
  readonly parentId: string

  constructor(parentId: string) {
    super(
      'ERR_MILLRACE_UNKNOWN_PARENT',
      `the call was to wait for task ${parentId}, and there is no record of it in this queue: it was never enqueued here, or its retention is over`,
    )
    this.parentId = parentId
  }
}

/**
 * A task that another waited for did not succeed, so that one failed without having run. `cause`: the error of the one
 * that failed first. Also: what it takes of others as its arguments is not there.
 */
export class DependencyError extends MillraceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_MILLRACE_DEPENDENCY', message, options)
  }
}

/** Thrown by a handler: this attempt failed, and another follows after `delay` ms, whatever `retries` says. */
export class RetryLater extends MillraceError {
  /** Ms until the next attempt; undefined: as the task's `backoff` says. */
  readonly delay: number | undefined

  constructor(options: { readonly delay?: number; readonly cause?: unknown } = {}) {
    const { delay, cause } = options
    if (delay !== undefined && !(Number.isFinite(delay) && delay >= 0)) {
      throw new OptionError(
        `RetryLater: delay must be a number of ms of at least 0 (given: ${String(delay)})`,
      )
    }
    const message = cause instanceof Error ? cause.message : 'the handler asked for another attempt'
    super('ERR_MILLRACE_RETRY_LATER', message, cause === undefined ? {} : { cause })
    this.delay = delay
  }
}

/** Thrown by a handler: the task has failed for good, whatever `retries` says. `cause` is what callers see. */
export class DoNotRetry extends MillraceError {
  constructor(cause: unknown) {
    super('ERR_MILLRACE_DO_NOT_RETRY', cause instanceof Error ? cause.message : String(cause), { cause })
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
