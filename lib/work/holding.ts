/**
 * The tasks that a worker holds. Those that find a slot run, the others wait for one; slots are freed when a handler
 * ends or its task is gone.
 */

import type { Held } from './held.ts'

/** Handlers that begin in a row before the event loop gets a turn: outcomes, beats and reads want one too. */
const MAX_BURST = 5

export class Holding {
  readonly #concurrency: number
  /** Must not throw. */
  readonly #run: (held: Held) => void
  readonly #held = new Map<string, Held>()
  #waiting: Held[] = []
  #active = 0
  #beginning = false
  #idle: (() => void)[] = []

  constructor(concurrency: number, run: (held: Held) => void) {
    this.#concurrency = concurrency
    this.#run = run
  }

  get active(): number {
    return this.#active
  }

  /** Slots that nothing runs in or waits for. */
  get free(): number {
    return this.#concurrency - this.#active - this.#waiting.length
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

  /** Takes it up: it runs as soon as there is a slot. */
  take(held: Held): void {
    this.#held.set(held.key, held)
    this.#waiting.push(held)
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
    if (held.state === 'waiting') this.#waiting = this.#waiting.filter((other) => other !== held)
    held.state = 'gone'
    this.#held.delete(held.key)
    if (reason) held.abort(reason)
    if (wasRunning) this.#freeSlot()
  }

  dropAll(reason: string): Held[] {
    const all = [...this.#held.values()].filter((held) => held.state !== 'finishing')
    this.#waiting = []
    for (const held of all) this.drop(held, reason)
    return all
  }

  /** Those that have not begun, for giving back. */
  dropWaiting(): Held[] {
    const waiting = this.#waiting
    this.#waiting = []
    for (const held of waiting) this.drop(held)
    return waiting
  }

  abortAll(reason: string): void {
    for (const held of this.#held.values()) held.abort(reason)
  }

  /** Resolves when no handler runs. */
  idle(): Promise<void> {
    if (this.#active === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
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
    const started = performance.now()
    while (this.#waiting.length > 0 && this.#active < this.#concurrency) {
      const held = this.#waiting.shift()!
      held.state = 'running'
      this.#active += 1
      this.#run(held)
      if (performance.now() - started > MAX_BURST) {
        setImmediate(() => {
          this.#beginning = false
          this.#begin()
        })
        return
      }
    }
    this.#beginning = false
  }
}
