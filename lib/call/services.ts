/** What all callables of a queue share. */

import type { TaskState } from '../record.ts'
import type { Verbs } from '../redis/admin.ts'
import type { Enqueuer } from './enqueue.ts'
import type { HandleServices } from './handle.ts'

export interface TaskServices extends HandleServices {
  readonly enqueuer: Enqueuer
  readonly maxPayload: number
  readonly checkOpen: () => void
  /** Ms that are left of the deadline of the task that makes the call; undefined: none does, or it has no deadline. */
  readonly timeLeft: () => number | undefined
  /** The operators' verbs, connected. */
  readonly admin: () => Promise<Verbs>
  readonly find: (key: string) => Promise<{ state: TaskState | 'none'; id: string | undefined }>
}
