/**
 * How a worker process ends that has lost its supervisor, when nothing else ends it. Its main loop drains and ends; a
 * handler that keeps that loop for ever would outlive everybody. So the heartbeat's threads look, too, who the parent of
 * this process is: one that has lost it is given to another.
 *
 *   main:    mustNotOutlive(parent, patience)   before its first worker is registered, and again for longer
 *   thread:  look, every so often ──parent is another──► patience ──► SIGKILL
 */

/** What a thread is given of it. */
export interface OrphanData {
  readonly parent: number
  /** Ms, as the main thread has said it last. */
  readonly patience: SharedArrayBuffer
}

/** Two copies of this package in one process have one parent. */
const KNOWN = Symbol.for('millrace.process.orphan')
const shared = globalThis as { [KNOWN]?: OrphanData }

/** Main: this process ends at the latest `patience` ms after its parent; the longest that was asked for holds. */
export function mustNotOutlive(parent: number, patience: number): void {
  shared[KNOWN] ??= { parent, patience: new SharedArrayBuffer(4) }
  const ms = new Int32Array(shared[KNOWN].patience)
  Atomics.store(ms, 0, Math.max(Atomics.load(ms, 0), patience))
}

/** Main, for a thread that begins; undefined: nobody supervises this process. */
export const orphanData = (): OrphanData | undefined => shared[KNOWN]

/** Thread. */
export class OrphanWatch {
  readonly #data: OrphanData
  readonly #patience: Int32Array
  readonly #period: number
  /** Looks since the parent is gone: counted, because a process that was paused has had no time to end by itself. */
  #looks = 0

  /** period: between looks, ms. */
  constructor(data: OrphanData, period: number) {
    this.#data = data
    this.#patience = new Int32Array(data.patience)
    this.#period = period
  }

  look(): void {
    if (process.ppid === this.#data.parent) return
    this.#looks += 1
    if (this.#looks * this.#period < Atomics.load(this.#patience, 0)) return
    // Its words would reach nobody. What it holds goes to others when its lease ends, with a crash counted: given back
    // without one, a handler that never ends would hold the next process as well.
    process.kill(process.pid, 'SIGKILL')
  }
}
