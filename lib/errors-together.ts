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
