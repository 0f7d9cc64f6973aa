/** Progress of running tasks: the newest value of each, one script on its way at a time. */

import { encode } from '../codec.ts'
import type { ProgressAnswer, ProgressReport } from '../redis/progress.ts'
import type { Held } from './held.ts'

export interface ProgressOptions {
  readonly maxBytes: number
  /** What became of each report, in their order. */
  readonly send: (reports: readonly ProgressReport[]) => Promise<ProgressAnswer[]>
  readonly onFenced: (held: Held) => void
}

interface Waiting {
  value: Buffer
  readonly sent: (() => void)[]
}

export class ProgressReports {
  readonly #options: ProgressOptions
  #waiting = new Map<Held, Waiting>()
  #onTheWay = false

  constructor(options: ProgressOptions) {
    this.#options = options
  }

  /** Throws for a value that cannot be sent; the promise never rejects. */
  report(held: Held, value: unknown): Promise<void> {
    const bytes = encode(value, {
      what: 'progress',
      maxBytes: this.#options.maxBytes,
      hint: 'report less, or raise maxPayload on the worker',
    })
    if (held.state !== 'running') return Promise.resolve()
    const promise = new Promise<void>((resolve) => {
      const waiting = this.#waiting.get(held)
      if (waiting) {
        waiting.value = bytes
        waiting.sent.push(resolve)
      } else {
        this.#waiting.set(held, { value: bytes, sent: [resolve] })
      }
    })
    this.#soon()
    return promise
  }

  /** Before the task's outcome is sent: its last progress goes ahead of it, on the same connection. */
  hurry(held: Held): void {
    if (this.#waiting.has(held)) void this.#send()
  }

  #soon(): void {
    if (this.#onTheWay) return
    this.#onTheWay = true
    queueMicrotask(() => void this.#flush())
  }

  async #flush(): Promise<void> {
    while (this.#waiting.size > 0) await this.#send()
    this.#onTheWay = false
  }

  async #send(): Promise<void> {
    const batch = this.#waiting
    this.#waiting = new Map()
    const reports = Array.from(batch, ([held, { value }]) => ({
      id: held.id,
      lane: held.lane,
      entry: held.entry,
      value,
      version: held.nextVersion(),
      hears: held.hears,
    }))
    // Progress is not worth a second try: a newer one follows.
    const answers = await this.#options.send(reports).catch(() => [])
    let index = 0
    for (const [held, { value, sent }] of batch) {
      const answer = answers[index++]
      if (answer === 'fenced') this.#options.onFenced(held)
      if (answer === 'unheard') this.#sayAgain(held, value)
      for (const resolve of sent) resolve()
    }
  }

  /** A call has joined it while it ran, and brought others that hear of it: from now on they do. */
  #sayAgain(held: Held, value: Buffer): void {
    held.hears = true
    if (held.state !== 'running' || this.#waiting.has(held)) return
    this.#waiting.set(held, { value, sent: [] })
    this.#soon()
  }
}
