/**
 * The tasks that a worker holds. Those that find a slot run, the others wait for one; slots are freed when a handler
 * ends or its task is gone.
 */

import { LANES } from '../record.ts'
import type { Begun } from '../upkeep/begun.ts'
import type { Held } from './held.ts'
import type { Pace } from './pace.ts'

/** Handlers that begin in a row before the event loop gets a turn: outcomes, beats and reads want one too. */
const MAX_BURST = 5
/** How long a suspect keeps others from beginning while it waits for those that run, and then lets them, ms. */
const ALONE_PATIENCE = 5_000
/** Handlers of one worker that may wait for other tasks without keeping their slots. */
const MAX_LENT = 10_000

export interface HoldingOptions {
  readonly pace: Pace
  readonly begun: Begun
  /** Must not throw. */
  readonly run: (held: Held) => void
  /** It may have killed workers: it runs while nothing else is held here. */
  readonly isSuspect: (held: Held) => boolean
  /** There is room again for what was not asked for while others waited. */
  readonly onRoom: () => void
  /** These wait longer than they should: others may have them. They are not held any more. Resolves when Redis knows. */
  readonly onExcess: (helds: readonly Held[], delay?: number) => Promise<void>
}

export class Holding {
  readonly #options: HoldingOptions
  readonly #held = new Map<string, Held>()
  #waiting: Held[] = []
  /** Handlers that run, without those that wait for other tasks. */
  #active = 0
  /** Handlers that wait for other tasks: each has lent its slot. */
  #lent = 0
  #beginning = false
  /** The suspect that runs. */
  #alone: Held | undefined
  #patience: NodeJS.Timeout | undefined
  /** Tasks that are on their way back. */
  #leaving = 0
  #idle: (() => void)[] = []

  constructor(options: HoldingOptions) {
    this.#options = options
  }

  get active(): number {
    return this.#active
  }

  /** With those that wait for other tasks. */
  get running(): number {
    return this.#active + this.#lent
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
    return this.#options.pace.room(this.#active, this.#waiting.length)
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
    this.#lend(held)
    try {
      return await wait
    } finally {
      this.#takeBack(held)
    }
  }

  /** Not held any more. With a reason, a handler that still runs is told to abort; its outcome counts for nothing. */
  drop(held: Held, reason?: string): void {
    if (held.state === 'gone') return
    const wasRunning = held.state === 'running'
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

  /** The thread that may stop beginnings has ended doing so. */
  resume(): void {
    this.#begin()
  }

  abortAll(reason: string): void {
    for (const held of this.#held.values()) held.abort(reason)
  }

  /** Resolves when no handler runs. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
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

  #lend(held: Held): void {
    held.waits += 1
    if (held.waits > 1 || held.state !== 'running' || this.#lent >= MAX_LENT) return
    held.hasLent = true
    this.#lent += 1
    this.#active -= 1
    this.#begin()
    this.#options.onRoom()
  }

  /** It goes on at once, even if that is one more than the slots. */
  #takeBack(held: Held): void {
    held.waits -= 1
    if (held.waits > 0 || !held.hasLent) return
    held.hasLent = false
    this.#lent -= 1
    this.#active += 1
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
    if (held.hasLent) this.#lent -= 1
    else this.#active -= 1
    held.hasLent = false
    if (this.isIdle) for (const resolve of this.#idle.splice(0)) resolve()
    this.#begin()
  }

  /** A synchronous handler frees its slot before this returns, so the next begins in the loop, not on the stack. */
  #begin(): void {
    if (this.#beginning) return
    this.#beginning = true
    const { pace, begun, run, onRoom } = this.#options
    const waited = this.#waiting.length > 0
    const started = performance.now()
    let now = started
    while (this.#waiting.length > 0 && this.#active < pace.concurrency && now - started <= MAX_BURST) {
      const held = this.#waiting[0]!
      if (this.#alone || (this.#nextIsSuspect && !this.#mayBeginAlone(held))) break
      begun.waiting = this.#waiting.length - 1
      // The thread gives back what waits here; its word comes, and then `resume`.
      if (!begun.begin(held.lane, held.entry)) break
      this.#waiting.shift()
      this.#active += 1
      held.state = 'running'
      held.begunAt = now
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
