/**
 * What the benchmark asks of a task queue, the same of each: one producer in one process, one worker in another, and
 * a look into Redis that counts what really happened. An adapter does what its users' guide shows, with default
 * settings unless it is asked for others, and in the fastest of the documented ways where there are several; it
 * measures nothing itself.
 */

import type { Redis } from 'ioredis'

export type SystemId = 'millrace' | 'bullmq' | 'bee-queue' | 'floor'

/**
 * default: what its guide shows; strict: the next task is only taken when the last is acknowledged, for a system whose
 * default is to take more; best: the fastest settings that its documentation names, whatever is given up for them.
 */
export type Setting = 'default' | 'strict' | 'best'

/** Where things are. library: folder of Millrace as built JavaScript. */
export interface Place {
  readonly url: string
  readonly library: string
}

/** A task's one argument. */
export interface Payload {
  readonly n: number
  readonly text?: string
  /** How long the handler `asked` takes, ms. */
  readonly wait?: number
  /** When it is to begin at the soonest, by the caller's `Date.now()`. */
  readonly due?: number
}

/** After so many ms, or at this time, epoch ms. */
export type When = { readonly delay: number } | { readonly at: number }

/** How many tasks there are, by the system itself. */
export interface Counts {
  readonly waiting: number
  readonly completed: number
}

export type MakePayload = (n: number) => Payload

/** Calls `done` as it ends. Returns a promise only where it has to wait for something. */
export type Handler = (payload: Payload, done: () => void) => unknown

export interface ProducerOptions {
  /** Results are awaited: subscribe to them. */
  readonly rpc: boolean
  /** What is enqueued waits in a lower lane than what is called. */
  readonly lanes?: boolean
  readonly setting: Setting
}

export interface WorkerOptions {
  readonly concurrency: number
  readonly setting: Setting
  /** Results are awaited. */
  readonly rpc: boolean
  /** Delayed tasks have to be brought in line, where that is not done anyway. */
  readonly delayed: boolean
  /** How long it may be silent before its tasks go to others, ms. Default: the system's own. */
  readonly lease?: number
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
  /** The same as `enqueue`, for a task that begins later. */
  enqueueDelayed(payload: Payload, when: When): Promise<unknown>
  /** The same as `enqueue`, and answers the id. */
  add(payload: Payload): Promise<string>
  /** Asks for what is known of a task now, by the system's own way for that. False: nothing is. */
  lookUp(id: string): Promise<boolean>
  /** Asks for the tasks in all states, by the system's own call for that. */
  counts(): Promise<Counts>
  /** From the call to its result. */
  call(payload: Payload): Promise<unknown>
  close(): Promise<void>
}

export interface RunningWorker {
  close(): Promise<void>
}

export interface System {
  readonly title: string
  /** How a task is taken and acknowledged, for the report. */
  readonly semantics: string
  /** Its best documented settings, for the report. Undefined: its default is its best. */
  readonly best?: string
  openProducer(place: Place, options: ProducerOptions): Promise<Producer>
  /** Resolves when it takes tasks. */
  openWorker(place: Place, options: WorkerOptions): Promise<RunningWorker>
  /** Tasks in line or running. Cheap, however many there are. */
  countOpen(redis: Redis): Promise<number>
  /** Tasks recorded as done; undefined where nothing records it. */
  countCompleted(redis: Redis): Promise<number | undefined>
  /** Tasks that have a record, whatever their state, and perhaps a few more. Cheap, however many there are. */
  countRecords(redis: Redis): Promise<number>
}

/** The system has no such thing (yet). */
export class Unavailable extends Error {}

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

/** Of one kind of trouble there can be one for each task. */
const MOST_COMPLAINTS = 5
let complaints = 0

/** Nothing here should go wrong; what does is told, never swallowed. */
export const complain =
  (who: string) =>
  (error: Error): void => {
    complaints += 1
    if (complaints <= MOST_COMPLAINTS) process.stderr.write(`${who}: ${error.stack ?? error.message}\n`)
    if (complaints === MOST_COMPLAINTS) process.stderr.write(`${who}: this process tells no more of these\n`)
  }
