/**
 * How many tasks a worker may hold that have not begun: those that its slots and its event loop get through in a few
 * milliseconds. More would wait here for their turn while another worker is idle. Short tasks are fetched ahead in
 * large numbers, long ones not at all, and those that block the event loop one at a time.
 *
 * One slow handler is enough to fetch less. To give back what was fetched it takes a second one soon after: one alone was
 * perhaps a pause of the whole process, for its garbage or because another had the processor, and giving back costs
 * Redis more than the task's whole life.
 */

/** Work that may wait here, ms. */
const AHEAD = 5
/** A turn is answered meanwhile, ms. */
const TURN = 0.5
/** A second slow handler counts if it comes within so many. */
const SOON = 4
/** Arguments that may wait here, bytes. */
const MAX_BYTES = 4 * 1024 * 1024

/** A mean that follows what gets slower at once and what gets faster slowly. */
class Mean {
  value = 0

  add(sample: number): void {
    this.value += (sample - this.value) * (sample > this.value ? 0.5 : 0.1)
  }
}

/** A mean to which the slowest of the last few samples adds no more than the second slowest. */
class SureMean extends Mean {
  readonly #last = new Float64Array(SOON)
  #next = 0

  override add(sample: number): void {
    let slowest = 0
    for (const before of this.#last) slowest = Math.max(slowest, before)
    super.add(Math.min(sample, slowest))
    this.#last[this.#next] = sample
    this.#next = (this.#next + 1) % SOON
  }
}

export class Pace {
  /** Handlers that run at once, at most. */
  concurrency: number
  /** Beyond the slots, at most. */
  readonly #maxPrefetch: number
  /** How long a handler keeps the event loop before it returns, ms. */
  readonly #loop = new Mean()
  /** The same, as far as no single handler is the reason, ms. */
  readonly #sureLoop = new SureMean()
  /** How long a task keeps its slot, ms. */
  readonly #slot = new Mean()
  readonly #bytes = new Mean()
  #ended = 0

  constructor(concurrency: number, maxPrefetch: number) {
    this.concurrency = concurrency
    this.#maxPrefetch = maxPrefetch
  }

  /** A handler has returned: it is finished, or waits for something. */
  returned(ms: number, bytes: number): void {
    this.#loop.add(ms)
    this.#sureLoop.add(ms)
    this.#bytes.add(bytes)
  }

  ended(ms: number): void {
    this.#slot.add(ms)
    this.#ended += 1
  }

  /** Tasks stood still here: nothing more is fetched ahead until some have ended in good time. */
  stood(): void {
    this.#slot.value = Math.max(this.#slot.value, 2 * AHEAD * this.concurrency)
  }

  /** How many more may be held now. lack: of those that need no slot, because they join a batch. */
  room(active: number, waiting: number, lack = 0): number {
    const bySlots = this.concurrency + this.#prefetch() - active - waiting
    return Math.max(0, lack + Math.min(bySlots, inTime(this.#loop) - waiting))
  }

  /** How many of those that wait are too many. */
  excess(waiting: number): number {
    return Math.max(0, waiting - inTime(this.#sureLoop))
  }

  /** Whether more should come while the last runs: that takes as long as a turn, and they will not wait long for it. */
  get shouldOverlap(): boolean {
    return this.#loop.value >= TURN && inTime(this.#loop) > 1
  }

  #prefetch(): number {
    if (this.#ended === 0) return 0
    const bySlots = Math.floor((AHEAD * this.concurrency) / Math.max(this.#slot.value, 1e-3))
    return Math.min(this.#maxPrefetch, bySlots, Math.floor(MAX_BYTES / Math.max(this.#bytes.value, 1)))
  }
}

/** How many handlers the event loop gets through while others may wait. */
const inTime = (loop: Mean): number => Math.max(1, Math.floor(AHEAD / Math.max(loop.value, 1e-6)))
