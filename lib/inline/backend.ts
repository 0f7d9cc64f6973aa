/**
 * What an inline queue stands on: this process alone. Calls are accepted, run and answered here, by the same attempts
 * as a worker's and by the same moves from state to state as the scripts'; nothing opens a connection.
 *
 *   a call ──enqueue──► ledger ──event loop's next turn──► runner ──outcome──► ledger ──► replies
 *                         ▲ │
 *                         └─┴── one timer, for the nearest of all times
 */

import { AsyncResource } from 'node:async_hooks'
import { Clock } from '../clock.ts'
import { Deadlines } from '../deadlines.ts'
import type { TaskInfo } from '../record.ts'
import type { Verbs } from '../redis/admin.ts'
import type { Backend } from '../redis/backend.ts'
import type { Probe } from '../redis/probe.ts'
import type { Inbox, Subscription } from '../redis/subscription.ts'
import type { Registry } from '../work/registry.ts'
import type { Worker } from '../work/worker.ts'
import { InlineAdmin, withRefusals } from './admin.ts'
import { Agenda } from './agenda.ts'
import type { Bench } from './bench.ts'
import { InlineChunks } from './chunks.ts'
import { Ledger } from './ledger.ts'
import { type TaskRecord, taskInfo } from './record.ts'
import { Runner, type RunnerOptions } from './runner.ts'
import { InlineSchedules } from './schedules.ts'
import { InlineStore } from './store.ts'

/** setTimeout holds 32 bits. */
const MOST_WAIT = 2 ** 31 - 1
/** For handlers to heed their signal once the drain's time is over, ms. */
const ABORT_GRACE = 500
/** The real ones, whatever a test library puts in their place later. */
const [soon, after, forget] = [setImmediate, setTimeout, clearTimeout]

export interface InlineOptions {
  readonly queue: string
  readonly registry: Registry
  readonly limits: Omit<RunnerOptions['limits'], 'registry'> & { readonly maxFailed: number }
  readonly worker: WorkerDefaults
  /** Time in somebody's hand; undefined: the real one. */
  readonly bench: Bench | undefined
  readonly onError: (error: Error) => void
}

interface WorkerDefaults {
  readonly name: string
  readonly concurrency: number
  readonly drainTimeout: number
  readonly abortGrace: number
}

let count = 0

export class InlineBackend implements Backend {
  readonly isReady = true
  readonly place = 'this process'
  readonly prefix: string
  readonly losesReplies = false
  readonly store: InlineStore
  readonly admin: Verbs
  readonly schedules: InlineSchedules
  readonly inspect: Backend['inspect']
  readonly deadlines: Deadlines
  readonly #options: InlineOptions
  readonly #clock: Clock
  readonly #agenda: Agenda
  readonly #ledger: Ledger
  readonly #runner: Runner
  readonly #scope = new AsyncResource('millrace.inline')
  #inbox: Inbox | undefined
  #isWoken = false
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #draining: Promise<void> | undefined
  #cutShort = (): void => {}
  #onIdle: (() => void)[] = []
  #onDrained: (() => void)[] = []

