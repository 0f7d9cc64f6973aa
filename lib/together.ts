/** Calls that belong together: many of them, transactions and flows. */

import { type EnqueuedCall, enqueueMany } from './call/many.ts'
import type { PreparedCall } from './call/prepared.ts'
import type { TaskServices } from './call/services.ts'
import { type TransactionOptions, transact } from './call/transaction.ts'
import { findFlow } from './flow/find.ts'
import type { FlowHandle } from './flow/handle.ts'
import { checkName } from './ids.ts'
import { Operations } from './operations.ts'

export abstract class Together extends Operations {
  protected abstract readonly services: TaskServices

  /**
   * Makes prepared calls, each accepted or refused for itself, and answers what became of each, in order. However many
   * the iterable gives, at most some 2,000 wait for Redis at once. A call of another queue goes to that one. Inside of a
   * transaction they are a part of it, and answered at once. Rejects with what the iterable throws, when what it gave
   * before is on its way, and with OptionError for what is no prepared call.
   */
  enqueueMany<R>(
    calls: Iterable<PreparedCall<R>> | AsyncIterable<PreparedCall<R>>,
  ): Promise<EnqueuedCall<R>[]> {
    return enqueueMany(calls)
  }

  /**
   * What is called inside, also by what that awaits, is accepted all or none. Resolves with what the function gives when
   * Redis has accepted all. When it throws nothing is sent: this rejects with what was thrown, and the handles with
   * TransactionAbortedError; when Redis refuses, with EnqueueError, QueueFullError or UnknownParentError. Calls of other
   * queues of the same Redis are part of it; of another Redis they throw SeparateQueuesError, as the whole does where the
   * queues lie in different slots of a cluster. Inside of another transaction it is a part of that. At most 10,000
   * calls and 32 MiB: TransactionTooLargeError.
   */
  transaction<T>(run: () => T | Promise<T>, options?: TransactionOptions): Promise<T> {
    return transact(this.services.enqueuer, run, options)
  }

  /** A flow that was started here or elsewhere; null when nothing is known of it (any more). `R`: of its result. */
  async flow<R = unknown>(id: string): Promise<FlowHandle<R> | null> {
    checkName('flow id', id)
    return findFlow<R>(this.services, id)
  }
}
