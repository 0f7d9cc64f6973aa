/** The verbs of schedules: to define, halt and remove one, to look which are due, and to turn slots into tasks. */

import type { Stored } from '../schedule.ts'
import type { Connection } from './connection.ts'
import { FrameReader } from './frame.ts'
import type { Keys } from './keys.ts'
import { Runner } from './runner.ts'
import { type How, text } from './wire.ts'

/** In a queue, at most. */
const MOST = 10_000

/** What somebody defines, with the call that it makes. */
export interface Definition extends Stored {
  readonly lane: string
  /** What the call wants besides its lane. */
  readonly how: How
  /** Packed, with the head of a call that nobody awaits. */
  readonly call: Buffer
}

export interface StoredSchedule extends Omit<Definition, 'how'> {
  /** The next one, epoch ms; undefined: there is none. */
  readonly slot: number | undefined
  /** When it becomes a task: undefined where there is none, or it is paused. */
  readonly due: number | undefined
  readonly isPaused: boolean
  /** Id of the newest task, and when it was made, epoch ms. */
  readonly last: string | undefined
  readonly ran: number | undefined
}

export interface FoundSchedules {
  /** The server's clock, epoch ms. */
  readonly now: number
  /** Ms until the next is due that is not yet; undefined: none is. */
  readonly wait: number | undefined
  readonly schedules: readonly StoredSchedule[]
}

/** A slot, and when it becomes a task. */
export interface Slot {
  readonly slot: number
  readonly due: number
}

/** `same`: nothing has changed · `full`: there are 10,000 already. */
export type Defined = 'new' | 'changed' | 'same' | 'full'
/** `past`: the schedule is at another slot by now, was defined anew, or paused · `none`: there is none. */
export type Moved = 'done' | 'past' | 'none'

/** Whatever a queue stands on. */
export interface ScheduleVerbs {
  /** By due time, `most` of them, leaving out the first `from`. */
  find(which: 'due' | 'all', from: number, most: number): Promise<FoundSchedules>
  get(name: string): Promise<FoundSchedules>
  /** next: for one that is new, or whose times have changed; any other goes on as it does. */
  define(definition: Definition, next: Slot | undefined): Promise<Defined>
  pause(name: string): Promise<Moved>
  /** since: of the definition that `next` was computed from. */
  resume(name: string, since: number, next: Slot | undefined): Promise<Moved>
  remove(name: string): Promise<boolean>
  /** The slots become tasks, `<name>:<slot>`, if the schedule still is at `slot`, and it goes on with `next`. */
  fire(
    at: Stored & Pick<StoredSchedule, 'slot'>,
    run: readonly number[],
    next: Slot | undefined,
  ): Promise<Moved>
  /** One task now, with that id; the slots are as they were. */
  run(name: string, id: string): Promise<Moved>
}

export class Schedules implements ScheduleVerbs {
  readonly #runner: Runner

  constructor(connection: Connection, keys: Keys) {
    this.#runner = new Runner(connection, keys)
  }

  async find(which: 'due' | 'all', from: number, most: number): Promise<FoundSchedules> {
    return readFound(await this.#runner.run('schedules', [which, from, most]))
  }

  async get(name: string): Promise<FoundSchedules> {
    return readFound(await this.#runner.run('schedules', ['one', name]))
  }

  async define(definition: Definition, next: Slot | undefined): Promise<Defined> {
    const { name, when, missed, overlap, since, lane, how, call } = definition
    const args = [name, Buffer.from(when), missed, overlap, lane, how, call, since, ...slotArgs(next), MOST]
    return text(await this.#runner.run('schedule', args)) as Defined
  }

  async pause(name: string): Promise<Moved> {
    return text(await this.#runner.run('halt', [name, 1])) as Moved
  }

  async resume(name: string, since: number, next: Slot | undefined): Promise<Moved> {
    return text(await this.#runner.run('halt', [name, 0, since, ...slotArgs(next)])) as Moved
  }

  async remove(name: string): Promise<boolean> {
    return (await this.#runner.run('unschedule', [name])) === 1
  }

  async fire(
    { name, since, slot }: Stored & Pick<StoredSchedule, 'slot'>,
    run: readonly number[],
    next: Slot | undefined,
  ): Promise<Moved> {
    const args = [name, since, slot ?? '', ...slotArgs(next), ...run]
    return text(await this.#runner.run('fire', args)) as Moved
  }

  async run(name: string, id: string): Promise<Moved> {
    return text(await this.#runner.run('fire', [name, 'now', id])) as Moved
  }
}

const slotArgs = (next: Slot | undefined): (string | number)[] => (next ? [next.slot, next.due] : ['', ''])

/** The time, ms until the next, then for each: name, due time, its fields. */
function readFound(reply: Awaited<ReturnType<Runner['run']>>): FoundSchedules {
  const reader = new FrameReader(Buffer.isBuffer(reply) ? reply : Buffer.alloc(0))
  const items = reader.list()
  const now = Number(reader.text())
  const wait = Number(reader.text())
  const schedules: StoredSchedule[] = []
  for (let item = 2; item < items; item += 3) {
    const [name, due] = [reader.bytes().toString(), reader.text()]
    const fields = new Map<string, Buffer>()
    for (let left = reader.list(); left > 1; left -= 2) fields.set(reader.text(), reader.bytes())
    schedules.push(readSchedule(name, due, fields))
  }
  return { now, wait: wait < 0 ? undefined : wait, schedules }
}

/** What is missing shows as what nobody can read: lib/schedule.ts refuses it. Numbers in another form than ours are none. */
function readSchedule(name: string, due: string, fields: ReadonlyMap<string, Buffer>): StoredSchedule {
  const word = (field: string): string => fields.get(field)?.toString() ?? ''
  const number = (given: string): number | undefined =>
    /^(0|[1-9]\d{0,15})$/.test(given) ? Number(given) : undefined
  const isPaused = fields.has('paused')
  return {
    ...{
      name,
      when: word('when'),
      missed: word('missed'),
      overlap: word('overlap'),
      lane: word('lane'),
      isPaused,
    },
    since: number(word('since')) ?? Number.NaN,
    call: fields.get('call') ?? Buffer.alloc(0),
    slot: number(word('slot')),
    due: isPaused ? undefined : number(due),
    last: word('last') || undefined,
    ran: number(word('ran')),
  }
}
