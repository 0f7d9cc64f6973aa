/**
 * Whether code runs inside of a transaction, and of which. Who never uses one pays for the look at a variable: the
 * storage is made by the first. What a transaction is: transaction.ts.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import type { PendingCall } from './batch.ts'
import type { Enqueuer } from './enqueue.ts'

export interface Scope {
  /** Nested ones are parts of the outermost. */
  readonly root: Scope
  /** Throws where the calls cannot be part of it. */
  hold(enqueuer: Enqueuer, calls: readonly PendingCall[]): void
  /** Whether it is what holds this call back. */
  holds(call: PendingCall): boolean
}

let storage: AsyncLocalStorage<Scope | undefined> | undefined

export const openScope = (): Scope | undefined => storage?.getStore()

export function runInside<T>(scope: Scope, run: () => T): T {
  storage ??= new AsyncLocalStorage()
  return storage.run(scope, run)
}

/** For what happens to be done there and is not part of it. */
export function runOutside<T>(run: () => T): T {
  return storage?.getStore() ? storage.run(undefined, run) : run()
}

/** The call is held back by the very code that would wait for it. */
export const waitsForItself = (call: PendingCall): boolean =>
  call.batch.state === 'held' && openScope()?.root.holds(call) === true
