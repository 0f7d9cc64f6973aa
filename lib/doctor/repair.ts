/** Puts in order what can be: tasks that nobody would ever take, lists, and consumers that no worker is behind. */

import { flag, resolve } from '../options.ts'
import { portions } from '../redis/tasks.ts'
import { type DiagnoseOptions, VISIT_OPTIONS } from './diagnose.ts'
import { groupFacts } from './groups.ts'
import { relist } from './lists.ts'
import { type RecordFacts, recordFacts } from './records.ts'
import { type DoctorTarget, type Visit, visit } from './visit.ts'

export interface RepairOptions extends DiagnoseOptions {
  /** Do it. Default false: only say what would be done. */
  readonly apply?: boolean
}

export interface Repair {
  /** False: nothing was changed; the counts are of what would be. */
  readonly isApplied: boolean
  /** Tasks that are back in line. */
  readonly mended: number
  /** Tasks that stay as they are, because another live task holds their dedupe key. Of a dry run 0: it is not known yet. */
  readonly held: number
  /** Tasks that wait for others, and schedules, that are listed again, or are not there and are listed no more. */
  readonly relisted: number
  /** Ids of tasks that nobody can run: their call is gone. They stay as they are. */
  readonly gone: readonly string[]
  /** Names of consumers without a worker and without anything pending that have left their group. */
  readonly dismissed: readonly string[]
  /** False: the limit came first, so there may be more. */
  readonly isComplete: boolean
}

const OPTIONS = { ...VISIT_OPTIONS, apply: flag(false) }

/**
 * May run while workers do, and as often as you like: what is out of order is decided by the script that puts it in order.
 * Throws OptionError, RedisError.
 */
export async function repair(target: DoctorTarget, options?: RepairOptions): Promise<Repair> {
  const { apply, limit, timeout } = resolve('repair', options, OPTIONS)
  return visit(target, timeout, async (here) => {
    const records = await recordFacts(here, limit)
    const { strays, gone, unlisted, stale, isComplete } = records
    if (apply) {
      const mended = await mend(here, records)
      const relisted = await relist(here, [...unlisted, ...stale])
      const dismissed = await here.examiner.dismiss()
      return { isApplied: true, ...mended, relisted, gone, dismissed, isComplete }
    }
    const { strangers } = await groupFacts(here)
    const idle = strangers.filter(({ pending }) => pending === 0).map(({ name }) => name)
    const relisted = unlisted.length + stale.length
    return { isApplied: false, mended: strays.length, held: 0, relisted, gone, dismissed: idle, isComplete }
  })
}

async function mend({ examiner }: Visit, { strays, orphans }: RecordFacts) {
  let [mended, held] = [0, 0]
  const alone = new Set(orphans)
  const tasks = strays.map((id) => ({ id, isOrphan: alone.has(id) }))
  for (const portion of portions(tasks)) {
    const answers = await examiner.mend(portion)
    mended += answers.filter((answer) => answer === 'mended').length
    held += answers.filter((answer) => answer === 'key').length
  }
  return { mended, held }
}
