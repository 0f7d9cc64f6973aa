/** The operators' verbs: cancel, move, count, pause. Rare, so each is one script for one task or one question. */

import { END_STATES, type EndState, LANES, type Lane, type TaskState } from '../record.ts'
import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'
import { ANSWER_TIMEOUT, Runner } from './runner.ts'
import { askStacks, type WorkerStacks } from './stacks.ts'
import { list, text } from './wire.ts'
import { type Order, readWorkers, type WorkerInfo } from './workers.ts'

/**
 * `cancelled`: it has not started and never will, or was cancelled before · `running`: its worker was told ·
 * `ended`: too late · `none`: there is no such task (any more).
 */
export type CancelAnswer = 'cancelled' | 'running' | 'ended' | 'none'

/** `there`: it waits in that lane already · `running`, `ended`: too late · `none`: no such task (any more). */
export type MoveAnswer = 'moved' | 'there' | 'running' | 'ended' | 'none'

/** `alive`: it has not ended · `key`: another task holds its key · `empty`: its call was too large to be kept. */
export type RetryAnswer = 'retried' | 'alive' | 'succeeded' | 'key' | 'empty' | 'none'

export type RemoveAnswer = 'removed' | 'running' | 'none'

/** States that tasks can be listed by. */
export const LISTED = ['queued', 'running', 'waiting', 'scheduled', 'parked', 'failed'] as const
export type ListedState = (typeof LISTED)[number]

/** How many tasks there are. */
export interface Counts {
  /** For the end of other tasks. */
  readonly waiting: number
  readonly scheduled: number
  readonly queued: number
  readonly running: number
  readonly parked: number
  /** Failed tasks that are kept (the dead letters). */
  readonly failed: number
  /** Of each lane, how many are queued. */
  readonly lanes: Readonly<Record<Lane, number>>
  /** How many have ended since the queue began. */
  readonly ended: Readonly<Record<EndState, number>>
}

/** As Redis knows it. */
export interface Flow {
  /** JSON. */
  readonly shape: string
  /** Ids, with those of their parents, separated by spaces. */
  readonly members: Readonly<Record<string, string>>
}

export interface Settings {
  readonly isPaused: boolean
  /** What operators have set for this worker, else for all; undefined: nothing. */
  readonly concurrency: number | undefined
  /** What this worker was told. */
  readonly order: Order | undefined
}

/** Workers that are listed at once. */
const MOST_WORKERS = 1_000

/** All that can be asked of a queue and its tasks. */
export type Verbs = Pick<Admin, keyof Admin>

export class Admin {
  readonly #runner: Runner

  constructor(connection: Connection, keys: Keys) {
    this.#runner = new Runner(connection, keys)
  }

  /** ttl: ms that the record of a cancelled task stays. */
  async cancel(id: string, reason: string, ttl: number): Promise<CancelAnswer> {
    return text(await this.#runner.run('cancel', [id, Buffer.from(reason), ttl])) as CancelAnswer
  }

  async move(id: string, lane: Lane): Promise<MoveAnswer> {
    return text(await this.#runner.run('move', [id, lane])) as MoveAnswer
  }

  async redrive(ids: readonly string[]): Promise<RetryAnswer[]> {
    return list(await this.#runner.run('redrive', ids)).map(text) as RetryAnswer[]
  }

  async remove(ids: readonly string[], reason: string, ttl: number): Promise<RemoveAnswer[]> {
    return list(await this.#runner.run('remove', [reason, ttl, ...ids])).map(text) as RemoveAnswer[]
  }

  /** Ids, some at a time: those after what the last answer gave; '' = from the beginning, then: there are no more. */
  async list(
    state: ListedState,
    lane: Lane,
    after: string,
    most: number,
  ): Promise<{ after: string; ids: string[] }> {
    const [next, ...ids] = list(await this.#runner.run('list', [state, lane, after, most])).map(text)
    return { after: next!, ids }
  }

  /** The task that holds a key, or held it when it failed. */
  async find(key: string): Promise<{ state: TaskState | 'none'; id: string | undefined }> {
    const [state, id] = list(await this.#runner.run('find', [key])).map(text)
    return { state: state as TaskState | 'none', id: id || undefined }
  }

  /** Its members with their parents, and the shape of its result; undefined: nothing is known of it. */
  async flow(id: string): Promise<Flow | undefined> {
    const key = this.#runner.keys.flow(id)
    const fields = await this.#runner.connection.send((client) => client.hgetall(key), ANSWER_TIMEOUT)
    const { open, until, shape, ...members } = fields
    return shape === undefined ? undefined : { shape, members }
  }

  async counts(): Promise<Counts> {
    const reply = list(await this.#runner.run('counts', []))
    const lanes: Record<string, number> = {}
    let [queued, running] = [0, 0]
    LANES.forEach((lane, index) => {
      lanes[lane] = Number(reply[3 * index + 1])
      queued += lanes[lane]
      running += Number(reply[3 * index + 2])
    })
    const [, waiting, , scheduled, , parked, , failed, , totals] = reply.slice(3 * LANES.length)
    const words = list(totals).map(text)
    const total = (state: string): number => Number(words[words.indexOf(state) + 1] ?? 0)
    const ended = Object.fromEntries(
      END_STATES.map((state) => [state, words.includes(state) ? total(state) : 0]),
    ) as Record<EndState, number>
    return {
      ...{ waiting: Number(waiting), scheduled: Number(scheduled), queued, running },
      ...{ parked: Number(parked), failed: Number(failed) },
      lanes: lanes as Record<Lane, number>,
      ended,
    }
  }

  /** Of a worker, or of all with ''. Undefined: there is no such worker. */
  async settings(worker: string, changes: Record<string, string> = {}): Promise<Settings | undefined> {
    const reply = await this.#runner.run('settings', [worker, ...Object.entries(changes).flat()])
    if (Buffer.isBuffer(reply)) return undefined
    const [paused, concurrency, order] = list(reply).map(text)
    return {
      isPaused: paused === '1',
      concurrency: concurrency ? Number(concurrency) : undefined,
      order: (order as Order) || undefined,
    }
  }

  async workers(): Promise<WorkerInfo[]> {
    return readWorkers(await this.#runner.run('workers', [MOST_WORKERS]))
  }

  /** What its process does now, known within `timeout` ms. Null: there is no such worker. */
  stacks(worker: string, timeout: number): Promise<WorkerStacks | null> {
    return askStacks(this.#runner, worker, timeout)
  }

  /** To a worker, or to all with ''. How many were told. */
  async order(order: Order, worker: string): Promise<number> {
    return Number(await this.#runner.run('order', [order, worker]))
  }
}
