/**
 * Runs what is in line, in this process: a slot for each handler, the attempts of any worker (work/execute.ts) around
 * it. What Redis' workers need besides, leases and recovery, has no meaning here: who dies takes his tasks with him.
 */

import { AsyncResource } from 'node:async_hooks'
import { hostname } from 'node:os'
import type { Clock } from '../clock.ts'
import type { Deadlines } from '../deadlines.ts'
import { nameOf } from '../envelope.ts'
import { newWorkerId } from '../ids.ts'
import type { ChunkStore } from '../redis/chunks.ts'
import type { ProgressReport } from '../redis/progress.ts'
import type { Outcome } from '../redis/wire.ts'
import type { WorkerInfo } from '../redis/workers.ts'
import { Batch, type BatchOptions } from '../work/batch.ts'
import { Chunks } from '../work/chunks.ts'
import { execute } from '../work/execute.ts'
import type { ExecuteOptions } from '../work/execute-options.ts'
import { Held } from '../work/held.ts'
import { ProgressReports } from '../work/progress.ts'
import { Slots } from '../work/slots.ts'
import type { Ledger } from './ledger.ts'
import type { TaskRecord } from './record.ts'

/** Handlers that begin in a row before the event loop gets a turn, ms. */
const MAX_BURST = 5

export interface RunnerOptions {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly chunks: Pick<ChunkStore, 'write'>
  /** The clock stands until a test moves it: no patience would end, so what yields has none. */
  readonly isStanding: boolean
  /** Names the worker that people see. */
  readonly name: string
  readonly concurrency: number
  readonly abortGrace: number
  readonly limits: Pick<
    ExecuteOptions,
    'registry' | 'maxPayload' | 'maxResult' | 'resultTtl' | 'failedTtl' | 'unknownTtl'
  >
  /** A handler has begun or ended, lent its slot or taken it back, or said something. */
  readonly onChange: () => void
  readonly onBegun: (record: TaskRecord) => void
  readonly onReply: (id: string, what: string, value: Buffer) => void
  readonly onProgress: (record: TaskRecord, value: Buffer) => void
  readonly onError: (error: Error) => void
}

export class Runner {
  readonly id: string
  readonly #options: RunnerOptions
  readonly #executing: ExecuteOptions
  readonly #madeAt: Date
  readonly #progress: ProgressReports
  readonly #chunks: Chunks
  /** By task id. */
  readonly #held = new Map<string, Held>()
  /** What it runs does not inherit the async context of whoever happened to call. */
  readonly #scope = new AsyncResource('millrace.inline')
  #slots = new Slots()
  #concurrency: number
  #asked: number | undefined
  #isPaused = false
  #isClosed = false

