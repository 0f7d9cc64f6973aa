/**
 * Memory that the main thread shares with the heartbeat's thread: which tasks have begun. While the main loop stands
 * still, the thread gives back those that have not; the gate keeps the two from taking the same task.
 *
 *   main:   count a beginning, then look whether the thread gives back      if it does, begin nothing
 *           else mark it, and count once more
 *   thread: say that it gives back, then look whether the count has moved   if it has, or is odd, give back nothing
 *
 * Odd: a beginning is counted and not marked. On a busy machine the main thread may lose its processor just there, for
 * longer than the thread looks away, and that task would run and be given back as if it had not begun.
 */

import { LANES, type Lane } from '../record.ts'

const BEGINNINGS = 0
const GIVING_BACK = 1
const WAITING = 2
const INTS = 4
const ZERO = '0'.charCodeAt(0)
const DASH = '-'.charCodeAt(0)

export class Begun {
  readonly memory: SharedArrayBuffer
  readonly #ints: Int32Array
  /** Of each lane the newest entry that has begun: ms and sequence. Entries of a lane begin in their order. */
  readonly #newest: Float64Array

  constructor(memory = new SharedArrayBuffer(4 * INTS + 16 * LANES.length)) {
    this.memory = memory
    this.#ints = new Int32Array(memory, 0, INTS)
    this.#newest = new Float64Array(memory, 4 * INTS)
  }

  /** Main: false while the thread gives back; `resume` follows. */
  begin(lane: Lane, entry: string): boolean {
    Atomics.add(this.#ints, BEGINNINGS, 1)
    const isFree = Atomics.load(this.#ints, GIVING_BACK) === 0
    if (isFree) this.#mark(lane, entry)
    Atomics.add(this.#ints, BEGINNINGS, 1)
    return isFree
  }

  #mark(lane: Lane, entry: string): void {
    const [ms, sequence] = parse(entry)
    const at = 2 * LANES.indexOf(lane)
    const newest = this.#newest
    if (ms < newest[at]! || (ms === newest[at] && sequence < newest[at + 1]!)) return
    newest[at] = ms
    newest[at + 1] = sequence
  }

  /** Main: how many are held that have not begun. */
  set waiting(count: number) {
    this.#ints[WAITING] = count
  }

  /** Main: the thread has told what it gave back, or is gone. */
  resume(): void {
    Atomics.store(this.#ints, GIVING_BACK, 0)
  }

  get beginnings(): number {
    return Atomics.load(this.#ints, BEGINNINGS)
  }

  /** Thread: whether anything waits behind what has begun. */
  get hasWaiting(): boolean {
    return Atomics.load(this.#ints, WAITING) > 0
  }

  /** Thread: from now on the main thread begins nothing; false if it has begun something since that count. */
  stopAt(beginnings: number): boolean {
    if (beginnings % 2 !== 0) return false
    if (Atomics.compareExchange(this.#ints, GIVING_BACK, 0, 1) === 1) return false
    if (this.beginnings === beginnings) return true
    this.resume()
    return false
  }

  /** Thread, once the main thread is stopped. */
  hasBegun(lane: Lane, entry: string): boolean {
    const [ms, sequence] = parse(entry)
    const at = 2 * LANES.indexOf(lane)
    const newest = this.#newest
    return ms < newest[at]! || (ms === newest[at] && sequence <= newest[at + 1]!)
  }
}

/** Written out: it is asked of every task, and slices of the string would be garbage. */
function parse(entry: string): [ms: number, sequence: number] {
  let [ms, sequence, at] = [0, 0, 0]
  for (; at < entry.length && entry.charCodeAt(at) !== DASH; at++) ms = 10 * ms + entry.charCodeAt(at) - ZERO
  for (at += 1; at < entry.length; at++) sequence = 10 * sequence + entry.charCodeAt(at) - ZERO
  return [ms, sequence]
}
