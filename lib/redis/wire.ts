/** How tasks lie on the wire between us and the scripts: outcomes and deliveries, to bytes and back. Calls: calls.ts. */

import { MalformedDataError } from '../errors.ts'
import type { EndState, Lane } from '../record.ts'
import type { Reply } from './command.ts'
import { type FrameItem, FrameReader, FrameWriter } from './frame.ts'

/** Of each field of an entry that cannot be read, bytes. */
const MAX_SAMPLE = 256
/** Bytes that frame an outcome. */
const OUTCOME_OVERHEAD = 120

/** A place in line; while the task runs it is the fencing token. */
export interface Place {
  readonly lane: Lane
  readonly entry: string
}

/** The same as a string, as records hold it: the lane is left out where most are. */
export const placeKey = ({ lane, entry }: Place): string => (lane === 'normal' ? entry : `${lane}/${entry}`)

/** An entry that was given to a worker. */
export interface Delivery extends Place {
  /** '' where the entry has not the shape of one: then `call` is a sample of it. */
  readonly id: string
  readonly call: Buffer
  /** Attempts before this one. */
  readonly begunBefore: number
  /** Of those, how many failed. */
  readonly failures: number
  /** Workers that died while they held it. */
  readonly crashes: number
  /** By the server's clock: to begin before, to end before; epoch ms. */
  readonly expires: number | undefined
  readonly deadline: number | undefined
  /** So many outcomes of others are to become its arguments: they lie in its record. */
  readonly inputs: number
  /** There are calls that hear of its progress. */
  readonly hears: boolean
}

/** How another task ended, for one that takes it as an argument: `l` = lost, '' = it is not there. Result or error, packed. */
export interface Input {
  readonly letter: string
  readonly value: Buffer
}

/** What a call wants besides its lane, as enqueue.lua knows it: name, value, … */
export type How = readonly FrameItem[]

/** A call that hears of another's progress: its lane, or that and its wishes; packed, with its head; whether the value goes ahead of its arguments. */
export type Hearer = readonly [how: Lane | readonly [Lane, ...How], call: Buffer, takes: '1' | '']

export interface NewCall {
  readonly lane: Lane
  readonly how: How | undefined
  readonly id: string
  readonly packed: Buffer
  /** By the client that sends it. */
  readonly isAwaited: boolean
}

/** With wishes of any kind: workers bring calls from one queue to another. */
export interface AnyCall extends Omit<NewCall, 'how'> {
  readonly how: readonly FrameItem[] | undefined
}

/** `retry`: another attempt follows. `parked`: this worker does not know the task. */
export type OutcomeState = EndState | 'retry' | 'parked'

export interface Outcome extends Place {
  readonly id: string
  readonly state: OutcomeState
  /** Of a parked task its name. */
  readonly value: Buffer
  /** How long the record stays; until the next attempt; how long it may be parked. Ms. */
  readonly ttl: number
  readonly attempt: number
  /** How long the handler ran, whole ms. */
  readonly ran: number
  /** What the record keeps of the call; undefined = all of it. */
  readonly kept: readonly [Buffer, Buffer] | undefined
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
  /** New tasks of this worker. 'dead': it is not registered and gets nothing. 'paused': nobody gets anything. */
  readonly taken: readonly Delivery[] | 'dead' | 'paused'
}

/** What goes before the packed call. */
export interface CallHeads {
  readonly awaited: Buffer
  readonly other: Buffer
}

/** [[entry, fields], …] of one stream, as XRANGE and XREADGROUP give it. A deleted entry has no fields. */
export function readEntries(lane: Lane, reply: Reply): Delivery[] {
  return list(reply).map((item) => {
    const [entry, fields] = list(item)
    return readEntry(lane, text(entry), Array.isArray(fields) ? (fields as Buffer[]) : [])
  })
}

/** Fields are { id → call }, and { name → number } for what else is to be known of the task. */
function readEntry(lane: Lane, entry: string, fields: readonly Buffer[]): Delivery {
  const [id, call] = fields
  if (id && call && fields.length % 2 === 0) {
    const more = fields.length === 2 ? '' : fields.slice(2).join(' ')
    return delivery(lane, entry, id.toString('latin1'), call, readMore(more))
  }
  const sample = Buffer.concat(fields.map((field) => field.subarray(0, MAX_SAMPLE)))
  return delivery(lane, entry, '', sample, NOTHING_MORE)
}

type More = Omit<Delivery, 'lane' | 'entry' | 'id' | 'call'>
const NOTHING_MORE: More = {
  begunBefore: 0,
  failures: 0,
  crashes: 0,
  expires: undefined,
  deadline: undefined,
  inputs: 0,
  hears: false,
}

