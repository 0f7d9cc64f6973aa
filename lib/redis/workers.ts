/** Who works for a queue, as the script `workers` tells it. */

import type { Reply } from './command.ts'
import { list, text } from './wire.ts'

/**
 * `paused`: the queue is · `quiet`: it was told to take nothing more · `stopping`: it drains, or was told to stop ·
 * `silent`: its lease is over, and nobody has recovered what it holds yet.
 */
export type WorkerStanding = 'running' | 'paused' | 'quiet' | 'stopping' | 'silent'

/** An order to a worker: take nothing more, or stop. */
export type Order = 'quiet' | 'stop'

/** A worker that is registered. */
export interface WorkerInfo {
  readonly id: string
  readonly state: WorkerStanding
  readonly host: string
  readonly pid: number
  /** Handlers that may run at once, as it was told or as its options say. */
  readonly concurrency: number
  /** Tasks that it knows, by name. */
  readonly tasks: readonly string[]
  /** When it was registered under this id. By the server's clock, as all times; undefined: it does not say. */
  readonly startedAt: Date | undefined
  /** When Redis last heard that it lives; undefined: more than a day ago. */
  readonly lastBeat: Date | undefined
  /** Tasks that it holds: those that run, and those that it has fetched ahead. */
  readonly running: number
}

export function readWorkers(reply: Reply): WorkerInfo[] {
  const workers = list(reply).map((item) => {
    const [id, state, host, pid, concurrency, tasks, started, beat, running] = list(item)
    return {
      id: text(id),
      state: text(state) as WorkerStanding,
      host: text(host),
      pid: Number(text(pid)),
      concurrency: Number(text(concurrency)),
      tasks: text(tasks).split(' ').filter(Boolean),
      startedAt: moment(started),
      lastBeat: moment(beat),
      running: Number(running),
    }
  })
  return workers.sort((a, b) => (a.id < b.id ? -1 : 1))
}

const moment = (reply: Reply | undefined): Date | undefined =>
  text(reply) === '' ? undefined : new Date(Number(text(reply)))