  constructor(options: InlineOptions) {
    this.#options = options
    const { queue, registry, limits, worker, bench, onError } = options
    // Two of one name have nothing in common.
    count += 1
    this.prefix = `${queue} ${count}`
    const { failedTtl, maxFailed } = limits
    const clock = bench?.clock ?? new Clock()
    const agenda = bench?.agenda ?? new Agenda()
    this.deadlines = bench?.deadlines ?? new Deadlines()
    this.#clock = clock
    this.#agenda = agenda
    const shared = {
      onChange: () => this.#changed(),
      onReply: (id: string, what: string, value: Buffer) => this.#inbox?.onReply(id, what, value),
    }
    this.#ledger = new Ledger({
      ...{ ...shared, clock, agenda, failedTtl, maxFailed },
      onAdded: (record) => bench?.enqueued.push({ record, call: record.call }),
    })
    const chunks = new InlineChunks({
      ledger: this.#ledger,
      onChunks: (id) => this.#inbox?.onReply(id, 'chunks', undefined),
      onRoom: (id) => this.#runner.room(id),
    })
    this.#runner = new Runner({
      ...{ ...shared, ...worker, clock, onError, ledger: this.#ledger, deadlines: this.deadlines, chunks },
      isStanding: bench !== undefined,
      limits: { ...limits, registry },
      onBegun: (record) => bench?.begun.push(record),
      onProgress: (record, value) => store.tellHearers(record, value),
    })
    const describe = (record: TaskRecord, call?: Buffer): TaskInfo =>
      taskInfo(record, queue, this.#runner.id, call)
    bench?.bind({ runner: this.#runner, describe })
    const store = new InlineStore(this.#ledger, chunks)
    this.store = store
    this.schedules = new InlineSchedules({ ...shared, onError, agenda, store, ledger: this.#ledger })
    this.admin = withRefusals(new InlineAdmin(this.#ledger, this.#runner))
    this.inspect = async (id) => {
      const record = this.#ledger.records.get(id)
      return record ? describe(record) : null
    }
  }

  async ready(): Promise<void> {}

  seen(): void {}

  async probe(): Promise<Probe> {
    return { answer: undefined, latency: 0 }
  }

  subscribe(_client: string, inbox: Inbox): Subscription {
    this.#inbox = inbox
    return { check() {}, close() {} }
  }

  /** A task of this name is defined: those that waited for it are in line again. */
  defined(name: string): void {
    for (const record of this.#ledger.in('parked')) {
      if (record.unknown === name) this.#ledger.lineUp(record, record.lane)
    }
  }

  /** For `queue.run()`: works anyway, and keeps the process alive until it is stopped. */
  worker({ concurrency, drainTimeout }: WorkerDefaults): Pick<Worker, 'run' | 'stop'> {
    this.#runner.concurrency = concurrency
    const run = async (): Promise<void> => {
      const keepAlive = setInterval(() => {}, MOST_WAIT)
      await new Promise<void>((resolve) => this.#onDrained.push(resolve))
      clearInterval(keepAlive)
    }
    return { run, stop: ({ timeout = drainTimeout } = {}) => this.drain(timeout) }
  }

  /**
   * Runs what is in line and waits for what runs, `timeout` ms at most; then that is aborted. What is due later is gone
   * with the queue. On a bench nothing more begins. Safe twice; a shorter timeout cuts the first one short.
   */
  drain(timeout = this.#options.bench ? 0 : this.#options.worker.drainTimeout): Promise<void> {
    if (this.#draining) after(this.#cutShort, timeout).unref()
    else this.#draining = this.#drain(timeout)
    return this.#draining
  }

  close(): void {
    this.#runner.close()
    this.#agenda.clear()
    clearTimeout(this.#timer)
  }

  async #drain(timeout: number): Promise<void> {
    const cut = new Promise<void>((resolve) => {
      this.#cutShort = resolve
    })
    await this.#idleWithin(timeout, cut)
    if (this.#runner.running > 0) {
      this.#runner.abortAll('the worker stops')
      await this.#idleWithin(this.#options.bench ? 0 : ABORT_GRACE)
    }
    this.close()
    for (const resolve of this.#onDrained.splice(0)) resolve()
  }

  async #idleWithin(timeout: number, cut?: Promise<void>): Promise<void> {
    if (this.#isIdle) return
    let timer: NodeJS.Timeout | undefined
    const idle = new Promise<void>((resolve) => this.#onIdle.push(resolve))
    const over = new Promise<void>((resolve) => {
      timer = after(resolve, timeout)
    })
    await Promise.race([idle, over, ...(cut ? [cut] : [])])
    forget(timer)
  }

  get #isIdle(): boolean {
    return this.#runner.running === 0 && (this.#options.bench !== undefined || !this.#runner.hasWork)
  }

  #changed(): void {
    const { bench } = this.#options
    bench?.changed()
    if (!bench || bench.isAuto) this.#wake()
    if (!bench) this.#arm()
    if (this.#onIdle.length > 0 && this.#isIdle) for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  /** In the event loop's next turn: what is called begins once its caller has its handle, and input comes between. */
  #wake(): void {
    if (this.#isWoken || !this.#runner.hasWork) return
    this.#isWoken = true
    soon(() => {
      this.#isWoken = false
      if (this.#runner.begin()) this.#wake()
    })
  }

  /** It keeps the process alive while somebody waits for a task. */
  #arm(): void {
    const next = this.#agenda.next ?? Number.POSITIVE_INFINITY
    if (next !== this.#timerAt) {
      clearTimeout(this.#timer)
      this.#timerAt = next
      this.#timer = undefined
      if (next === Number.POSITIVE_INFINITY) return
      const wait = Math.min(Math.max(0, Math.ceil(next - this.#clock.now)), MOST_WAIT)
      this.#timer = this.#scope.runInAsyncScope(() => setTimeout(() => this.#tick(), wait))
    }
    if (this.#ledger.awaited > 0) this.#timer?.ref()
    else this.#timer?.unref()
  }

  #tick(): void {
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#agenda.run(this.#clock.now)
    this.#arm()
  }
}
