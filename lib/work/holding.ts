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

export interface HoldingOptions {
  readonly concurrency: number
  readonly pace: Pace
  readonly begun: Begun
  /** Must not throw. */
  readonly run: (held: Held) => void
  /** There is room again for what was not asked for while others waited. */
  readonly onRoom: () => void
  /** These wait longer than they should: others may have them. They are not held any more. */
  readonly onExcess: (helds: readonly Held[]) => void
}

export class Holding {
  readonly #options: HoldingOptions
  readonly #held = new Map<string, Held>()
  #waiting: Held[] = []
  #active = 0
  #beginning = false
  #idle: (() => void)[] = []

  constructor(options: HoldingOptions) {
    this.#options = options
  }

  get active(): number {
    return this.#active
  }

  /** How many more tasks it may be given. */
  get room(): number {
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
    this.#freeSlot()
  }

  /** Not held any more. With a reason, a handler that still runs is told to abort; its outcome counts for nothing. */
  drop(held: Held, reason?: string): void {
    if (held.state === 'gone') return
    const wasRunning = held.state === 'running'
    if (held.state === 'waiting') {
      this.#waiting = this.#waiting.filter((other) => other !== held)
      this.#options.begun.waiting = this.#waiting.length
    }
    held.state = 'gone'
    this.#held.delete(held.key)
    if (reason) held.abort(reason)
    if (wasRunning) this.#freeSlot()
  }

  dropAll(reason: string): Held[] {
    const all = [...this.#held.values()].filter((held) => held.state !== 'finishing')
    this.#waiting = []
    this.#options.begun.waiting = 0
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
    if (this.#active === 0) return Promise.resolve()
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
    this.#options.begun.waiting = this.#waiting.length
    return last
  }

  #freeSlot(): void {
    this.#active -= 1
    if (this.#active === 0) for (const resolve of this.#idle.splice(0)) resolve()
    this.#begin()
  }

  /** A synchronous handler frees its slot before this returns, so the next begins in the loop, not on the stack. */
  #begin(): void {
    if (this.#beginning) return
    this.#beginning = true
    const { concurrency, pace, begun, run, onExcess, onRoom } = this.#options
    const waited = this.#waiting.length > 0
    const started = performance.now()
    let now = started
    while (this.#waiting.length > 0 && this.#active < concurrency && now - started <= MAX_BURST) {
      const held = this.#waiting[0]!
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
    begun.waiting = this.#waiting.length
    const excess = pace.excess(this.#waiting.length)
    if (excess > 0) onExcess(this.#dropLast(excess))
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
