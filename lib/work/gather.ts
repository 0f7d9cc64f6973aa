/**
 * Gathers the tasks of batch handlers. A batch has one slot, from the first task that comes for it; those that follow
 * join it without one, so that a worker with one slot can fill it too. It begins when it is full, when the queue has
 * nothing more to give, when its time is over, and when the worker stops.
 */

import type { Clock } from '../clock.ts'
import { nameOf } from '../envelope.ts'
import type { Begun } from '../upkeep/begun.ts'
import { Batch } from './batch.ts'
import type { Commits } from './commits.ts'
import type { Held } from './held.ts'
import type { Pace } from './pace.ts'
import type { Definition, Registry } from './registry.ts'

export interface GatherOptions {
  readonly registry: Registry
  readonly clock: Pick<Clock, 'now'>
  readonly pace: Pace
  readonly begun: Begun
  /** Must not throw. */
  readonly run: (held: Held) => void
  readonly isSuspect: (held: Held) => boolean
  /** Their deadline came before their batch began: they are to leave it. */
  readonly onLate: (helds: readonly Held[]) => void
}

type BatchDefinition = Definition & { readonly batch: NonNullable<Definition['batch']> }

interface Open {
  readonly batch: Batch
  /** Of performance.now(). */
  readonly until: number
  timer: NodeJS.Timeout | undefined
}

export class Gather {
  readonly #options: GatherOptions
  readonly #open = new Map<string, Open>()
  /** Definitions that were looked at. */
  #known = 0
  #hasBatches = false
  #commits: Commits[] = []

  constructor(options: GatherOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#open.size > 0
  }

  /** How many more tasks open batches could take. */
  get lack(): number {
    if (this.#open.size === 0) return 0
    let lack = 0
    for (const { batch } of this.#open.values()) lack += batch.lack
    return lack
  }

  /** Those that are gathered and have not begun. */
  get members(): Held[] {
    return [...this.#open.values()].flatMap(({ batch }) => [...batch.members])
  }

  /** Its definition, if it is run in batches. Asked of every task: most workers have none that are. */
  definitionOf(held: Held): BatchDefinition | undefined {
    this.#learn()
    if (!this.#hasBatches) return undefined
    const definition = this.#options.registry.get(nameOf(held.call) ?? '')
    return definition?.batch ? (definition as BatchDefinition) : undefined
  }

  /** It has got a slot. isAlone: nobody else may be in its batch. */
  open(held: Held, { name, batch: { size, linger, handler } }: BatchDefinition, isAlone: boolean): void {
    const batch = new Batch({ name, handler, size: isAlone ? 1 : size })
    batch.add(held)
    const open: Open = { batch, until: performance.now() + linger, timer: undefined }
    if (batch.lack === 0) this.#begin(open)
    else {
      this.#open.set(name, open)
      this.#arm(open)
    }
  }

  /** Into a batch that is open; false: there is none for it. `beginFull` follows. */
  join(held: Held): boolean {
    const open = this.#open.get(nameOf(held.call) ?? '')
    if (!open || open.batch.lack === 0 || this.#options.isSuspect(held)) return false
    // From here on the thread leaves it alone.
    if (!this.#options.begun.begin(held.lane, held.entry)) return false
    open.batch.add(held)
    if (held.deadline !== undefined) this.#arm(open)
    return true
  }

  beginFull(): void {
    for (const open of [...this.#open.values()]) if (open.batch.lack === 0) this.#begin(open)
  }

  /** The last of its batch has left it, perhaps before it began. */
  left(held: Held): void {
    for (const open of [...this.#open.values()]) if (open.batch === held.batch) this.#close(open)
  }

  /** Nothing more comes now: what is there begins. isRest: nothing waits here either, so what has ended is committed. */
  flush(isRest: boolean): void {
    this.#learn()
    for (const open of [...this.#open.values()]) this.#begin(open)
    if (isRest) for (const commits of this.#commits) commits.look(true)
  }

  #learn(): void {
    const { registry } = this.#options
    if (registry.size === this.#known) return
    this.#known = registry.size
    const all = [...registry.values()]
    this.#hasBatches = all.some(({ batch }) => batch !== undefined)
    this.#commits = all.flatMap(({ commits }) => commits ?? [])
  }

  /** For the end of its time, or the first deadline of one of them. */
  #arm(open: Open): void {
    clearTimeout(open.timer)
    const { now } = this.#options.clock
    let wait = open.until - performance.now()
    for (const { deadline } of open.batch.members) {
      if (deadline !== undefined) wait = Math.min(wait, deadline - now)
    }
    open.timer = setTimeout(() => this.#look(open), Math.max(0, Math.ceil(wait)))
  }

  #look(open: Open): void {
    const { clock, onLate } = this.#options
    const { now } = clock
    const late = [...open.batch.members].filter(({ deadline }) => deadline !== undefined && deadline <= now)
    if (late.length > 0) onLate(late)
    if (this.#open.get(open.batch.name) !== open) return
    if (performance.now() >= open.until) this.#begin(open)
    else this.#arm(open)
  }

  #close(open: Open): void {
    clearTimeout(open.timer)
    if (this.#open.get(open.batch.name) === open) this.#open.delete(open.batch.name)
  }

  #begin(open: Open): void {
    this.#close(open)
    const { run, pace } = this.#options
    const started = performance.now()
    const helds = open.batch.begin(started)
    for (const held of helds) run(held)
    const each = (performance.now() - started) / helds.length
    for (const held of helds) pace.returned(each, held.call.length)
  }
}
