/**
 * Memory that all heartbeat threads of a process share: one of them ends the process, and waits until each of the
 * others has given back what its worker holds.
 */

const HAS_BEGUN = 0
const THREADS = 1
const READY = 2

export class Ending {
  readonly memory: SharedArrayBuffer
  readonly #ints: Int32Array

  constructor(memory = new SharedArrayBuffer(12)) {
    this.memory = memory
    this.#ints = new Int32Array(memory)
  }

  /** Main: a thread begins (1) or has ended (-1). */
  count(change: 1 | -1): void {
    Atomics.add(this.#ints, THREADS, change)
  }

  begin(): void {
    Atomics.store(this.#ints, HAS_BEGUN, 1)
  }

  get hasBegun(): boolean {
    return Atomics.load(this.#ints, HAS_BEGUN) === 1
  }

  /** This thread's worker holds nothing any more. */
  ready(): void {
    Atomics.add(this.#ints, READY, 1)
  }

  get isReady(): boolean {
    return Atomics.load(this.#ints, READY) >= Atomics.load(this.#ints, THREADS)
  }
}
