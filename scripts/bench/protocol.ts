/** What the measuring processes are told, and what they answer. Times in ms unless a name says otherwise. */

import type { HandlerKind } from './duties/handlers.ts'
import type { Counts, ProducerOptions, Setting } from './systems/system.ts'

export interface EnqueueOrder {
  readonly tasks: number
  /** Single calls that are made in one tick and awaited before the next; all: every one of them; bulk: no single calls. */
  readonly way: number | 'all' | 'bulk'
  /** Of text in each argument; 0: a small object alone. */
  readonly bytes: number
  /** How long its task takes with the handler `asked`. */
  readonly wait?: number
}

/** Either: spread: delays from the least to the most, in no order; or together: all due at one instant, so far ahead. */
export interface DelayedOrder {
  readonly tasks: number
  readonly spread?: readonly [number, number]
  readonly together?: number
}

/** From the moment that a task was due until its handler began, ms. */
export interface Lateness {
  readonly p50: number
  readonly p99: number
  readonly last: number
}

/** What the answers have to be. */
export interface CountsOrder extends Counts {
  readonly calls: number
}

export interface RpcOrder {
  readonly calls: number
  readonly inFlight: number
}

export interface Percentiles {
  /** Latencies, µs. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

export interface RpcFigures extends Percentiles {
  readonly ms: number
}

export interface WorkerOrder {
  readonly concurrency: number
  readonly setting: Setting
  readonly handler: HandlerKind
  /** How many tasks will come. */
  readonly tasks: number
  /** The clock starts at this completion. */
  readonly skip: number
  /** Results are awaited. Default: false. */
  readonly rpc?: boolean
  /** Tasks are delayed: how late each begins is noted. Default: false. */
  readonly delayed?: boolean
  /** How long a worker may be silent before its tasks go to others. Default: the system's own. */
  readonly lease?: number
  /** Workers to open in this process, each with connections of its own. Default: 1. */
  readonly copies?: number
}

/** How far a worker process is. Times by clock.ts; undefined before they are reached. */
export interface Tally {
  readonly ran: number
  /** Of completion number `skip`. */
  readonly firstAt: number | undefined
  /** Of the last completion. */
  readonly lastAt: number | undefined
}

/** What a process can be told to do. It answers each in turn. */
export interface Duties {
  openProducer(order: ProducerOptions): Promise<void>
  /** From the first call until Redis has accepted all, ms. */
  enqueue(order: EnqueueOrder): Promise<number>
  /** By single calls, all in one tick; resolves when all are accepted. */
  enqueueDelayed(order: DelayedOrder): Promise<void>
  /** Enqueues tasks by single calls and remembers their ids. */
  remember(order: { readonly tasks: number; readonly wait?: number }): Promise<void>
  /** Asks for what is known of remembered tasks, one after the other. */
  lookUp(order: { readonly calls: number }): Promise<Percentiles>
  /** Asks how many tasks there are, one time after the other. */
  counts(order: CountsOrder): Promise<Percentiles>
  rpc(order: RpcOrder): Promise<RpcFigures>
  closeProducer(): Promise<void>
  /** Resolves when the worker takes tasks. */
  openWorker(order: WorkerOrder): Promise<void>
  /** Resolves when all have run. */
  drained(): Promise<{ ms: number; tasks: number }>
  /** Resolves when so many delayed tasks have begun; the next order is about those after them. */
  lateness(order: { readonly tasks: number }): Promise<Lateness>
  tally(): Promise<Tally>
  /** Answers how many handlers ran in all. */
  closeWorker(): Promise<number>
  /** CPU time that this process has used so far, all its threads, µs. */
  cpu(): Promise<number>
  /** Bytes. */
  memory(): Promise<{ rss: number; heap: number }>
}

export type Duty = keyof Duties

export interface Order {
  readonly id: number
  readonly duty: Duty
  readonly order: unknown
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }
  /** The system has no such thing. */
  | { readonly id: number; readonly unavailable: string }
