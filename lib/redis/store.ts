/** The hot verbs: one method for each script, typed on both sides, sent over one connection with a deadline. */

import type { EndState, Lane } from '../record.ts'
import { type Exception, frameCalls, frameSeveral, type QueueCalls, readExceptions } from './calls.ts'
import { type ChunkStore, RedisChunks } from './chunks.ts'
import type { Reply } from './command.ts'
import type { Connection } from './connection.ts'
import type { FrameItem } from './frame.ts'
import type { Keys } from './keys.ts'
import { type ProgressAnswer, type ProgressReport, ProgressScripts } from './progress.ts'
import { ANSWER_TIMEOUT, Runner } from './runner.ts'
import { FOR_TROUBLE, loadScripts, sendBehindPing, sendScript } from './scripts.ts'
import {
  type AnyCall,
  type CallHeads,
  type Delivery,
  frameTurn,
  type Input,
  list,
  type Outcome,
  type Place,
  readInputs,
  readTaken,
  readTurn,
  type TurnLimits,
  type TurnReply,
  text,
} from './wire.ts'

/** begun: the attempt counts. delay: ms (more than 1) until it is in line again; default: at once. */
export type GivenBack = Place & { readonly begun: boolean; readonly delay?: number | undefined }

export interface Pending {
  readonly places: readonly Place[]
  /** Keys of the places of running tasks, anybody's, that shall be aborted. */
  readonly cancelled: readonly string[]
}

export interface Recovery {
  /** Ms until another look is worth while. */
  readonly wait: number
  readonly recovered: number
  readonly poisoned: number
  readonly dead: readonly string[]
}

/** How a task stands: `value` is undefined where it is too large to be sent along. */
export type Standing =
  | { readonly state: 'lost' }
  | { readonly state: 'open'; readonly progress: Buffer | undefined; readonly version: number }
  | { readonly state: EndState; readonly value: Buffer | undefined }

export interface Promotion {
  /** Ms until there is something to do again; undefined: nothing is scheduled. */
  readonly wait: number | undefined
  /** The server's clock, epoch ms. */
  readonly now: number
  readonly linedUp: number
  readonly ended: number
}

/** Outcomes of a turn whose callers are told before its worker. */
const FEW = 1

export class Store {
  readonly keys: Keys
  /** Of tasks that yield. */
  readonly chunks: ChunkStore
  readonly #runner: Runner
  readonly #progress: ProgressScripts

