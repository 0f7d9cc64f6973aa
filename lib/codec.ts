/**
 * Values to bytes and back: msgpack with extensions. BigInt of any size, Date, Map, Set, Buffer, typed arrays,
 * undefined, NaN, shared and circular references come back as they went. Class instances arrive as plain objects
 * (or as what their toJSON gives); -0, sparse arrays, `__proto__` keys and lone surrogates do not survive.
 */

import { Packr } from 'msgpackr'
import { MalformedDataError, PayloadTooLargeError, UnsupportedValueError } from './errors.ts'

/** Nesting that is surely safe on both sides: msgpackr recurses, and its stack ends at a few thousand. */
export const MAX_DEPTH = 128

class Refused extends Error {}

const packr = new Packr({ structuredClone: true, useBigIntExtension: true, copyBuffers: true })

// msgpackr packs a function as undefined unless this hook speaks up; its types do not name the hook.
Object.assign(packr, {
  writeFunction() {
    throw new Refused()
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
  let bytes: Buffer
  try {
    bytes = packr.pack(value)
  } catch (error) {
    refuse(subject, limits.what, 0, new Set())
    throw new UnsupportedValueError(limits.what, `cannot be packed: ${String(error)}`)
  }
  if (bytes.length > limits.maxBytes) {
    throw new PayloadTooLargeError(limits.what, bytes.length, limits.maxBytes, limits.hint)
  }
  // Each level takes at least a byte, so most values are never walked.
  if (bytes.length > MAX_DEPTH) refuse(subject, limits.what, 0, new Set())
  return bytes
}

/** Throws MalformedDataError. Sizes that the bytes declare are checked by msgpackr against what is there. */
export function decode(bytes: Buffer): unknown {
  try {
    return packr.unpack(bytes)
  } catch (error) {
    // A RangeError here is also how nesting past the stack shows.
    throw new MalformedDataError(`${bytes.length} bytes that cannot be unpacked: ${String(error)}`)
  }
}

/** Walks the value for what cannot cross, to say where it is. */
function refuse(value: unknown, path: string, depth: number, seen: Set<object>): void {
  if (typeof value === 'function')
    throw new UnsupportedValueError(path, 'is a function, which cannot be sent')
  if (typeof value === 'symbol') throw new UnsupportedValueError(path, 'is a symbol, which cannot be sent')
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  if (ArrayBuffer.isView(value) || value instanceof Date || value instanceof ArrayBuffer) return
  if (depth >= MAX_DEPTH) {
    throw new UnsupportedValueError(shorten(path), `is nested deeper than ${MAX_DEPTH} levels`)
  }
  seen.add(value)
  if (value instanceof Promise) {
    throw new UnsupportedValueError(path, 'is a promise: await it before it is sent')
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) refuse(value[i], `${path}[${i}]`, depth + 1, seen)
  } else if (value instanceof Map) {
    for (const [key, item] of value) {
      refuse(key, `${path} key`, depth + 1, seen)
      refuse(item, `${path}.get(${String(key)})`, depth + 1, seen)
    }
  } else if (value instanceof Set) {
    for (const item of value) refuse(item, `${path} item`, depth + 1, seen)
  } else if (!('toJSON' in value)) {
    for (const [key, item] of Object.entries(value)) refuse(item, `${path}.${key}`, depth + 1, seen)
  }
}

const shorten = (path: string): string => (path.length > 80 ? `${path.slice(0, 60)}…` : path)
