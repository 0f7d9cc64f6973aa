/**
 * Calls that belong together, in the place of some of a row's plain ones: how many, which and how they end is chosen by the
 * seed. What was called for is written down, for ties.ts to judge.
 */

import { chain, chord, type FlowHandle, group, type TaskHandle } from '../../lib/index.ts'
import type { Journal } from './journal.ts'
import type { Case, MixTasks, Mode } from './mix.ts'
import type { Producer } from './producer.ts'
import { Random } from './random.ts'

const MODES: readonly Mode[] = ['well', 'well', 'later', 'badly']
/** Calls of a batch, or rows, that are made at once: one batch that is full, and one that is not. */
const AT_ONCE = 4

/** A task of a flow. after: by their numbers, those whose results it is given. */
interface Member {
  readonly name: keyof MixTasks
  readonly mode: Mode
  readonly after: readonly number[]
  /** Of its callbacks. */
  readonly tag?: string
}

const endOf = (mode: Mode): Case => (mode === 'badly' ? 'failed' : 'succeeded')

export class Mix {
  readonly #tasks: MixTasks
  readonly #producer: Producer
  readonly #journal: Journal
  readonly #random: Random
  readonly #share: number
  #kinds: ((ms: number) => void)[] = []
  #tags = 0

  /** share: from it to twice as much of the calls, as the seed says. */
  constructor(tasks: MixTasks, producer: Producer, journal: Journal, seed: number, share: number) {
    this.#tasks = tasks
    this.#producer = producer
    this.#journal = journal
    // Its own: what a row chooses does not depend on what is in the mix.
    this.#random = new Random(~seed)
    this.#share = share * (1 + this.#random.next())
  }

  /** Some calls that take about `ms`; or false: a plain one is due. */
  call(ms: number): boolean {
    if (this.#random.next() >= this.#share) return false
    // Each kind comes before any comes again: short rows make few calls.
    if (this.#kinds.length === 0) {
      this.#kinds = this.#random.shuffled([
        (time) => this.#single(time),
        (time) => this.#chain(time),
        (time) => this.#chord(time),
        (time) => this.#group(time),
        (time) => this.#together('batched', time),
        (time) => this.#together('row', time),
      ])
    }
    this.#kinds.pop()!(ms)
    return true
  }

  #mode(): Mode {
    return this.#random.pick(MODES)
  }

  /** One call, with callbacks of both cases. */
  #single(ms: number): void {
    const mode = this.#mode()
    const { tag, ties } = this.#ties()
    this.#follow(this.#tasks.step.with(ties)(null, ms, mode), 'step', endOf(mode), tag)
  }

  /** Calls that a worker may handle together; one of them has callbacks. */
  #together(name: 'batched' | 'row', ms: number): void {
    for (let n = 0; n < AT_ONCE; n++) {
      const mode = this.#mode()
      const { tag, ties } = this.#ties()
      const task = this.#tasks[name]
      if (n === 0) this.#follow(task.with(ties)(ms, mode), name, endOf(mode), tag)
      else this.#follow(task(ms, mode), name, endOf(mode))
    }
  }

  #chain(ms: number): void {
    const { step } = this.#tasks
    const [a, b, c] = [this.#mode(), this.#mode(), this.#mode()]
    const time = Math.round(ms / 3)
    const flow = chain(step.prepare(null, time, a), step.prepare(time, b), step.prepare(time, c))
    this.#flow(flow.start(), [
      { name: 'step', mode: a, after: [] },
      { name: 'step', mode: b, after: [0] },
      { name: 'step', mode: c, after: [1] },
    ])
  }

  /** Of a plain part, one that is handled in a batch, and one that is committed. */
  #chord(ms: number): void {
    const { step, batched, row } = this.#tasks
    const [a, b, c, last] = [this.#mode(), this.#mode(), this.#mode(), this.#mode()]
    const time = Math.round(ms / 2)
    const parts = group([step.prepare(null, time, a), batched.prepare(time, b), row.prepare(time, c)])
    this.#flow(chord(parts, step.prepare(time, last)).start(), [
      { name: 'step', mode: a, after: [] },
      { name: 'batched', mode: b, after: [] },
      { name: 'row', mode: c, after: [] },
      { name: 'step', mode: last, after: [0, 1, 2] },
    ])
  }

  /** After a first step, and one of its parts has callbacks. */
  #group(ms: number): void {
    const { step } = this.#tasks
    const [first, a, b] = [this.#mode(), this.#mode(), this.#mode()]
    const time = Math.round(ms / 2)
    const { tag, ties } = this.#ties()
    const parts = group([step.prepare(time, a), step.with(ties).prepare(time, b)])
    this.#flow(
      chain(step.prepare(null, time, first), parts).start(),
      [
        { name: 'step', mode: first, after: [] },
        { name: 'step', mode: a, after: [0] },
        { name: 'step', mode: b, after: [0], tag },
      ],
      [1, 2],
    )
  }

  #ties() {
    const { told } = this.#tasks
    this.#tags += 1
    const tag = `t${this.#tags}`
    return {
      tag,
      ties: {
        onSuccess: { call: told.prepare(tag, 'succeeded'), withResult: true },
        onFailure: { call: told.prepare(tag, 'failed'), withError: true },
      } as const,
    }
  }

  #follow(handle: TaskHandle, name: string, end: Case, tag?: string): void {
    if (tag !== undefined) this.#journal.note('tied', handle.id, tag)
    this.#producer.follow(handle, { about: [end, name], isOwn: true })
  }

  /** members: parents first, as the flow lists them; behind them it may list callbacks. ends: what it gives, if a list. */
  #flow(flow: FlowHandle<unknown>, members: readonly Member[], ends?: readonly number[]): void {
    const ids = flow.handles.map(({ id }) => id)
    const due: Case[] = []
    members.forEach(({ name, mode, after, tag }, n) => {
      const isCut = after.some((parent) => due[parent] === 'failed')
      due.push(isCut ? 'failed' : endOf(mode))
      if (after.length > 0) this.#journal.note('after', ids[n]!, ...after.map((parent) => ids[parent]!))
      this.#follow(flow.handles[n]!, name, due[n]!, tag)
    })
    const gives = (value: unknown, n: number): boolean => String(value).startsWith(`${ids[n]}/`)
    const isRight = (value: unknown): boolean => {
      if (due.some((end, n) => (ends ?? [due.length - 1]).includes(n) && end === 'failed')) return false
      if (!ends) return gives(value, members.length - 1)
      return Array.isArray(value) && value.length === ends.length && ends.every((n, i) => gives(value[i], n))
    }
    this.#producer.flow(flow, isRight)
  }
}
