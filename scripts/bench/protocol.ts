/** What the measuring processes are told, and what they answer. Times in ms unless a name says otherwise. */

import type { HandlerKind } from './handlers.ts'

export interface EnqueueOrder {
  readonly tasks: number
  /** Single calls that are made in one tick and awaited before the next; all: every one of them; bulk: no single calls. */
  readonly way: number | 'all' | 'bulk'
  /** Of text in each argument; 0: a small object alone. */
  readonly bytes: number
}

export interface RpcOrder {
  readonly calls: number
  readonly inFlight: number
}

export interface RpcFigures {
  readonly ms: number
  /** Latencies, µs. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

export interface WorkerOrder {
  readonly concurrency: number
  readonly strict: boolean
  readonly handler: HandlerKind
  /** How many tasks will come. */
  readonly tasks: number
  /** The clock starts at this completion. */
  readonly skip: number
}

/** What a process can be told to do. It answers each in turn. */
export interface Duties {
  openProducer(order: { readonly rpc: boolean }): Promise<void>
  /** From the first call until Redis has accepted all, ms. */
  enqueue(order: EnqueueOrder): Promise<number>
  rpc(order: RpcOrder): Promise<RpcFigures>
  closeProducer(): Promise<void>
  /** Resolves when the worker takes tasks. */
  openWorker(order: WorkerOrder): Promise<void>
  /** Resolves when all have run. */
  drained(): Promise<{ ms: number; tasks: number }>
  /** Answers how many handlers ran in all. */
  closeWorker(): Promise<number>
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
