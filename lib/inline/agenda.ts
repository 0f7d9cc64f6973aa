/**
 * What happens by itself when its time comes, nearest first: a heap. Whoever holds the time in his hand asks for the
 * next one and has what is due done; nothing here has a timer.
 */

import type { Deadline } from '../deadlines.ts'

export interface Alarm extends Deadline {
  isOff: boolean
}

/** So many that are off may lie about. */
const FEW = 64

export class Agenda {
  #heap: (Alarm & { readonly order: number })[] = []
  #count = 0
  #off = 0

  /** at: epoch ms. Those of the same time come in the order in which they were added. */
  add(at: number, expire: () => void): Alarm {
    this.#count += 1
    const alarm = { at, length: 0, expire, order: this.#count, isOff: false }
    this.#heap.push(alarm)
    this.#rise(this.#heap.length - 1)
    return alarm
  }

  /** Safe twice, and for what has been. */
  remove(alarm: Alarm | undefined): void {
    if (!alarm || alarm.isOff) return
    alarm.isOff = true
    this.#off += 1
    // An alarm that is off holds on to its task until its time comes, which may be in a week.
    if (this.#off > FEW && this.#off > this.#heap.length / 2) this.#clean()
  }

  /** With those that are off and still lie about. */
  get size(): number {
    return this.#heap.length
  }

  /** When there is something to do. */
  get next(): number | undefined {
    while (this.#heap[0]?.isOff) this.#pop()
    return this.#heap[0]?.at
  }

  /** Does what is due, also what becomes due by that. */
  run(now: number): void {
    for (let at = this.next; at !== undefined && at <= now; at = this.next) {
      const alarm = this.#pop()
      alarm.isOff = true
      alarm.expire()
    }
  }

  clear(): void {
    this.#heap = []
    this.#off = 0
  }

  #clean(): void {
    const left = this.#heap.filter((alarm) => !alarm.isOff)
    this.#heap = []
    this.#off = 0
    for (const alarm of left) {
      this.#heap.push(alarm)
      this.#rise(this.#heap.length - 1)
    }
  }

  #pop() {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (first.isOff) this.#off -= 1
    if (heap.length === 0) return first
    heap[0] = last
    this.#sink(0)
    return first
  }

  #rise(index: number): void {
    const _heap = this.#heap
    for (let at = index; at > 0; ) {
      const above = (at - 1) >> 1
      if (!this.#isBefore(at, above)) return
      this.#swap(at, above)
      at = above
    }
  }

  #sink(index: number): void {
    const { length } = this.#heap
    for (let at = index; ; ) {
      let least = at
      for (const below of [2 * at + 1, 2 * at + 2]) {
        if (below < length && this.#isBefore(below, least)) least = below
      }
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a]!, this.#heap[b]!]
    return one.at < other.at || (one.at === other.at && one.order < other.order)
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    const one = heap[a]!
    heap[a] = heap[b]!
    heap[b] = one
  }
}
