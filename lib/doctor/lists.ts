/**
 * The sorted sets that name what is kept in keys of its own: who waits for others (P:waiting), and when schedules are due
 * (P:slots). What they name in vain is found here; what they fail to name, by the walk over the keys (records.ts).
 */

import { LISTS, type ListedKind } from '../redis/examiner.ts'
import { portions } from '../redis/tasks.ts'
import type { Visit } from './visit.ts'

const PORTION = 100
const KINDS = Object.keys(LISTS) as ListedKind[]

/** By the keys, without P, that are not there. At most `limit` names of each list are looked at. */
export async function staleNames(
  { examiner }: Visit,
  limit: number,
): Promise<{ stale: string[]; isComplete: boolean }> {
  const stale = new Set<string>()
  let isComplete = true
  for (const kind of KINDS) {
    let from = 0
    for (;;) {
      const most = Math.min(PORTION, limit - from)
      const page = await examiner.listed(kind, from, most)
      for (const name of page.stale) stale.add(`${kind}:${name}`)
      from += page.looked
      if (page.looked < most) break
      if (from >= limit) {
        isComplete = false
        break
      }
    }
  }
  return { stale: [...stale], isComplete }
}

/** names: keys without P. How many were not as they should be. */
export async function relist({ examiner }: Visit, names: readonly string[]): Promise<number> {
  let done = 0
  for (const kind of KINDS) {
    const own = names.filter((name) => name.startsWith(`${kind}:`)).map((name) => name.slice(kind.length + 1))
    for (const portion of portions(own, PORTION)) done += await examiner.relist(kind, portion)
  }
  return done
}
