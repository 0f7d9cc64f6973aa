/**
 * Limits in this process, as lib/redis/lua/shared/lines.lua has them in Redis: how many of a key begin in a time, how
 * many run at once, and turns between keys. Asked by the ledger before it lets a task begin.
 */

import type { Clock } from '../clock.ts'
import type { Agenda, Alarm } from './agenda.ts'
import type { Limit, TaskRecord } from './record.ts'

/** Of the calls of one key. */
interface Line {
  /** That of the newest call. */
  limit: Limit
  readonly busy: Set<TaskRecord>
  /** When the last of them began, at most `max`. */
  starts: number[]
  /** The turn in which one of them began last. */
  served: number
  /** Until another may begin. */
  alarm: Alarm | undefined
}

export class Limits {
  readonly #agenda: Agenda
  readonly #clock: Clock
  readonly #onFree: () => void
  readonly #lines = new Map<string, Line>()
  /** There was one, ever. */
  isUsed = false
  #turns = 0
  #wasLimited = false

  /** onFree: one more of a key may begin. */
  constructor(agenda: Agenda, clock: Clock, onFree: () => void) {
    this.#agenda = agenda
    this.#clock = clock
    this.#onFree = onFree
  }

  /** The newest counts for all of its key. */
  keep(limit: Limit): void {
    this.isUsed = true
    this.#line(limit).limit = limit
  }

  /** Of these the next that may begin: of the key that was served longest ago. Those of a key come in their order. */
  next(records: Iterable<TaskRecord>): TaskRecord | undefined {
    const seen = new Set<string>()
    let found: { readonly record: TaskRecord; readonly served: number } | undefined
    for (const record of records) {
      if (!record.limit || seen.has(record.limit.key)) continue
      seen.add(record.limit.key)
      const line = this.#line(record.limit)
      if (!this.#mayBegin(line)) continue
      if (!found || line.served < found.served) found = { record, served: line.served }
    }
    return found?.record
  }

  /** By turns, where there is one of each. */
  choose(plain: TaskRecord | undefined, limited: TaskRecord | undefined): TaskRecord | undefined {
    const chosen = (this.#wasLimited ? plain : limited) ?? plain ?? limited
    this.#wasLimited = chosen !== undefined && chosen === limited
    return chosen
  }

  began(record: TaskRecord): void {
    if (!record.limit) return
    const line = this.#line(record.limit)
    const { slots, max } = line.limit
    this.#turns += 1
    line.served = this.#turns
    if (slots > 0) line.busy.add(record)
    if (max > 0) line.starts = [...line.starts, this.#clock.now].slice(-max)
  }

  /** Of one that ran. */
  left(record: TaskRecord): void {
    const line = record.limit && this.#lines.get(record.limit.key)
    if (!line) return
    line.busy.delete(record)
    this.#tidy(line)
  }

  #line(limit: Limit): Line {
    const known = this.#lines.get(limit.key)
    if (known) return known
    // A new one is the last of the round.
    const line: Line = { limit, busy: new Set(), starts: [], served: this.#turns, alarm: undefined }
    this.#lines.set(limit.key, line)
    return line
  }

  #mayBegin(line: Line): boolean {
    const { slots, max, per } = line.limit
    if (slots > 0 && line.busy.size >= slots) return false
    const start = max > 0 ? line.starts.at(-max) : undefined
    if (start === undefined || start + per <= this.#clock.now) return true
    if (!line.alarm || line.alarm.isOff) {
      line.alarm = this.#agenda.add(start + per, () => {
        this.#onFree()
        this.#tidy(line)
      })
    }
    return false
  }

  /** Nothing is remembered for longer than it matters. */
  #tidy(line: Line): void {
    const { key, per } = line.limit
    const last = line.starts.at(-1)
    if (line.busy.size > 0) return
    if (last === undefined || last + per <= this.#clock.now) this.#lines.delete(key)
    else if (!line.alarm || line.alarm.isOff)
      line.alarm = this.#agenda.add(last + per, () => this.#tidy(line))
  }
}
