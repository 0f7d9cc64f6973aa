/** What the queue lends its workers. */

import type { Admin } from '../redis/admin.ts'
import type { Connection } from '../redis/connection.ts'
import type { Letters } from '../redis/letters.ts'
import type { Schedules } from '../redis/schedules.ts'
import type { Store } from '../redis/store.ts'
import type { RedisTarget } from '../redis/target.ts'
import type { Elsewhere } from '../upkeep/outbox.ts'
import type { ExecuteOptions } from './execute-options.ts'
import type { Registry } from './registry.ts'

export interface WorkerServices {
  readonly queue: string
  readonly namespace: string
  readonly target: RedisTarget
  readonly commands: Connection
  readonly store: Store
  readonly registry: Registry
  /** Tells the directory of queues that this one is in use. */
  readonly seen: () => void
  readonly admin: Admin
  readonly schedules: Schedules
  readonly letters: Letters
  /** Another queue that tasks of this one go to; undefined: it is not known here. */
  readonly reach: (queue: string) => Elsewhere | undefined
  readonly limits: Pick<
    ExecuteOptions,
    'maxPayload' | 'maxResult' | 'resultTtl' | 'failedTtl' | 'unknownTtl'
  > & {
    readonly maxFailed: number
  }
}
