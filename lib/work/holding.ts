/**
 * The tasks that a worker holds. Those that find a slot run, the others wait for one; slots are freed when a handler
 * ends or its task is gone.
 */

import { FreshMap } from '../fresh-map.ts'
import { LANES } from '../record.ts'
import type { Begun } from '../upkeep/begun.ts'
import { Gather, type GatherOptions } from './gather.ts'
import type { Held } from './held.ts'
import type { Pace } from './pace.ts'
import { Slots } from './slots.ts'

/** Handlers that begin in a row before the event loop gets a turn: outcomes, beats and reads want one too. */
const MAX_BURST = 5
/** How long a suspect keeps others from beginning while it waits for those that run, and then lets them, ms. */
const ALONE_PATIENCE = 5_000

export interface HoldingOptions extends Pick<GatherOptions, 'registry' | 'clock'> {
  readonly pace: Pace
  readonly begun: Begun
  /** Must not throw. */
  readonly run: (held: Held) => void
  /** It may have killed workers: it runs while nothing else is held here. */
  readonly isSuspect: (held: Held) => boolean
  /** There is room again for what was not asked for while others waited. */
  readonly onRoom: () => void
  /** The last that waited begins, and will keep the event loop for so long that more could come meanwhile. */
  readonly onLast: () => void
  /** These wait longer than they should: others may have them. They are not held any more. Resolves when Redis knows. */
  readonly onExcess: (helds: readonly Held[], delay?: number) => Promise<void>
}

export class Holding {
  readonly #options: HoldingOptions
  readonly #gather: Gather
  readonly #held = new FreshMap<string, Held>()
  #waiting: Held[] = []
  readonly #slots = new Slots()
  #beginning = false
  /** The suspect that runs. */
  #alone: Held | undefined
  #patience: NodeJS.Timeout | undefined
  /** Tasks that are on their way back. */
  #leaving = 0

  constructor(options: HoldingOptions) {
    this.#options = options
    this.#gather = new Gather({ ...options, onLate: (helds) => this.#late(helds) })
  }

  /** Handlers that run, without those that wait for other tasks. A batch is one. */
  get active(): number {
    return this.#slots.active
  }

  /** With those that wait for other tasks. */
  get running(): number {
    return this.#slots.running
  }

  get waiting(): number {
    return this.#waiting.length
  }

  get isIdle(): boolean {
    return this.running === 0
  }

