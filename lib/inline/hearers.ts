/** Calls that hear of a task's progress: as lib/redis/lua/shared/hearers.lua keeps them and hear.lua makes them. */

import { isEndState } from '../record.ts'
import type { Hearer, NewCall } from '../redis/wire.ts'
import { MOST_HEARERS } from '../tie-options.ts'
import type { TaskRecord } from './record.ts'

/** Whether there is room for them. */
export const mayHear = (record: TaskRecord | undefined, hearers: readonly Hearer[]): boolean =>
  (record?.hearers.length ?? 0) + newOf(record, hearers).length <= MOST_HEARERS

/** Each once. False: there would be too many. */
export function letHear(record: TaskRecord, hearers: readonly Hearer[]): boolean {
  if (!mayHear(record, hearers)) return false
  for (const hearer of newOf(record, hearers)) record.hearers.push({ hearer, told: 0 })
  return true
}

/** The calls that are to be made of this progress. What waits already gets the newer value. */
export function callsOf(
  { id, hearers }: TaskRecord,
  value: Buffer,
  records: ReadonlyMap<string, TaskRecord>,
): NewCall[] {
  return hearers.flatMap((kept, number) => {
    const [how, call, takes] = kept.hearer
    const last = records.get(`${id}.${number}.${kept.told}`)
    const isLive = last !== undefined && !isEndState(last.state)
    if (isLive && last.state !== 'running') {
      if (takes) last.inputs = [{ letter: 's', value }]
      return []
    }
    kept.told += 1
    const [lane, ...wishes] = typeof how === 'string' ? [how] : how
    if (takes) wishes.push('given', value)
    if (isLive) wishes.push('after', last.id, 'policy', 'b')
    const made = `${id}.${number}.${kept.told}`
    return [{ id: made, lane, how: wishes, packed: call.subarray(1), isAwaited: false }]
  })
}

/** Those that it lacks. */
function newOf(record: TaskRecord | undefined, hearers: readonly Hearer[]): Hearer[] {
  const known = record?.hearers.map(({ hearer }) => hearer) ?? []
  return hearers.filter((hearer, index) => {
    return ![...known, ...hearers.slice(0, index)].some((other) => isSame(hearer, other))
  })
}

const isSame = (a: Hearer, b: Hearer): boolean =>
  JSON.stringify(a[0]) === JSON.stringify(b[0]) && a[1].equals(b[1]) && a[2] === b[2]
