/**
 * A call as it lies in a stream entry:
 *
 *   1 byte: length of the client id | client id, who awaits the outcome (none: nobody asked) | packed [name, args, options?]
 *
 * The head is apart because it is known later than the rest: arguments are packed when the call is made, and
 * whether somebody awaits it only when the batch leaves. Lua reads the head too (lua/shared/settle.lua).
 */

import { decode, type EncodeLimits, encode, MAX_DEPTH } from './codec.ts'
import { MalformedDataError } from './errors.ts'
import { isName } from './ids.ts'

/** Between attempts: the same delay each time, or twice as long each time. Times in ms. */
export interface Backoff {
  readonly type: 'fixed' | 'exponential'
  readonly delay: number
  /** No delay is longer. Default 1 h. */
  readonly max?: number
  /** 0 to 1: how much of each delay is chance. Default 0 for fixed, 0.5 for exponential. */
  readonly jitter?: number
}

/** What a caller may decide for one call, and its worker has to know. Times in ms. */
export interface CallOptions {
  readonly resultTtl?: number
  readonly failedTtl?: number
  readonly retries?: number
  readonly backoff?: Backoff
  readonly timeout?: number
  /** How outcomes of parents become arguments, ahead of the call's own. Default `value`. */
  readonly inputs?: InputsForm
}

/**
 * value: each result is an argument of its own · list: all of them are one · settled: one list of `{ state, value | error }`
 * · error: of each parent its error `{ name, message, code, state }`. In `value` and `list` the error stands in the place
 * of a result that there is not.
 */
export const INPUT_FORMS = ['value', 'list', 'settled', 'error'] as const
export type InputsForm = (typeof INPUT_FORMS)[number]

export interface Call {
  readonly name: string
  readonly args: readonly unknown[]
  readonly options: CallOptions
}

const AMOUNTS = ['resultTtl', 'failedTtl', 'retries', 'timeout'] as const
/** The arguments may be nested as deep as a value may; they lie in the list that is the call. */
const CALL_DEPTH = MAX_DEPTH + 1
const NO_OPTIONS: CallOptions = {}
const NOBODY = Buffer.from([0])
const NOTHING: Buffer = Buffer.alloc(0)

/** Head and packed call together may be this much larger than the limit on the packed call. */
export const HEAD_ROOM = 256

export function encodeCall(
  name: string,
  args: readonly unknown[],
  options: CallOptions,
  maxBytes: number,
): Buffer {
  const limits: EncodeLimits = {
    what: 'arguments',
    maxBytes,
    hint: 'pass a reference to the data instead, or raise maxPayload on the queue and its workers',
  }
  return encode(hasAny(options) ? [name, args, options] : [name, args], limits, args)
}

export function callHead(client: string | undefined): Buffer {
  if (client === undefined) return NOBODY
  const head = Buffer.allocUnsafe(1 + client.length)
  head[0] = client.length
  head.write(client, 1, 'latin1')
  return head
}

/** Id of the client that awaits the call, '' for nobody. */
export function clientOf(bytes: Buffer): string {
  return bytes.length === 0 ? '' : bytes.toString('latin1', 1, 1 + bytes[0]!)
}

/** The same call with nobody's address, in two pieces. */
export const withoutClient = (bytes: Buffer): readonly [Buffer, Buffer] =>
  bytes[0] ? [NOBODY, bytes.subarray(1 + bytes[0])] : [bytes, NOTHING]

/** Throws MalformedDataError. */
export function decodeCall(bytes: Buffer): Call {
  if (bytes.length === 0) throw new MalformedDataError('an empty call')
  const value = decode(bytes.subarray(1 + bytes[0]!), CALL_DEPTH)
  if (!Array.isArray(value) || value.length < 1 || !isName(value[0])) {
    throw new MalformedDataError('a call that is not [name, arguments]')
  }
  const [name, args, options] = value as [string, unknown, unknown]
  if (!Array.isArray(args)) throw new MalformedDataError(`a call of "${name}" whose arguments are not a list`)
  return { name, args, options: readOptions(options) }
}

/** The call as a record keeps it when its arguments are too large to keep: the name alone. */
export const encodeNameOnly = (name: string): readonly [Buffer, Buffer] => [
  NOBODY,
  encode([name], { what: 'name', maxBytes: 1024, hint: '' }),
]

/** A packed call without a head, with the form in which outcomes of others come in front of its arguments. */
export function withInputs(packed: Buffer, inputs: string): Buffer {
  const [name, args, options] = decode(packed, CALL_DEPTH) as [string, unknown[], object | undefined]
  const limits: EncodeLimits = { what: 'arguments', maxBytes: Number.POSITIVE_INFINITY, hint: '' }
  return encode([name, args, { ...options, inputs }], limits, args)
}

/** The name alone, from the beginning of a call that may be cut short: it is a msgpack string at the head of a list. */
export function nameOf(bytes: Buffer): string | undefined {
  const at = 2 + (bytes[0] ?? 0)
  const first = bytes[at] ?? 0
  const isShort = first >= 0xa0 && first <= 0xbf
  if (!isShort && first !== 0xd9) return undefined
  const start = isShort ? at + 1 : at + 2
  const name = bytes.toString('latin1', start, start + (isShort ? first - 0xa0 : bytes[at + 1]!))
  return isName(name) ? name : undefined
}

/** Name and arguments for people; whatever cannot be read is undefined. */
export function describeCall(bytes: Buffer): { name: string | undefined; args: unknown[] | undefined } {
  try {
    const value = decode(bytes.subarray(1 + (bytes[0] ?? 0)), CALL_DEPTH)
    if (!Array.isArray(value) || !isName(value[0])) return { name: undefined, args: undefined }
    return { name: value[0], args: Array.isArray(value[1]) ? value[1] : undefined }
  } catch {
    return { name: undefined, args: undefined }
  }
}

function readOptions(value: unknown): CallOptions {
  if (typeof value !== 'object' || value === null) return NO_OPTIONS
  const given = value as Record<string, unknown>
  const read: { -readonly [Name in keyof CallOptions]: CallOptions[Name] } = {}
  for (const name of AMOUNTS) {
    const amount = given[name]
    if (isAmount(amount)) read[name] = Math.ceil(amount)
  }
  if (INPUT_FORMS.includes(given.inputs as InputsForm)) read.inputs = given.inputs as InputsForm
  const backoff = readBackoff(given.backoff)
  if (backoff) read.backoff = backoff
  return read
}

function readBackoff(value: unknown): Backoff | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { type, delay, max, jitter } = value as Record<string, unknown>
  if ((type !== 'fixed' && type !== 'exponential') || !isAmount(delay)) return undefined
  const more = { ...(isAmount(max) && { max }), ...(isAmount(jitter) && jitter <= 1 && { jitter }) }
  return { type, delay, ...more }
}

const isAmount = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER

function hasAny(options: CallOptions): boolean {
  for (const _ in options) return true
  return false
}
