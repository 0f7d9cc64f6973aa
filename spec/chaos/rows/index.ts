/** All rows, in their order. */

import type { Row } from '../row.ts'
import { model } from './t00-model.ts'
import { kills } from './t01-kills.ts'
import { pauses } from './t02-pauses.ts'
import { redisKilled } from './t03-redis-killed.ts'
import { rollback } from './t04-rollback.ts'
import { lostDeliveries } from './t05-lost-deliveries.ts'
import { lostAnswers } from './t06-lost-answers.ts'
import { slowLinks } from './t07-slow-links.ts'
import { silence } from './t08-silence.ts'
import { scriptFlush } from './t09-script-flush.ts'
import { deletions } from './t10-deletions.ts'
import { clientKill } from './t11-client-kill.ts'
import { outages } from './t12-outages.ts'
import { fullMemory } from './t13-full-memory.ts'
import { fullDisk } from './t14-full-disk.ts'
import { junk } from './t19-junk.ts'
import { poison } from './t20-poison.ts'
import { rollingRestarts } from './t21-rolling-restarts.ts'
import { lostReplies } from './t22-lost-replies.ts'
import { bursts } from './t23-bursts.ts'
import { soak } from './t24-soak.ts'
import { takenBack } from './t25-taken-back.ts'
import { guards } from './t99-guards.ts'

export const ROWS: readonly Row[] = [
  model,
  kills,
  pauses,
  redisKilled,
  rollback,
  lostDeliveries,
  lostAnswers,
  slowLinks,
  silence,
  scriptFlush,
  deletions,
  clientKill,
  outages,
  fullMemory,
  fullDisk,
  junk,
  poison,
  rollingRestarts,
  lostReplies,
  bursts,
  soak,
  takenBack,
  guards(() => ROWS),
]
