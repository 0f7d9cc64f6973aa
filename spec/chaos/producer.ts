/** Calls, each written down with what became of it. */

import { setTimeout as delay } from 'node:timers/promises'
import { EnqueueError, QueueFullError, type TaskHandle } from '../../lib/index.ts'
import type { Journal } from './journal.ts'

export class Producer {
  readonly #journal: Journal
  readonly #open = new Set<Promise<void>>()
  /** Ids whose wait has not settled. */
  readonly unsettled = new Set<string>()
  /** From call to outcome of those that were waited for, ms. */
  readonly waits: number[] = []
  /** Results that were not what was asked for. */
  readonly wrong: string[] = []

  constructor(journal: Journal) {
    this.#journal = journal
  }

  /** One call. With `result` its outcome is waited for, and has to be that. */
  call(send: () => TaskHandle, result?: { readonly expected: unknown }): TaskHandle {
    const handle = send()
    const { id } = handle
    this.#journal.note('invoke', id)
    this.#follow(
      handle.enqueued.then(
        () => this.#journal.note('ok', id),
        (error) => this.#journal.note(isRefused(error) ? 'fail' : 'unknown', id),
      ),
    )
    if (result) this.#follow(this.#wait(handle, result.expected))
    return handle
  }

  /** `count` calls, spread over `ms`. */
  async spread(count: number, ms: number, send: (n: number) => void): Promise<void> {
    const started = performance.now()
    for (let n = 0; n < count; ) {
      const due = Math.min(count, Math.ceil((count * (performance.now() - started + 5)) / Math.max(ms, 1)))
      for (; n < due; n++) send(n)
      await delay(5)
    }
  }

  /** Resolves when every call has been answered and every wait has settled. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open)
  }

  async #wait(handle: TaskHandle, expected: unknown): Promise<void> {
    const { id } = handle
    const began = performance.now()
    this.unsettled.add(id)
    const state = await handle.get().then(
      (value) => {
        if (value !== expected) this.wrong.push(id)
        return 'succeeded'
      },
      (error: Error & { code?: string }) => STATES[error.code ?? ''] ?? `${error.name}`,
    )
    this.unsettled.delete(id)
    this.waits.push(performance.now() - began)
    // A call that never was accepted has no outcome.
    if (state !== 'refused') this.#journal.note('settled', id, state)
  }

  #follow(work: Promise<void>): void {
    this.#open.add(work)
    void work.finally(() => this.#open.delete(work))
  }
}

const STATES: Readonly<Record<string, string>> = {
  ERR_MILLRACE_TASK_FAILED: 'failed',
  ERR_MILLRACE_TASK_CANCELLED: 'cancelled',
  ERR_MILLRACE_TASK_EXPIRED: 'expired',
  ERR_MILLRACE_TASK_LOST: 'lost',
  ERR_MILLRACE_ENQUEUE: 'refused',
  ERR_MILLRACE_QUEUE_FULL: 'refused',
}

const isRefused = (error: unknown): boolean =>
  error instanceof QueueFullError || (error instanceof EnqueueError && error.accepted === false)