  /** How many more tasks it may be given. */
  get room(): number {
    if (this.#alone || this.#nextIsSuspect) return 0
    return this.#options.pace.room(this.active, this.#waiting.length, this.#gather.lack)
  }

  has(key: string): boolean {
    return this.#held.has(key)
  }

  keys(): Set<string> {
    return new Set(this.#held.keys())
  }

  get(key: string): Held | undefined {
    return this.#held.get(key)
  }

  /** Takes them up: each runs as soon as there is a slot. */
  take(helds: readonly Held[]): void {
    for (const held of helds) {
      this.#held.set(held.key, held)
      this.#line(held)
    }
    this.#begin()
  }

  /** The handler has ended; the outcome is on its way. */
  finish(held: Held): void {
    held.state = 'finishing'
    this.#freeSlot(held)
  }

  /** Its handler waits for another task, which may need the slot: without it, a worker could wait for itself. */
  async whileWaiting<T>(held: Held, wait: Promise<T>): Promise<T> {
    const holder = held.batch ?? held
    if (this.#slots.lend(holder)) {
      this.#begin()
      this.#options.onRoom()
    }
    try {
      return await wait
    } finally {
      this.#slots.takeBack(holder)
    }
  }

  /** Not held any more. With a reason, a handler that still runs is told to abort; its outcome counts for nothing. */
  drop(held: Held, reason?: string): void {
    if (held.state === 'gone') return
    const wasRunning = held.isRunning || held.state === 'gathering'
    if (held.state === 'waiting') {
      this.#waiting = this.#waiting.filter((other) => other !== held)
      this.#tellWaiting()
    }
    held.state = 'gone'
    this.#held.delete(held.key)
    if (reason) held.abort(reason)
    const wasAlone = held === this.#alone
    if (wasAlone) this.#alone = undefined
    if (wasRunning) this.#freeSlot(held)
    else if (wasAlone || this.#nextIsSuspect) this.#begin()
  }

  dropAll(reason: string): Held[] {
    const all = [...this.#held.values()].filter((held) => held.state !== 'finishing')
    this.#waiting = []
    this.#tellWaiting()
    for (const held of all) this.drop(held, reason)
    return all
  }

  /** Those that have not begun, for giving back. */
  dropWaiting(): Held[] {
    return this.#dropLast(this.#waiting.length)
  }

  /** The same of those that are gathered: their handler has not begun. */
  dropGathered(): Held[] {
    const { members } = this.#gather
    for (const held of members) this.drop(held)
    return members
  }

  /** The queue has nothing more to give now, or nothing more is taken: what is gathered waits for nobody. */
  ranEmpty(): void {
    this.#joinWaiting()
    this.#gather.flush(this.#waiting.length === 0)
  }

  /** The thread that may stop beginnings has ended doing so. */
  resume(): void {
    this.#begin()
  }

  abortAll(reason: string): void {
    for (const held of [...this.#held.values()]) held.abort(reason)
  }

  /** Resolves when no handler runs. */
  idle(): Promise<void> {
    return this.#slots.idle()
  }

  /** Behind those of its own lane and of lanes before it: an urgent task does not wait for what was fetched ahead. */
  #line(held: Held): void {
    const waiting = this.#waiting
    const rank = LANES.indexOf(held.lane)
    let at = waiting.length
    while (at > 0 && LANES.indexOf(waiting[at - 1]!.lane) > rank) at -= 1
    if (at === waiting.length) waiting.push(held)
    else waiting.splice(at, 0, held)
  }

  #dropLast(count: number): Held[] {
    const last = this.#waiting.splice(this.#waiting.length - count, count)
    for (const held of last) this.drop(held)
    this.#tellWaiting()
    return last
  }

  #late(helds: readonly Held[]): void {
    for (const held of helds) this.drop(held)
    this.#giveBack(helds)
  }

  /** Those for which a batch is open need no slot. */
  #joinWaiting(): void {
    if (!this.#gather.isOpen) return
    this.#waiting = this.#waiting.filter((held) => !this.#gather.join(held))
    this.#tellWaiting()
    this.#gather.beginFull()
  }

  get #nextIsSuspect(): boolean {
    const next = this.#waiting[0]
    return next !== undefined && this.#options.isSuspect(next)
  }

  /** For the thread that gives back what stands still. A suspect waits on purpose. */
  #tellWaiting(): void {
    this.#options.begun.waiting = this.#nextIsSuspect ? 0 : this.#waiting.length
  }

  #giveBack(helds: readonly Held[], delay?: number): void {
    if (helds.length === 0) return
    this.#leaving += 1
    void this.#options.onExcess(helds, delay).then(() => {
      this.#leaving -= 1
      this.#begin()
    })
  }

  /** Whether the suspect that is next may begin now: the others that wait are given back, those that run come first. */
  #mayBeginAlone(suspect: Held): boolean {
    this.#gather.flush(true)
    this.#giveBack(this.#dropLast(this.#waiting.length - 1))
    if (this.#held.size === 1 && this.#leaving === 0) {
      clearTimeout(this.#patience)
      this.#patience = undefined
      this.#alone = suspect
      return true
    }
    this.#patience ??= setTimeout(() => {
      this.#patience = undefined
      const next = this.#waiting[0]
      // Tasks that run for long: it comes back later, or finds another worker.
      if (next && this.#options.isSuspect(next))
        this.#giveBack(this.#dropLast(this.#waiting.length), ALONE_PATIENCE)
      this.#options.onRoom()
    }, ALONE_PATIENCE).unref()
    return false
  }

  #freeSlot(held: Held): void {
    const holder = held.batch ?? held
    // The others of its batch keep the slot.
    if (held.batch && !held.batch.leave(held)) return
    if (held.batch) this.#gather.left(held)
    this.#slots.free(holder)
    this.#begin()
  }

  /** A synchronous handler frees its slot before this returns, so the next begins in the loop, not on the stack. */
  #begin(): void {
    if (this.#beginning) return
    this.#beginning = true
    const { pace, begun, run, onRoom, onLast } = this.#options
    const waited = this.#waiting.length > 0
    const started = performance.now()
    let now = started
    this.#joinWaiting()
    while (this.#waiting.length > 0 && this.active < pace.concurrency && now - started <= MAX_BURST) {
      const held = this.#waiting[0]!
      if (this.#alone || (this.#nextIsSuspect && !this.#mayBeginAlone(held))) break
      begun.waiting = this.#waiting.length - 1
      // The thread gives back what waits here; its word comes, and then `resume`.
      if (!begun.begin(held.lane, held.entry)) break
      this.#waiting.shift()
      this.#slots.active += 1
      const together = this.#gather.definitionOf(held)
      if (together) {
        this.#gather.open(held, together, held === this.#alone)
        this.#joinWaiting()
        now = performance.now()
        continue
      }
      held.state = 'running'
      held.begunAt = now
      if (this.#waiting.length === 0 && pace.shouldOverlap) onLast()
      run(held)
      const returned = performance.now()
      pace.returned(returned - now, held.call.length)
      now = returned
    }
    this.#tellWaiting()
    const excess = pace.excess(this.#waiting.length)
    if (excess > 0) this.#giveBack(this.#dropLast(excess))
    if (waited && this.#waiting.length === 0) onRoom()
    if (now - started <= MAX_BURST) {
      this.#beginning = false
      return
    }
    setImmediate(() => {
      this.#beginning = false
      this.#begin()
    })
  }
}
