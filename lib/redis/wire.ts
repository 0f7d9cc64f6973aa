/** How tasks lie on the wire between us and the scripts: calls, outcomes and deliveries, to bytes and back. */

import { MalformedDataError } from '../errors.ts'
import type { Lane, OutcomeState } from '../record.ts'
import { FrameReader, FrameWriter } from './frame.ts'
import type { ScriptReply } from './scripts.ts'

/** Of each field of an entry that cannot be read, bytes. */
const MAX_SAMPLE = 256
/** Bytes that frame a call, with lane, id and head; and an outcome. */
const ENQUEUE_OVERHEAD = 80
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
}

export interface NewCall {
  readonly lane: Lane
  readonly id: string
  readonly packed: Buffer
  /** By the client that sends it. */
  readonly isAwaited: boolean
}

export interface Outcome extends Place {
  readonly id: string
  readonly state: OutcomeState
  readonly value: Buffer
  /** How long the record stays, ms. */
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
  /** New tasks of this worker. 'dead': it is not registered and gets nothing. */
  readonly taken: readonly Delivery[] | 'dead'
}

/** What goes before the packed call. */
export interface CallHeads {
  readonly awaited: Buffer
  readonly other: Buffer
}

export function frameCalls(calls: readonly NewCall[], heads: CallHeads, resent: boolean): Buffer {
  let bytes = 16
  for (const { packed } of calls) bytes += ENQUEUE_OVERHEAD + packed.length
  const writer = new FrameWriter(bytes)
  writer.list(1 + 3 * calls.length)
  writer.text(resent ? '1' : '0')
  for (const { lane, id, packed, isAwaited } of calls) {
    writer.text(lane)
    writer.text(id)
    writer.bytes(isAwaited ? heads.awaited : heads.other, packed)
  }
  return writer.end()
}

/** [[entry, fields], …] of one stream, as XRANGE and XREADGROUP give it. A deleted entry has no fields. */
export function readEntries(lane: Lane, reply: ScriptReply): Delivery[] {
  return list(reply).map((item) => {
    const [entry, fields] = list(item)
    return readEntry(lane, text(entry), Array.isArray(fields) ? (fields as Buffer[]) : [])
  })
}

/** Fields are { id → call }, and { attempt → n } where the task was begun before. */
function readEntry(lane: Lane, entry: string, fields: readonly Buffer[]): Delivery {
  const [id, call, more, attempt] = fields
  const before = more?.toString('latin1') === 'attempt' ? Number(attempt) : 0
  if (id && call && (fields.length === 2 || fields.length === 4) && Number.isSafeInteger(before)) {
    return { lane, entry, id: id.toString('latin1'), call, begunBefore: before }
  }
  return {
    lane,
    entry,
    id: '',
    call: Buffer.concat(fields.map((field) => field.subarray(0, MAX_SAMPLE))),
    begunBefore: 0,
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

export function readTurn(reply: ScriptReply): TurnReply {
  const reader = new FrameReader(bytesOf(reply))
  const parts = reader.list()
  const verdicts = Array.from(reader.text(), (letter) => VERDICTS[letter] ?? 'fenced')
  return { verdicts, taken: readLanes(reader, parts - 1) }
}

export function readTaken(reply: ScriptReply): Delivery[] {
  const reader = new FrameReader(bytesOf(reply))
  const taken = readLanes(reader, reader.list())
  return taken === 'dead' ? [] : taken
}

/** A lane, then its entries, and so on. */
function readLanes(reader: FrameReader, parts: number): Delivery[] | 'dead' {
  const taken: Delivery[] = []
  for (let part = 0; part < parts; part += 2) {
    const lane = reader.text()
    if (lane === 'dead') return 'dead'
    for (let items = reader.list(); items > 0; items -= 4) {
      const entry = reader.text()
      const id = reader.text()
      const call = reader.bytes()
      taken.push({ lane: lane as Lane, entry, id, call, begunBefore: Number(reader.text()) })
    }
  }
  return taken
}

export function list(reply: ScriptReply | undefined): readonly ScriptReply[] {
  if (Array.isArray(reply)) return reply
  throw new MalformedDataError('a script answered with something other than a list')
}

export const text = (reply: ScriptReply | undefined): string => bytesOf(reply).toString('latin1')

function bytesOf(reply: ScriptReply | undefined): Buffer {
  if (Buffer.isBuffer(reply)) return reply
  throw new MalformedDataError('a script answered with something other than a string')
}