  constructor(connection: Connection, keys: Keys) {
    this.#runner = new Runner(connection, keys)
    this.#progress = new ProgressScripts(this.#runner)
    this.keys = keys
    this.chunks = new RedisChunks(this.#runner)
  }

  /**
   * heads: what goes before a call. resent: these may have been accepted before, so each is looked for first. cap:
   * of tasks that wait. atomic: where one is refused (`full` or `orphan`) none is accepted. Answers the calls that were
   * not simply accepted.
   */
  enqueue(
    calls: readonly AnyCall[],
    heads: CallHeads,
    resent: boolean,
    cap?: number,
    atomic = false,
  ): Promise<readonly Exception[]> {
    const argument = frameCalls({ calls, heads, cap }, resent, atomic)
    return this.#runner.send('enqueue', argument, readExceptions)
  }

  /**
   * The same for several queues of this Redis, all calls or none; `store`: whose queue they are for, each another one.
   * Sent by this one's connection. Answers for each of them.
   */
  several(
    batches: readonly (QueueCalls & { readonly store: Store })[],
    resent: boolean,
  ): Promise<readonly (readonly Exception[])[]> {
    const prefixes = batches.map(({ store }) => store.keys.prefix)
    const read = (reply: Reply) => list(reply).map(readExceptions)
    return this.#runner.send('several', frameSeveral(batches, resent), read, { prefixes })
  }

  /** To whoever listens to what workers do. */
  async tell(message: string): Promise<void> {
    const { connection } = this.#runner
    await connection.send((client) => client.publish(this.keys.events, message), ANSWER_TIMEOUT)
  }

  /** Does what is due, at most `most` tasks of each kind. */
  async promote(most: number, failedTtl: number, maxFailed: number): Promise<Promotion> {
    const reply = list(await this.#runner.run('promote', [most, failedTtl, maxFailed]))
    const [wait, now, linedUp, ended] = reply.map((item) => Number(Buffer.isBuffer(item) ? text(item) : item))
    return { wait: wait! < 0 ? undefined : wait!, now: now!, linedUp: linedUp!, ended: ended! }
  }

  /** Puts at most `most` parked tasks of these names into the worker's pending list; answers how many. */
  async unpark(worker: string, most: number, names: readonly string[]): Promise<number> {
    return Number(await this.#runner.run('unpark', [worker, most, ...names]))
  }

  turn(worker: string, want: number, outcomes: readonly Outcome[], limits: TurnLimits): Promise<TurnReply> {
    const argument = frameTurn(worker, want, outcomes, limits)
    // One by one, somebody's whole wait is made of such hops; in large batches this would not be felt.
    const isUrgent = outcomes.length <= FEW && outcomes.some(({ client }) => client !== '')
    return this.#runner.send('turn', argument, readTurn, { how: isUrgent ? sendBehindPing : sendScript })
  }

  /** Entries that have not the shape of one leave the stream; a sample of each is kept. */
  async quarantine(entries: readonly (Place & { readonly sample: Buffer })[]): Promise<void> {
    await this.#runner.run(
      'quarantine',
      entries.flatMap(({ lane, entry, sample }) => [lane, entry, sample]),
    )
  }

  /** What became of each report, in their order. */
  progress(reports: readonly ProgressReport[]): Promise<ProgressAnswer[]> {
    return this.#progress.send(reports)
  }

  async release(worker: string, entries: readonly GivenBack[], failedTtl: number): Promise<void> {
    const args: FrameItem[] = [worker, failedTtl]
    for (const { lane, entry, begun, delay } of entries) args.push(lane, entry, delay ?? (begun ? 1 : 0))
    await this.#runner.run('release', args)
  }

  /** False: this id was registered before and is dead. */
  async register(worker: string, lease: number, details: Record<string, string>): Promise<boolean> {
    const said = ['register', ...Object.entries(details).flat()]
    return text(await this.#runner.run('beat', [worker, lease, ...said])) !== 'dead'
  }

  /** False: declared dead. onQuestion: somebody wants to know what it is doing; again with each beat, while he waits. */
  async beat(worker: string, lease: number, onQuestion?: (question: string) => void): Promise<boolean> {
    const [word, question] = text(await this.#runner.run('beat', [worker, lease])).split(' ')
    if (question) onQuestion?.(question)
    return word !== 'dead'
  }

  /** How many entries it still holds; 0: it has left. */
  async leave(worker: string): Promise<number> {
    return Number(await this.#runner.run('leave', [worker]))
  }

  /** 'dead': this worker is not registered. */
  async pending(worker: string, most: number): Promise<Pending | 'dead'> {
    const reply = await this.#runner.run('pending', [worker, most])
    if (Buffer.isBuffer(reply)) return 'dead'
    const items = list(reply).map(text)
    const places: Place[] = []
    const cancelled: string[] = []
    for (let i = 0; i < items.length; i += 2) {
      const [lane, entry] = [items[i]!, items[i + 1]!]
      if (lane === 'cancel') cancelled.push(entry)
      else places.push({ lane: lane as Lane, entry })
    }
    return { places, cancelled }
  }

  async recover(
    reaper: string,
    options: { lease: number; most: number; maxCrashes: number; failedTtl: number; maxFailed: number },
  ): Promise<Recovery> {
    const { lease, most, maxCrashes, failedTtl, maxFailed } = options
    const reply = list(
      await this.#runner.run('recover', [reaper, lease, most, maxCrashes, failedTtl, maxFailed]),
    )
    const [wait, recovered, poisoned, ...dead] = reply
    return {
      wait: Number(wait),
      recovered: Number(recovered),
      poisoned: Number(poisoned),
      dead: dead.map(text),
    }
  }

  /** failedTtl, maxFailed: for those whose time is over. */
  async attach(
    client: string,
    join: boolean,
    ids: readonly string[],
    limits: { readonly failedTtl: number; readonly maxFailed: number },
  ): Promise<Standing[]> {
    const { failedTtl, maxFailed } = limits
    const args = [client, join ? 1 : 0, failedTtl, maxFailed, ...ids]
    const reply = list(await this.#runner.run('attach', args))
    return reply.map((item) => {
      const [state, value, version] = list(item)
      const bytes = Buffer.isBuffer(value) ? value : undefined
      const word = text(state)
      if (word === 'open')
        return { state: 'open', progress: bytes, version: version ? Number(text(version)) : 0 }
      return word === 'lost' ? { state: 'lost' } : { state: word as EndState, value: bytes }
    })
  }

  /** One field of a record that was too large to be sent along. */
  field(id: string, field: 'result' | 'error' | 'progress'): Promise<Buffer | null> {
    return this.#runner.connection.send(
      (client) => client.hgetBuffer(this.keys.task(id), field),
      ANSWER_TIMEOUT,
    )
  }

  /** Entries of the worker's own pending list, read again: those that have ended meanwhile are left out. */
  async reread(worker: string, places: readonly Place[], limits: TurnLimits): Promise<Delivery[]> {
    const { maxCall, maxFailed, failedTtl } = limits
    const args: FrameItem[] = [worker, maxCall, maxFailed, failedTtl]
    for (const { lane, entry } of places) args.push(lane, entry)
    return readTaken(await this.#runner.run('reread', args))
  }

  /** How the parents of these tasks ended, in their order. */
  async inputs(tasks: readonly { readonly id: string; readonly inputs: number }[]): Promise<Input[][]> {
    const args = tasks.flatMap(({ id, inputs }) => [id, inputs])
    return readInputs(await this.#runner.run('inputs', args))
  }

  /** Redis knows what a worker needs in trouble. Never rejects for lack of a right. */
  async ensureScripts(): Promise<void> {
    await this.#runner.connection.send((client) => loadScripts(client, FOR_TROUBLE), ANSWER_TIMEOUT)
  }

  /** Makes the streams and their group, at 0: what was enqueued before any worker came is seen. */
  async ensureGroups(): Promise<void> {
    await this.#runner.run('groups', [])
  }

  async inspect(id: string): Promise<Buffer[] | null> {
    const reply = await this.#runner.run('inspect', [id])
    return reply === null ? null : (list(reply) as Buffer[])
  }
}
