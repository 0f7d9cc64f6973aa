/** Which task of an inline queue begins next: by lanes, and in turns between those with a limit and those without. */

import { LANES } from '../record.ts'
import type { Limits } from './limits.ts'
import type { Line, TaskRecord } from './record.ts'

/** In the order in which tasks are taken. */
export const LINES: readonly Line[] = LANES.flatMap((lane) => (lane === 'first' ? [lane, 'front'] : [lane]))
const AHEAD: readonly Line[] = ['first', 'front']
const BEHIND: readonly Line[] = ['high', 'normal', 'low']

/** waiting: those of a line whose time is not over, in their order. */
export function nextOf(
  waiting: (line: Line) => Iterable<TaskRecord>,
  limits: Limits,
): TaskRecord | undefined {
  const unlimited = (lines: readonly Line[]): TaskRecord | undefined => {
    for (const line of lines) {
      for (const record of waiting(line)) if (!record.limit) return record
    }
    return undefined
  }
  const limited = function* (): Generator<TaskRecord> {
    for (const lane of LANES) {
      for (const record of waiting(lane)) if (record.limit) yield record
    }
  }
  if (!limits.isUsed) return unlimited(LINES)
  return unlimited(AHEAD) ?? limits.choose(unlimited(BEHIND), limits.next(limited()))
}
