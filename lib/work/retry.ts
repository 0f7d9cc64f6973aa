/** Again and again until Redis answers: for what a worker must get through, and what may run twice. */

import { isTransient } from '../redis/faults.ts'

const FIRST = 20
const MOST = 1_000

export interface Patience {
  /** Resolves when there may be a connection again; may reject, which only means another round. */
  readonly ready: () => Promise<void>
  /** No more tries: the last error is thrown. */
  readonly isOver: () => boolean
  /** After each failed try that will be followed by another. */
  readonly onRetry?: (error: unknown) => void
}

/** Throws what is not transient, and anything once patience is over. */
export async function insist<T>(patience: Patience, work: () => Promise<T>): Promise<T> {
  for (let wait = FIRST; ; wait = Math.min(wait * 2, MOST)) {
    try {
      return await work()
    } catch (error) {
      if (!isTransient(error) || patience.isOver()) throw error
      patience.onRetry?.(error)
      await new Promise((resolve) => setTimeout(resolve, wait))
      await patience.ready().catch(() => {})
    }
  }
}
