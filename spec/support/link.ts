/** One direction of a connection: bytes arrive in their order, as late, as slowly and in packets as small as is asked. */

import type { Socket } from 'node:net'
import { setTimeout as delay, setImmediate as nextTick } from 'node:timers/promises'

/** How bytes pass; what is left out is as fast as the machine. */
export interface Shape {
  /** Ms that bytes are on their way: from, to. */
  readonly delay?: readonly [number, number]
  /** Bytes in a second. */
  readonly rate?: number
  /** Bytes in one packet, at most. */
  readonly packet?: number
}

/** A rate is kept in steps of so many ms. */
const STEP = 20

export class Link {
  readonly #to: Socket
  readonly #shape: () => Shape
  readonly #queue: { readonly bytes: Buffer; readonly due: number; readonly shape: Shape }[] = []
  #isRunning = false
  #lastDue = 0

  /** shape: asked for each chunk. */
  constructor(to: Socket, shape: () => Shape) {
    this.#to = to
    this.#shape = shape
  }

  push(bytes: Buffer): void {
    if (bytes.length === 0) return
    const shape = this.#shape()
    const { delay: span, rate, packet } = shape
    if (!span && !rate && !packet && !this.#isRunning) {
      this.#to.write(bytes)
      return
    }
    const wait = span ? span[0] + Math.random() * (span[1] - span[0]) : 0
    // Late bytes keep those behind them: it is one stream.
    this.#lastDue = Math.max(this.#lastDue, performance.now() + wait)
    this.#queue.push({ bytes, due: this.#lastDue, shape })
    if (!this.#isRunning) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    for (let next = this.#queue.shift(); next && !this.#to.destroyed; next = this.#queue.shift()) {
      const { bytes, due, shape } = next
      if (due > performance.now()) await delay(due - performance.now())
      await this.#write(bytes, shape)
    }
    this.#isRunning = false
  }

  async #write(bytes: Buffer, { rate, packet }: Shape): Promise<void> {
    const step = Math.min(
      packet ?? bytes.length,
      rate ? Math.max(1, Math.floor((rate * STEP) / 1_000)) : bytes.length,
    )
    let due = performance.now()
    for (let at = 0; at < bytes.length && !this.#to.destroyed; at += step) {
      const piece = bytes.subarray(at, at + step)
      this.#to.write(piece)
      if (rate) {
        due += (piece.length * 1_000) / rate
        // A timer that fires late is made up for by those that follow.
        if (due > performance.now()) await delay(due - performance.now())
      } else await nextTick()
    }
  }
}