  constructor(options: RunnerOptions) {
    this.#options = options
    const { clock, deadlines, abortGrace, limits, name, concurrency, onError, ledger } = options
    this.id = newWorkerId(name)
    this.#concurrency = concurrency
    this.#madeAt = new Date(clock.now)
    this.#executing = {
      ...{ ...limits, clock, deadlines, abortGrace, onError, watch: undefined },
      isEmpty: () => this.#isPaused || this.#isClosed || !this.#options.ledger.hasWork,
      readInputs: async ({ id }) => ledger.records.get(id)?.inputs ?? [],
      updateProgress: (held, value) => this.#progress.report(held, value),
      whileWaiting: (held, wait) => this.#whileWaiting(held, wait),
      drive: (held, source, plan) =>
        this.#chunks.drive(held, source, options.isStanding ? { ...plan, patience: 0 } : plan),
    }
    this.#chunks = new Chunks({
      ...{ clock, deadlines, maxBytes: limits.maxPayload, onFenced: () => {} },
      write: (batch) => options.chunks.write(batch),
    })
    this.#progress = new ProgressReports({
      maxBytes: limits.maxPayload,
      send: async (reports) => reports.map((report) => (this.#keepProgress(report) ? 'done' : 'fenced')),
      onFenced: () => {},
    })
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused
    this.#options.onChange()
  }

  /** How many handlers run at once, at most. */
  set concurrency(concurrency: number) {
    this.#concurrency = concurrency
    this.#options.onChange()
  }

  /** The same by an operator's word, which counts more. */
  set asked(concurrency: number | undefined) {
    this.#asked = concurrency
    this.#options.onChange()
  }

  /** Something is in line, and there is a slot for it. */
  get hasWork(): boolean {
    if (this.#isPaused || this.#isClosed) return false
    return this.active < (this.#asked ?? this.#concurrency) && this.#options.ledger.hasWork
  }

  /** Handlers that have not returned. */
  get running(): number {
    return this.#held.size
  }

  /** Of those, how many do not wait for other tasks. */
  get active(): number {
    return this.#slots.active
  }

  /** As of any worker. */
  info(): WorkerInfo {
    return {
      ...{ id: this.id, state: this.#isPaused ? 'paused' : 'running', host: hostname(), pid: process.pid },
      ...{ concurrency: this.#asked ?? this.#concurrency, tasks: [...this.#options.limits.registry.keys()] },
      ...{ startedAt: this.#madeAt, lastBeat: new Date(this.#options.clock.now), running: this.running },
    }
  }

  /** Begins what is in line, as far as there are slots, for a few ms; true: there is more. */
  begin(): boolean {
    return this.#scope.runInAsyncScope(() => {
      const started = performance.now()
      while (this.hasWork) {
        const record = this.#options.ledger.take()
        if (record) this.#run(record)
        if (performance.now() - started > MAX_BURST) break
      }
      return this.hasWork
    })
  }

  /** Of a task that runs. */
  cancel({ id }: TaskRecord, reason: string): void {
    this.#held.get(id)?.giveUp('cancelled', reason)
  }

  /** There is room for more of what this task yields. */
  room(id: string): void {
    const held = this.#held.get(id)
    if (held) this.#chunks.room(held.key)
  }

  abortAll(reason: string): void {
    for (const held of this.#held.values()) held.abort(reason)
  }

  /** Begins nothing more; what still runs counts for nothing. */
  close(): void {
    this.#isClosed = true
    for (const held of this.#held.values()) held.state = 'gone'
    this.#held.clear()
    this.#slots = new Slots()
  }

  #run(record: TaskRecord): void {
    const { clock, limits, onChange } = this.#options
    const definition = limits.registry.get(nameOf(record.call) ?? '')
    this.#slots.active += 1
    if (definition?.batch) {
      this.#runTogether(record, { name: definition.name, ...definition.batch })
    } else {
      const held = this.#hold(record)
      held.state = 'running'
      held.begunAt = clock.steady
      this.#execute(record, held)
    }
    onChange()
  }

  /** With all of its kind that are in line: nothing is to be gained by waiting for more. */
  #runTogether(first: TaskRecord, options: BatchOptions): void {
    const { clock, ledger } = this.#options
    const batch = new Batch(options)
    const isAlike = ({ call }: TaskRecord): boolean => nameOf(call) === options.name
    const records: [TaskRecord, Held][] = []
    let next: TaskRecord | undefined = first
    while (next) {
      const held = this.#hold(next)
      records.push([next, held])
      batch.add(held)
      next = batch.lack > 0 ? ledger.take(isAlike) : undefined
    }
    batch.begin(clock.steady)
    for (const [record, held] of records) this.#execute(record, held)
  }

  #hold(record: TaskRecord): Held {
    const { id, lane, entry, call, attempt: begunBefore, failures, expires, deadline } = record
    const inputs = record.inputs.length
    const held = new Held({
      ...{ id, lane, entry, call, begunBefore, failures, crashes: 0, expires, deadline, inputs },
      hears: false,
    })
    this.#held.set(id, held)
    return held
  }

  #execute(record: TaskRecord, held: Held): void {
    this.#options.onBegun(record)
    execute(held, this.#executing, (outcome) => this.#finished(record, held, outcome))
  }

  #finished(record: TaskRecord, held: Held, outcome: Outcome): void {
    if (held.state !== 'running') return
    this.#progress.hurry(held)
    held.state = 'gone'
    this.#held.delete(held.id)
    // The others of its batch keep the slot.
    if (held.batch?.leave(held) !== false) this.#slots.free(held.batch ?? held)
    this.#record(record, outcome)
    this.#options.onChange()
  }

  /** What `turn` does with it in Redis: lib/redis/lua/turn.lua. */
  #record(record: TaskRecord, outcome: Outcome): void {
    const { ledger, limits } = this.#options
    const { state, value, attempt, ran, ttl, kept } = outcome
    const end = { attempt, ran, worker: this.id, ttl, ...(kept && { kept: Buffer.concat(kept) }) }
    const { cancelReason } = record
    if (state === 'succeeded' || state === 'failed' || state === 'expired') {
      ledger.settle(record, state, value, end)
    } else if (state === 'cancelled' || cancelReason !== undefined) {
      ledger.settleCancelled(record, cancelReason ?? '', limits.failedTtl, { attempt, ran, worker: this.id })
    } else if (state === 'retry') {
      ledger.retry(record, attempt, ttl, value)
    } else {
      ledger.park(record, value.toString(), ttl)
    }
  }

  /** Its handler waits for another task, which may need the slot. It goes on at once, even if that is one too many. */
  async #whileWaiting<T>(held: Held, wait: Promise<T>): Promise<T> {
    const holder = held.batch ?? held
    if (this.#slots.lend(holder)) this.#options.onChange()
    try {
      return await wait
    } finally {
      this.#slots.takeBack(holder)
      this.#options.onChange()
    }
  }

  #keepProgress({ id, entry, value, version }: ProgressReport): boolean {
    const record = this.#options.ledger.records.get(id)
    if (record?.state !== 'running' || record.entry !== entry) return false
    record.progress = value
    record.version = version
    this.#options.onReply(id, `progress:${version}`, value)
    this.#options.onProgress(record, value)
    return true
  }
}
