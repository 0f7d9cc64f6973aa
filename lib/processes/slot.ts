/**
 * One of a supervisor's places, in which one child is to run: starts another when it dies, and changes it for a new one
 * without a gap.
 *
 *   current ──dies──► (backoff) ──► current
 *   current + next ──next is ready──► next is current, and the old one drains
 *                  ──next dies or is late──► current goes on
 *                  ──current dies──► next is current
 */

import { setTimeout as delay } from 'node:timers/promises'
import { Backoff } from './backoff.ts'
import { type Ear, type End, Forked, type Program } from './forked.ts'

export interface SlotOptions {
  /** From 1. */
  readonly number: number
  readonly program: Program
  /** For a next one to be ready, ms. */
  readonly readyTimeout: number
  /** For one that was asked to end, ms. */
  readonly stopTimeout: () => number
  readonly onStarted: (child: Forked) => void
  readonly onReady: Ear['onReady']
  readonly onKilled: Ear['onKilled']
  readonly onEnded: (child: Forked, end: End) => void
  readonly onRestarting: (delay: number) => void
  readonly onReplaced: (child: Forked, old: Predecessor) => void
  readonly onReplacing: (child: Forked, why: string) => void
  /** It was to be the next, and is told to end. */
  readonly onLate: (child: Forked, why: string) => void
}

/** Whose place another has taken. */
export interface Predecessor {
  /** Undefined: it could not be started. */
  readonly pid: number | undefined
  /** A sentence without its subject, such as `exited with code 1`; or why it was to be replaced. */
  readonly why: string
  /** When it died, or when its replacement was begun, as performance.now() says. */
  readonly since: number
}

export class Slot {
  readonly #options: SlotOptions
  readonly #backoff = new Backoff()
  /** Also those that drain. */
  readonly #alive = new Set<Forked>()
  readonly #wishes = new WeakSet<Forked>()
  #current: Forked | undefined
  /** The last that worked here, while nobody does. */
  #dead: Predecessor | undefined
  #next: Forked | undefined
  #restart: NodeJS.Timeout | undefined
  #replacing: Promise<boolean> | undefined
  #isStopping = false

  constructor(options: SlotOptions) {
    this.#options = options
  }

  /** Nothing runs here, and nothing will. */
  get isOver(): boolean {
    return this.#isStopping && this.#alive.size === 0
  }

  get isReady(): boolean {
    return this.#current?.isReady === true
  }

  start(): void {
    if (!this.#isStopping && !this.#current) this.#current = this.#fork()
  }

  /** Starts another, waits until it is ready, then until the old one has ended. False: it was not, or the slot stops. */
  async replace(why: string): Promise<boolean> {
    // What began before may run older code.
    await this.#replacing
    return this.#replaceOnce(why)
  }

  /** Resolves when nothing runs any more. Safe twice. */
  async stop(timeout: number): Promise<void> {
    this.#close()
    for (const child of this.#alive) child.end(timeout)
    await this.#allEnded()
  }

  async hurry(timeout: number): Promise<void> {
    this.#close()
    for (const child of this.#alive) child.hurry(timeout)
    await this.#allEnded()
  }

  #close(): void {
    this.#isStopping = true
    clearTimeout(this.#restart)
  }

  async #allEnded(): Promise<void> {
    await Promise.all([...this.#alive].map((child) => child.ended))
  }

  #fork(): Forked {
    const { program, number, onStarted, onKilled } = this.#options
    const onReady: Ear['onReady'] = (child) => this.#ready(child)
    const onReplace: Ear['onReplace'] = (child, why) => void this.#grant(child, why)
    const child = new Forked(program, number, { onReady, onKilled, onReplace })
    this.#alive.add(child)
    void child.ended.then((end) => this.#ended(child, end))
    if (child.pid !== undefined) onStarted(child)
    // A listener may have stopped all.
    if (this.#isStopping) child.end(this.#options.stopTimeout())
    return child
  }

  #ready(child: Forked): void {
    this.#options.onReady(child)
    if (child === this.#current) this.#takesOver(child)
  }

  #takesOver(child: Forked): void {
    const dead = this.#dead
    this.#dead = undefined
    if (dead) this.#options.onReplaced(child, dead)
  }

  #ended(child: Forked, end: End): void {
    this.#alive.delete(child)
    if (end.isDone && child === this.#current && !this.#next) this.#close()
    this.#options.onEnded(child, end)
    if (child === this.#next) this.#next = undefined
    if (child !== this.#current) return
    // One that dies before it was ready has taken nobody's place.
    this.#dead ??= { pid: child.pid, why: end.why, since: performance.now() }
    this.#current = this.#next
    this.#next = undefined
    if (this.#current?.isReady) this.#takesOver(this.#current)
    if (this.#current || this.#isStopping) return
    const wait = this.#backoff.after(end.lived)
    this.#restart = setTimeout(() => this.start(), wait)
    this.#options.onRestarting(wait)
  }

  #replaceOnce(why: string): Promise<boolean> {
    this.#replacing ??= this.#replace(why).finally(() => {
      this.#replacing = undefined
    })
    return this.#replacing
  }

  async #replace(why: string): Promise<boolean> {
    if (this.#isStopping) return false
    const since = performance.now()
    clearTimeout(this.#restart)
    const { readyTimeout, stopTimeout } = this.#options
    const old = this.#current
    const next = this.#fork()
    if (old) this.#next = next
    else this.#current = next
    const isReady = await next.readyWithin(readyTimeout)
    if (this.#isStopping) return false
    if (!isReady) {
      if (next === this.#next) {
        this.#options.onLate(next, `was not ready within ${readyTimeout} ms`)
        next.end(stopTimeout())
      }
      if (next !== this.#current) await next.ended
      return false
    }
    if (old && next === this.#next) {
      this.#current = next
      this.#next = undefined
      old.end(stopTimeout())
      await old.ended
      if (next === this.#current) this.#options.onReplaced(next, { pid: old.pid, why, since })
    }
    return true
  }

  /** It asked for it, so it is tried until it is done: nobody else would. */
  async #grant(child: Forked, why: string): Promise<void> {
    if (this.#wishes.has(child)) return
    this.#wishes.add(child)
    // It may be the next one itself.
    await this.#replacing
    const isWanted = (): boolean => child === this.#current && !this.#isStopping
    if (isWanted()) this.#options.onReplacing(child, why)
    const backoff = new Backoff()
    while (isWanted() && !(await this.#replaceOnce(why)) && isWanted()) {
      await delay(backoff.after(0), undefined, { ref: false })
    }
  }
}
