/** Schedules of an inline queue: what P:schedule:<name> and P:slots are in Redis, with one alarm for the nearest slot. */

import type { Lane } from '../record.ts'
import type {
  Defined,
  Definition,
  FoundSchedules,
  Moved,
  ScheduleVerbs,
  Slot,
  StoredSchedule,
} from '../redis/schedules.ts'
import { DueSchedules } from '../upkeep/cron.ts'
import type { Agenda, Alarm } from './agenda.ts'
import type { Ledger } from './ledger.ts'
import type { InlineStore } from './store.ts'

export interface InlineSchedulesOptions {
  readonly ledger: Ledger
  readonly agenda: Agenda
  readonly store: InlineStore
  /** The nearest slot is another. */
  readonly onChange: () => void
  readonly onError: (error: Error) => void
}

type Kept = { -readonly [K in keyof StoredSchedule]: StoredSchedule[K] } & Pick<Definition, 'how'>

const NEVER = Number.POSITIVE_INFINITY

export class InlineSchedules implements ScheduleVerbs {
  readonly #options: InlineSchedulesOptions
  readonly #schedules = new Map<string, Kept>()
  readonly #due: DueSchedules
  #alarm: Alarm | undefined

  constructor(options: InlineSchedulesOptions) {
    this.#options = options
    this.#due = new DueSchedules({ schedules: this, onProblem: options.onError })
  }

  async find(which: 'due' | 'all', from: number, most: number): Promise<FoundSchedules> {
    const { now } = this.#options.ledger
    const all = [...this.#schedules.values()].sort((a, b) => (a.due ?? NEVER) - (b.due ?? NEVER))
    const chosen = which === 'all' ? all : all.filter(({ due }) => (due ?? NEVER) <= now)
    const next = all.find(({ due }) => (due ?? 0) > now)?.due
    return { now, wait: next && next - now, schedules: chosen.slice(from, from + most) }
  }

  async get(name: string): Promise<FoundSchedules> {
    const found = this.#schedules.get(name)
    return { now: this.#options.ledger.now, wait: undefined, schedules: found ? [found] : [] }
  }

  async define(definition: Definition, next: Slot | undefined): Promise<Defined> {
    const old = this.#schedules.get(definition.name)
    const isSameTime = old?.when === definition.when
    if (old && isSameTime && isSame(old, definition)) return 'same'
    const nothing = { slot: undefined, due: undefined, isPaused: false, last: undefined, ran: undefined }
    const kept: Kept = { ...nothing, ...old, ...definition }
    if (!isSameTime) place(kept, next)
    this.#schedules.set(definition.name, kept)
    this.#arm()
    return old ? 'changed' : 'new'
  }

  async pause(name: string): Promise<Moved> {
    const kept = this.#schedules.get(name)
    if (!kept) return 'none'
    kept.isPaused = true
    kept.due = undefined
    this.#arm()
    return 'done'
  }

  async resume(name: string, _since: number, next: Slot | undefined): Promise<Moved> {
    const kept = this.#schedules.get(name)
    if (!kept) return 'none'
    if (!kept.isPaused) return 'done'
    kept.isPaused = false
    place(kept, next)
    this.#arm()
    return 'done'
  }

  async remove(name: string): Promise<boolean> {
    const was = this.#schedules.delete(name)
    this.#arm()
    return was
  }

  async fire(
    { name, slot }: Pick<StoredSchedule, 'name' | 'slot'>,
    run: readonly number[],
    next: Slot | undefined,
  ): Promise<Moved> {
    const kept = this.#schedules.get(name)
    if (!kept) return 'none'
    if (kept.slot !== slot || kept.isPaused) return 'past'
    const first = this.#isOpen(kept.last) ? [] : run.slice(0, 1)
    const slots = kept.overlap === 'skip' ? first : run
    place(kept, next)
    for (const one of slots) await this.#enqueue(kept, `${name}:${one}`)
    return 'done'
  }

  async run(name: string, id: string): Promise<Moved> {
    const kept = this.#schedules.get(name)
    if (!kept) return 'none'
    await this.#enqueue(kept, id)
    return 'done'
  }

  #isOpen(id: string | undefined): boolean {
    const record = this.#options.ledger.records.get(id ?? '')
    return record !== undefined && record.end === undefined
  }

  async #enqueue(kept: Kept, id: string): Promise<void> {
    const { store, ledger } = this.#options
    kept.last = id
    kept.ran = ledger.now
    if (ledger.records.has(id)) return
    const call = {
      id,
      lane: kept.lane as Lane,
      how: kept.how,
      packed: kept.call.subarray(1),
      isAwaited: false,
    }
    const none = { awaited: kept.call.subarray(0, 1), other: kept.call.subarray(0, 1) }
    const [note] = await store.enqueue([call], none, false)
    if (note && 'joined' in note && note.joined !== undefined) kept.last = note.joined
  }

  #arm(): void {
    const { agenda, onChange } = this.#options
    agenda.remove(this.#alarm)
    const next = [...this.#schedules.values()].reduce((least, { due = NEVER }) => Math.min(least, due), NEVER)
    this.#alarm = next === NEVER ? undefined : agenda.add(next, () => void this.#fireDue())
    onChange()
  }

  async #fireDue(): Promise<void> {
    while ((await this.#due.fire()) === 0);
    this.#arm()
  }
}

/** Where it stands in time from now on. */
function place(kept: Kept, next: Slot | undefined): void {
  kept.slot = next?.slot
  kept.due = kept.isPaused ? undefined : next?.due
}

const isSame = (old: Kept, { missed, overlap, lane, how, call }: Definition): boolean =>
  [old.missed, old.overlap, old.lane, String(old.how)].join(' ') ===
    [missed, overlap, lane, String(how)].join(' ') && old.call.equals(call)
