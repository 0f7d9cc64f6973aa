/** The hot verbs: one method for each script, typed on both sides, sent over one connection with a deadline. */

import { LANES, type Lane, type OutcomeState } from '../record.ts'
import type { Connection } from './connection.ts'
import { type FrameItem, frame } from './frame.ts'
import { GROUP, type Keys } from './keys.ts'
import { runScript, type ScriptName, type ScriptReply } from './scripts.ts'
import {
  type CallHeads,
  type Delivery,
  frameCalls,
  frameTurn,
  list,
  type NewCall,
  type Outcome,
  type Place,
  readTaken,
  readTurn,
  type TurnLimits,
  type TurnReply,
  text,
} from './wire.ts'

/** An answer that takes longer means a socket that is replaced, and a call that is tried again. */
const ANSWER_TIMEOUT = 5_000

export interface ProgressReport extends Place {
  readonly id: string
  readonly value: Buffer
  /** Grows with each newer value of the task. */
  readonly version: number
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
  | { readonly state: OutcomeState; readonly value: Buffer | undefined }

export class Store {
  readonly keys: Keys
  readonly #connection: Connection

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection
    this.keys = keys
  }

  /** heads: what goes before a call. resent: these may have been accepted before, so each is looked for first. */
  async enqueue(calls: readonly NewCall[], heads: CallHeads, resent: boolean): Promise<void> {
    await this.#send('enqueue', frameCalls(calls, heads, resent))
  }

  async turn(
    worker: string,
    want: number,
    outcomes: readonly Outcome[],
    limits: TurnLimits,
  ): Promise<TurnReply> {
    return readTurn(await this.#send('turn', frameTurn(worker, want, outcomes, limits)))
  }

  /** Entries that have not the shape of one leave the stream; a sample of each is kept. */
  async quarantine(entries: readonly (Place & { readonly sample: Buffer })[]): Promise<void> {
    await this.#run(
      'quarantine',
      entries.flatMap(({ lane, entry, sample }) => [lane, entry, sample]),
    )
  }

  /** For each report: false = fenced, the task is not this worker's any more. */
  async progress(reports: readonly ProgressReport[]): Promise<boolean[]> {
    const args: FrameItem[] = []
    for (const { id, lane, entry, value, version } of reports) args.push(id, lane, entry, value, version)
    return Array.from(text(await this.#run('progress', args)), (letter) => letter === 'd')
  }

  async release(worker: string, entries: readonly (Place & { begun: boolean })[]): Promise<void> {
    const args: FrameItem[] = [worker]
    for (const { lane, entry, begun } of entries) args.push(lane, entry, begun ? 1 : 0)
    await this.#run('release', args)
  }

  /** False: this id was registered before and is dead. */
  async register(worker: string, lease: number, details: Record<string, string>): Promise<boolean> {
    return (
      text(await this.#run('beat', [worker, lease, 'register', ...Object.entries(details).flat()])) ===
      'alive'
    )
  }

  /** False: declared dead. */
  async beat(worker: string, lease: number): Promise<boolean> {
    return text(await this.#run('beat', [worker, lease])) === 'alive'
  }

  /** How many entries it still holds; 0: it has left. */
  async leave(worker: string): Promise<number> {
    return Number(await this.#run('leave', [worker]))
  }

  /** 'dead': this worker is not registered. */
  async pending(worker: string, most: number): Promise<Place[] | 'dead'> {
    const reply = await this.#run('pending', [worker, most])
    if (Buffer.isBuffer(reply)) return 'dead'
    const items = list(reply).map(text)
    const places: Place[] = []
    for (let i = 0; i < items.length; i += 2) places.push({ lane: items[i] as Lane, entry: items[i + 1]! })
    return places
  }

  async recover(
    reaper: string,
    options: { lease: number; most: number; maxCrashes: number; failedTtl: number; maxFailed: number },
  ): Promise<Recovery> {
    const { lease, most, maxCrashes, failedTtl, maxFailed } = options
    const reply = list(await this.#run('recover', [reaper, lease, most, maxCrashes, failedTtl, maxFailed]))
    const [wait, recovered, poisoned, ...dead] = reply
    return {
      wait: Number(wait),
      recovered: Number(recovered),
      poisoned: Number(poisoned),
      dead: dead.map(text),
    }
  }

  async attach(client: string, join: boolean, ids: readonly string[]): Promise<Standing[]> {
    const reply = list(await this.#run('attach', [client, join ? 1 : 0, ...ids]))
    return reply.map((item) => {
      const [state, value, version] = list(item)
      const bytes = Buffer.isBuffer(value) ? value : undefined
      const word = text(state)
      if (word === 'open')
        return { state: 'open', progress: bytes, version: version ? Number(text(version)) : 0 }
      return word === 'lost' ? { state: 'lost' } : { state: word as OutcomeState, value: bytes }
    })
  }

  /** One field of a record that was too large to be sent along. */
  field(id: string, field: 'result' | 'error' | 'progress'): Promise<Buffer | null> {
    return this.#connection.send((client) => client.hgetBuffer(this.keys.task(id), field), ANSWER_TIMEOUT)
  }

  /** Entries of the worker's own pending list, read again: those that have ended meanwhile are left out. */
  async reread(worker: string, places: readonly Place[], limits: TurnLimits): Promise<Delivery[]> {
    const { maxCall, maxFailed, failedTtl } = limits
    const args: FrameItem[] = [worker, maxCall, maxFailed, failedTtl]
    for (const { lane, entry } of places) args.push(lane, entry)
    return readTaken(await this.#run('reread', args))
  }

  /** Makes the streams and their group, at 0: what was enqueued before any worker came is seen. */
  async ensureGroups(): Promise<void> {
    for (const lane of LANES) {
      const create = this.#connection.send(
        (client) => client.xgroup('CREATE', this.keys.stream(lane), GROUP, '0', 'MKSTREAM'),
        ANSWER_TIMEOUT,
      )
      await create.catch((error: Error) => {
        if (!error.message.startsWith('BUSYGROUP')) throw error
      })
    }
  }

  async inspect(id: string): Promise<Buffer[] | null> {
    const reply = await this.#run('inspect', [id])
    return reply === null ? null : (list(reply) as Buffer[])
  }

  #run(script: ScriptName, args: readonly FrameItem[]): Promise<ScriptReply> {
    return this.#send(script, frame(args))
  }

  #send(script: ScriptName, argument: Buffer): Promise<ScriptReply> {
    return this.#connection.send(
      (client) => runScript(client, script, this.keys.prefix, argument),
      ANSWER_TIMEOUT,
    )
  }
}
