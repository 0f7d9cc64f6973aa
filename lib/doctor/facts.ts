/** What there is in one queue and its Redis, as it was read. */

import type { Counts } from '../redis/admin.ts'
import type { GroupFacts } from './groups.ts'
import type { OutboxFacts } from './outbox.ts'
import type { RecordFacts } from './records.ts'
import type { ScheduleFacts } from './schedules.ts'
import type { ServerFacts } from './server.ts'

export interface Facts {
  readonly server: ServerFacts
  readonly counts: Counts
  readonly groups: GroupFacts
  readonly records: RecordFacts
  readonly schedules: ScheduleFacts
  readonly outbox: OutboxFacts
}
