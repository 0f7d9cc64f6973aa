/** Calls, each written down with what became of it. */

import { setTimeout as delay } from 'node:timers/promises'
import { EnqueueError, type FlowHandle, QueueFullError, type TaskHandle } from '../../lib/index.ts'
import type { Journal } from './journal.ts'

type IsRight = (value: unknown) => boolean

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
    this.follow(handle, { ...(result && { isRight: (value: unknown) => value === result.expected }) })
    return handle
  }

  /**
   * Of a call that is made this instant. about: for the journal. isRight: its outcome is waited for, and has to be so;
   * isOwn: it has to be `<its id>/<an attempt>`, which goes to the journal too.
   */
  follow(
    handle: TaskHandle,
    { about = [], isRight, isOwn = false }: { about?: readonly string[]; isRight?: IsRight; isOwn?: boolean },
  ): void {
    const { id } = handle
    this.#journal.note('invoke', id, ...about)
    this.#follow(
      handle.enqueued.then(
        () => this.#journal.note('ok', id),
        (error) => this.#journal.note(isRefused(error) ? 'fail' : 'unknown', id),
      ),
    )
    const check: IsRight | undefined = isOwn ? (value) => String(value).startsWith(`${id}/`) : isRight
    if (!check) return
    this.#follow(
      this.#wait(handle, check, (state, value) => {
        this.#journal.note('settled', id, state, ...(isOwn && state === 'succeeded' ? [String(value)] : []))
      }),
    )
  }

  /** Of a flow: what its whole gives. Its tasks are followed by themselves. */
  flow(flow: FlowHandle<unknown>, isRight: IsRight): void {
    this.#follow(this.#wait(flow, isRight, (state) => this.#journal.note('flow', flow.id, state)))
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

  async #wait(
    handle: Pick<TaskHandle, 'id' | 'get'>,
    isRight: IsRight,
    tell: (state: string, value: unknown) => void,
  ): Promise<void> {
    const { id } = handle
    const began = performance.now()
    this.unsettled.add(id)
    let given: unknown
    const state = await handle.get().then(
      (value) => {
        if (!isRight(value)) this.wrong.push(id)
        given = value
        return 'succeeded'
      },
      (error: Error & { code?: string }) => STATES[error.code ?? ''] ?? `${error.name}`,
    )
    this.unsettled.delete(id)
    this.waits.push(performance.now() - began)
    // A call that never was accepted has no outcome.
    if (state !== 'refused') tell(state, given)
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
