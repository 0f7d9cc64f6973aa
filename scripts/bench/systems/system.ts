/**
 * What the benchmark asks of a task queue, the same of each: one producer in one process, one worker in another, and
 * a look into Redis that counts what really happened. An adapter does what its users' guide shows, with default
 * settings, and in the fastest of the documented ways where there are several; it measures nothing itself.
 */

import type { Redis } from 'ioredis'

export type SystemId = 'millrace' | 'bullmq' | 'bee-queue' | 'floor'

/** Where things are. build: folder of Millrace as built JavaScript. */
export interface Place {
  readonly url: string
  readonly build: string
}

/** A task's one argument. */
export interface Payload {
  readonly n: number
  readonly text?: string
}

export type MakePayload = (n: number) => Payload

/** Calls `done` as it ends. Returns a promise only where it has to wait for something. */
export type Handler = (payload: Payload, done: () => void) => unknown

export interface ProducerOptions {
  /** Results are awaited: subscribe to them. */
  readonly rpc: boolean
}

export interface WorkerOptions {
  readonly concurrency: number
  /** Takes the next task only after the last is acknowledged, where the system leaves a choice. */
  readonly strict: boolean
  readonly handler: Handler
  /** The handler returns promises. */
  readonly isAsync: boolean
  readonly done: () => void
}

export interface Producer {
  /** One call; resolves when Redis has accepted it. Calls of one tick may leave together. */
  enqueue(payload: Payload): Promise<unknown>
  /** Many at once by the system's own way for that, in the portions that suit it; resolves when all are accepted. */
  enqueueMany(count: number, make: MakePayload): Promise<void>
  /** From the call to its result. */
  call(payload: Payload): Promise<unknown>
  close(): Promise<void>
}

export interface RunningWorker {
  close(): Promise<void>
}

export interface Census {
  /** Tasks in line or running. */
  readonly open: number
  /** Tasks recorded as done; undefined where nothing records it. */
  readonly completed: number | undefined
}

export interface System {
  readonly title: string
  /** How a task is taken and acknowledged, for the report. */
  readonly semantics: string
  openProducer(place: Place, options: ProducerOptions): Promise<Producer>
  /** Resolves when it takes tasks. */
  openWorker(place: Place, options: WorkerOptions): Promise<RunningWorker>
  census(redis: Redis): Promise<Census>
}

/** One portion after the other. */
export async function inPortions(
  count: number,
  size: number,
  send: (start: number, length: number) => Promise<unknown>,
): Promise<void> {
  for (let start = 0; start < count; start += size) await send(start, Math.min(size, count - start))
}

/** Rivals want host and port apart. */
export function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

/** Nothing here should go wrong; what does is told, never swallowed. */
export const complain =
  (who: string) =>
  (error: Error): void => {
    process.stderr.write(`${who}: ${error.stack ?? error.message}\n`)
  }
