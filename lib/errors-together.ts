/** Errors of transactions. The root of all is in errors.ts. */

import { MillraceError } from './errors.ts'

/** The call was made in a transaction that was given up, and was never sent. `cause`: why, as it was thrown. */
export class TransactionAbortedError extends MillraceError {
  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super('ERR_MILLRACE_TRANSACTION_ABORTED', `the transaction was aborted: ${why}`, { cause })
  }
}

/** More calls in one transaction or flow than one script should carry. The call was not made. */
export class TransactionTooLargeError extends MillraceError {
  constructor(message: string) {
    super('ERR_MILLRACE_TRANSACTION_TOO_LARGE', message)
  }
}

/**
 * Calls of several queues that no script can accept together: the queues are of different servers or databases, or lie
 * in different slots of a cluster. None was accepted.
 */
export class SeparateQueuesError extends MillraceError {
  constructor(message: string, options?: ErrorOptions) {
    const hint =
      "Call with({ transaction: false }), or let each queue accept its own calls: transaction(fn, { others: 'each' })"
    super('ERR_MILLRACE_SEPARATE_QUEUES', `${message}. ${hint}`, options)
  }
}
