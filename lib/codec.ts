/**
 * Values to bytes and back: msgpack with extensions. BigInt of any size, Date, Map, Set, Buffer, typed arrays,
 * undefined, NaN, shared and circular references come back as they went. Class instances arrive as plain objects
 * (or as what their toJSON gives); -0, sparse arrays, `__proto__` keys and lone surrogates do not survive.
 */

import { Packr, Unpackr } from 'msgpackr'
import { MalformedDataError, PayloadTooLargeError, UnsupportedValueError } from './errors.ts'
import { checkPacked } from './msgpack-guard.ts'

/** Nesting that is surely safe on both sides: msgpackr recurses, and its stack ends at a few thousand. */
export const MAX_DEPTH = 128
/** A larger buffer of msgpackr's is not kept for what is packed next: small values would hold on to all of it. */
const MAX_POOL = 1024 * 1024

const OPTIONS = { structuredClone: true, useBigIntExtension: true, copyBuffers: true }
const packr = new Packr(OPTIONS)
// Apart from packr, whose own table of record shapes would keep some that came with bytes from outside.
const unpackr = new Unpackr(OPTIONS)
let packing = 0

// msgpackr packs a function as undefined unless this hook speaks up; its types do not name the hook.
Object.assign(packr, {
  writeFunction() {
    throw new TypeError('it holds a function')
  },
})

export interface EncodeLimits {
  /** What is encoded, as errors name it: `arguments`, `result`, `progress`. */
  readonly what: string
  readonly maxBytes: number
  /** What to do about a value that is too large. */
  readonly hint: string
}

/**
 * Throws UnsupportedValueError, naming where in the value, or PayloadTooLargeError.
 * subject: the part of the value that is the user's, for that name.
 */
export function encode(value: unknown, limits: EncodeLimits, subject: unknown = value): Buffer {
  const bytes = pack(value, limits.what, subject)
  if (bytes.length > limits.maxBytes) {
    throw new PayloadTooLargeError(limits.what, bytes.length, limits.maxBytes, limits.hint)
  }
  return bytes
}

/** levels: of nesting, at most. Throws MalformedDataError. Sizes that the bytes declare are checked against what is there. */
export function decode(bytes: Buffer, levels = MAX_DEPTH): unknown {
  let value: unknown
  let end = 0
  try {
    checkPacked(bytes, levels)
    // As the first of many: about bytes that are left over, unpack() complains with the value as JSON, where each
    // reference to a shared object is written out. 355 bytes took half a minute.
    unpackr.unpackMultiple(bytes, (first: unknown, _start?: number, itsEnd = 0) => {
      value = first
      end = itsEnd
      return false
    })
  } catch (error) {
    // A RangeError among them: the stack can end here, if the caller has used it up.
    // Of a pattern that is none, the engine's message quotes it.
    const why = error instanceof SyntaxError ? 'a pattern that is none' : String(error)
    throw new MalformedDataError(`${bytes.length} bytes that cannot be unpacked: ${why}`)
  }
  if (end !== bytes.length) throw new MalformedDataError(`${bytes.length} bytes where ${end} make a value`)
  return value
}

function pack(value: unknown, what: string, subject: unknown): Buffer {
  packing += 1
  try {
    // First, because msgpackr packs a promise as an empty object. 40 to 200 ns for a small call.
    const problem = findProblem(subject, 0, new Seen())
    if (problem) throw new UnsupportedValueError(what + shorten(problem.path), problem.is)
    const bytes = packr.pack(value)
    // A toJSON may have called encode: the buffer is replaced when nothing is being written to it.
    if (packing === 1 && bytes.buffer.byteLength > MAX_POOL) packr.useBuffer(Buffer.allocUnsafeSlow(8192))
    return bytes
  } catch (error) {
    if (error instanceof UnsupportedValueError) throw error
    const why = error instanceof Error ? error.message : `a ${typeof error} was thrown`
    throw new UnsupportedValueError(what, `cannot be packed: ${why}`)
  } finally {
    packing -= 1
  }
}

/** Objects that were walked already. The first levels are not noted: most values end there, and a circle is found later. */
class Seen {
  #objects: Set<object> | undefined

  before(object: object, depth: number): boolean {
    if (depth < 2) return false
    this.#objects ??= new Set()
    if (this.#objects.has(object)) return true
    this.#objects.add(object)
    return false
  }
}

/** What cannot cross, and where in the value. The path is made on the way back: a good value costs no strings. */
interface Problem {
  readonly path: string
  readonly is: string
}

function findProblem(value: unknown, depth: number, seen: Seen): Problem | undefined {
  if (typeof value === 'function') return { path: '', is: 'is a function, which cannot be sent' }
  if (typeof value === 'symbol') return { path: '', is: 'is a symbol, which cannot be sent' }
  if (typeof value !== 'object' || value === null || seen.before(value, depth)) return undefined
  const kind = value.constructor
  if (kind !== Object && kind !== Array) {
    if (value instanceof Date || value instanceof ArrayBuffer || value instanceof DataView) return undefined
    if (ArrayBuffer.isView(value)) return bytesProblem(kind.name)
    if (value instanceof Promise) return { path: '', is: 'is a promise: await it before it is sent' }
  }
  if (depth >= MAX_DEPTH) return { path: '', is: `is nested deeper than ${MAX_DEPTH} levels` }
  return findInside(value, kind, depth + 1, seen)
}

/** Looks at what msgpackr would pack of the object. */
function findInside(value: object, kind: unknown, depth: number, seen: Seen): Problem | undefined {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const problem = findProblem(value[i], depth, seen)
      if (problem) return within(`[${i}]`, problem)
    }
    return undefined
  }
  if (kind !== Object) {
    if (kind === Map) return findInMap(value as Map<unknown, unknown>, depth, seen)
    if (kind !== Set && hasToJSON(value)) {
      const json = value.toJSON()
      return json === value ? undefined : within('.toJSON()', findProblem(json, depth, seen))
    }
    if (value instanceof Set) return findInside([...value], Array, depth, seen)
    if (value instanceof Error) return within('.cause', findProblem(value.cause, depth, seen))
  }
  for (const key of Object.keys(value)) {
    const problem = findProblem((value as Record<string, unknown>)[key], depth, seen)
    if (problem) return within(`.${key}`, problem)
  }
  return undefined
}

function findInMap(map: Map<unknown, unknown>, depth: number, seen: Seen): Problem | undefined {
  for (const [key, item] of map) {
    const inKey = findProblem(key, depth, seen)
    if (inKey) return within(' key', inKey)
    const problem = findProblem(item, depth, seen)
    if (problem) return within(`.get(${typeof key === 'object' ? '…' : String(key)})`, problem)
  }
  return undefined
}

const within = (step: string, problem: Problem | undefined): Problem | undefined =>
  problem && { path: step + problem.path, is: problem.is }

/** msgpackr packs the class of a typed array by its name, and any other so that nobody can unpack it. */
const bytesProblem = (name: string): Problem | undefined =>
  TYPED_ARRAYS.has(name) ? undefined : { path: '', is: `is a ${name}: send a plain typed array` }

const TYPED_ARRAYS = new Set([
  ...['Buffer', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array'],
  ...['Uint32Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'],
])

const hasToJSON = (value: object): value is { toJSON: () => unknown } =>
  typeof (value as { toJSON?: unknown }).toJSON === 'function'

const shorten = (path: string): string => (path.length > 80 ? `${path.slice(0, 60)}…` : path)