/** Written out, because an object made by spreading is slow wherever it is read. */
function delivery(lane: Lane, entry: string, id: string, call: Buffer, more: More): Delivery {
  const { begunBefore, failures, crashes, expires, deadline, inputs, hears } = more
  return { lane, entry, id, call, begunBefore, failures, crashes, expires, deadline, inputs, hears }
}

/** `attempt 2 deadline 1700000000000`. What is not known, or is no number, is passed over. */
function readMore(text: string): More {
  if (text === '') return NOTHING_MORE
  const words = text.split(' ')
  const number = (name: string): number | undefined => {
    const at = words.indexOf(name)
    const value = Number(words[at + 1])
    return at >= 0 && Number.isSafeInteger(value) ? value : undefined
  }
  return {
    begunBefore: number('attempt') ?? 0,
    failures: number('failures') ?? 0,
    crashes: number('crashes') ?? 0,
    expires: number('expires'),
    deadline: number('deadline'),
    inputs: number('inputs') ?? 0,
    hears: words.includes('hears'),
  }
}

/** Outcomes that have lane, state, attempt and retention in common, one after the other, share one list. */
export function frameTurn(
  worker: string,
  want: number,
  outcomes: readonly Outcome[],
  limits: TurnLimits,
): Buffer {
  let bytes = 256
  for (const { value, kept } of outcomes) {
    bytes += OUTCOME_OVERHEAD + value.length + (kept ? kept[0].length + kept[1].length : 0)
  }
  const writer = new FrameWriter(bytes)
  const opened = writer.open()
  writer.text(worker)
  for (const number of [want, limits.maxCall, limits.maxFailed, limits.failedTtl]) writer.text(String(number))
  let groups = 0
  for (let i = 0; i < outcomes.length; groups++) {
    const first = outcomes[i]!
    const group = writer.open()
    writer.text(first.lane)
    writer.text(first.state)
    writer.text(String(first.attempt))
    writer.text(String(first.ttl))
    let items = 4
    for (; i < outcomes.length && endsLike(first, outcomes[i]!); i++) {
      const { id, entry, ran, value, kept, client } = outcomes[i]!
      writer.text(id)
      writer.text(entry)
      writer.text(String(ran))
      writer.bytes(value)
      if (kept) writer.bytes(kept[0], kept[1])
      else writer.text('')
      writer.text(client)
      items += 6
    }
    writer.close(group, items)
  }
  writer.close(opened, 5 + groups)
  return writer.end()
}

const endsLike = (a: Outcome, b: Outcome): boolean =>
  a.lane === b.lane && a.state === b.state && a.attempt === b.attempt && a.ttl === b.ttl

export function readTurn(reply: Reply): TurnReply {
  const reader = new FrameReader(bytesOf(reply))
  const parts = reader.list()
  const verdicts = Array.from(reader.text(), (letter) => VERDICTS[letter] ?? 'fenced')
  return { verdicts, taken: readLanes(reader, parts - 1) }
}

export function readTaken(reply: Reply): Delivery[] {
  const reader = new FrameReader(bytesOf(reply))
  const taken = readLanes(reader, reader.list())
  return typeof taken === 'string' ? [] : taken
}

/** A lane, then its entries, and so on. */
function readLanes(reader: FrameReader, parts: number): Delivery[] | 'dead' | 'paused' {
  const taken: Delivery[] = []
  for (let part = 0; part < parts; part += 2) {
    const lane = reader.text()
    if (lane === 'dead' || lane === 'paused') return lane
    for (let items = reader.list(); items > 0; items -= 4) {
      const entry = reader.text()
      const id = reader.text()
      const call = reader.bytes()
      taken.push(delivery(lane as Lane, entry, id, call, readMore(reader.text())))
    }
  }
  return taken
}

/** Of each task, how the others ended, in their order. */
export function readInputs(reply: Reply): Input[][] {
  const reader = new FrameReader(bytesOf(reply))
  return Array.from({ length: reader.list() }, () =>
    Array.from({ length: reader.list() }, () => {
      const bytes = reader.bytes()
      return { letter: bytes.toString('latin1', 0, 1), value: bytes.subarray(1) }
    }),
  )
}

export function list(reply: Reply | undefined): readonly Reply[] {
  if (Array.isArray(reply)) return reply
  throw new MalformedDataError('a script answered with something other than a list')
}

export const text = (reply: Reply | undefined): string => bytesOf(reply).toString('latin1')

function bytesOf(reply: Reply | undefined): Buffer {
  if (Buffer.isBuffer(reply)) return reply
  throw new MalformedDataError('a script answered with something other than a string')
}
