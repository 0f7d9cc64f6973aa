/** The hot verbs: one method for each script, typed on both sides, sent over one connection with a deadline. */

import { MalformedDataError } from '../errors.ts'
import { LANES, type Lane, type OutcomeState } from '../record.ts'
import type { Connection } from './connection.ts'
import type { FrameItem, Parts } from './frame.ts'
import { GROUP, type Keys } from './keys.ts'
import { runScript, type ScriptName, type ScriptReply } from './scripts.ts'

/** An answer that takes longer means a socket that is replaced, and a call that is tried again. */
const ANSWER_TIMEOUT = 5_000

/** A place in line; while the task runs it is the fencing token. */
export interface Place {
  readonly lane: Lane
  readonly entry: string
}

export const placeKey = (place: Place): string => `${place.lane}/${place.entry}`

export interface NewCall {
  readonly lane: Lane
  readonly id: string
  readonly call: Parts
}

/** An entry that was given to this worker, with the right to run it as that attempt. */
export interface Granted extends Place {
  readonly id: string
  readonly call: Buffer
  readonly attempt: number
}

export interface Outcome extends Place {
  readonly id: string
  readonly state: OutcomeState
  readonly value: Buffer
  /** How long the record stays, ms. */
  readonly ttl: number
  readonly attempt: number
  /** What the record keeps of the call; undefined = all of it. */
  readonly kept: Buffer | undefined
  /** Who awaits it since the call; '' = nobody. */
  readonly client: string
}

/** done: written now · again: written before by this token · fenced: another holds the task, or nobody knows it. */
export type Verdict = 'done' | 'again' | 'fenced'
const VERDICTS: Record<string, Verdict> = { d: 'done', a: 'again', f: 'fenced' }

export interface TurnLimits {
  readonly maxCall: number
  readonly maxFailed: number
  readonly failedTtl: number
}

export interface TurnReply {
  readonly verdicts: readonly Verdict[]
  /** 'dead': this worker is not registered and gets nothing. */
  readonly granted: readonly Granted[] | 'dead'
}

export interface Delivered extends Place {
  /** '' where the entry has not the shape of one. */
  readonly id: string
  readonly sample: Buffer
}

/** A granted attempt's number, or why not. */
export type StartAnswer = number | 'quarantined' | 'stale' | 'taken'

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

  async enqueue(calls: readonly NewCall[]): Promise<void> {
    const args: FrameItem[] = []
    for (const { lane, id, call } of calls) args.push(lane, id, call)
    await this.#run('enqueue', args)
  }

  async turn(
    worker: string,
    want: number,
    outcomes: readonly Outcome[],
    limits: TurnLimits,
  ): Promise<TurnReply> {
    const args: FrameItem[] = [worker, want, limits.maxCall, limits.maxFailed, limits.failedTtl]
    for (const o of outcomes) {
      args.push([o.id, o.lane, o.entry, o.state, o.value, o.ttl, o.attempt, o.kept ?? '', o.client])
    }
    const [letters, granted] = list(await this.#run('turn', args))
    return {
      verdicts: Array.from(text(letters), (letter) => VERDICTS[letter] ?? 'fenced'),
      granted: Buffer.isBuffer(granted) ? 'dead' : readGranted(list(granted)),
    }
  }

  async start(worker: string, entries: readonly Delivered[]): Promise<readonly StartAnswer[] | 'dead'> {
    const args: FrameItem[] = [worker]
    for (const { lane, entry, id, sample } of entries) args.push(lane, entry, id, sample)
    const reply = await this.#run('start', args)
    if (Buffer.isBuffer(reply)) return 'dead'
    return list(reply).map((item) => {
      const answer = text(item)
      return /^\d+$/.test(answer) ? Number(answer) : (answer as StartAnswer)
    })
  }

  /** For each report: false = fenced, the task is not this worker's any more. */
  async progress(worker: string, reports: readonly ProgressReport[]): Promise<boolean[]> {
    const args: FrameItem[] = [worker]
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

  async pending(worker: string, most: number): Promise<Place[]> {
    const items = list(await this.#run('pending', [worker, most])).map(text)
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

  /** Entries of the worker's own pending list, read again. */
  async entries(places: readonly Place[]): Promise<RawEntry[]> {
    const read = ({ lane, entry }: Place): Promise<RawEntry[]> =>
      this.#connection
        .send((client) => client.callBuffer('XRANGE', this.keys.stream(lane), entry, entry), ANSWER_TIMEOUT)
        .then((reply) => readEntries(lane, reply as ScriptReply))
    return (await Promise.all(places.map(read))).flat()
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
    return this.#connection.send(
      (client) => runScript(client, script, this.keys.prefix, args),
      ANSWER_TIMEOUT,
    )
  }
}

/** A stream entry as it was read; fields as they lie there. */
export interface RawEntry extends Place {
  readonly fields: readonly Buffer[]
}

/** [[entry, fields], …] of one stream, as XRANGE and XREADGROUP give it. A deleted entry has no fields. */
export function readEntries(lane: Lane, reply: ScriptReply): RawEntry[] {
  return list(reply).map((item) => {
    const [entry, fields] = list(item)
    return { lane, entry: text(entry), fields: Array.isArray(fields) ? (fields as Buffer[]) : [] }
  })
}

function readGranted(items: readonly ScriptReply[]): Granted[] {
  const granted: Granted[] = []
  for (let i = 0; i < items.length; i += 5) {
    granted.push({
      lane: text(items[i]) as Lane,
      entry: text(items[i + 1]),
      id: text(items[i + 2]),
      call: items[i + 3] as Buffer,
      attempt: Number(text(items[i + 4])),
    })
  }
  return granted
}

function list(reply: ScriptReply | undefined): readonly ScriptReply[] {
  if (Array.isArray(reply)) return reply
  throw new MalformedDataError('a script answered with something other than a list')
}

function text(reply: ScriptReply | undefined): string {
  if (Buffer.isBuffer(reply)) return reply.toString('latin1')
  throw new MalformedDataError('a script answered with something other than a string')
}
