/**
 * One argument for a script: an array of byte strings, framed as msgpack str32, which Redis' cmsgpack reads in C
 * (it rejects msgpack's bin types). One large argument costs the client far less than many small ones. The way
 * back, for what scripts PUBLISH, is a reader for the same subset.
 */

import { MalformedDataError } from '../errors.ts'

/** Several buffers in a row are one item: an array of parts. */
export interface Parts {
  readonly parts: readonly Buffer[]
}
export type FrameItem = string | number | Buffer | Parts | readonly FrameItem[]

const STR32 = 0xdb
const ARRAY32 = 0xdd

export function frame(items: readonly FrameItem[]): Buffer {
  const out = Buffer.allocUnsafe(sizeOf(items))
  write(out, 0, items)
  return out
}

function sizeOf(item: FrameItem): number {
  if (typeof item === 'string') return 5 + Buffer.byteLength(item)
  if (typeof item === 'number') return 5 + String(item).length
  if (Buffer.isBuffer(item)) return 5 + item.length
  if ('parts' in item) return 5 + lengthOf(item.parts)
  let size = 5
  for (const inner of item) size += sizeOf(inner)
  return size
}

function write(out: Buffer, at: number, item: FrameItem): number {
  if (typeof item === 'number') return write(out, at, String(item))
  if (typeof item === 'string') {
    const length = out.write(item, at + 5)
    return head(out, at, STR32, length) + length
  }
  if (Buffer.isBuffer(item)) return head(out, at, STR32, item.length) + item.copy(out, at + 5)
  if ('parts' in item) {
    let next = head(out, at, STR32, lengthOf(item.parts))
    for (const part of item.parts) next += part.copy(out, next)
    return next
  }
  let next = head(out, at, ARRAY32, item.length)
  for (const inner of item) next = write(out, next, inner)
  return next
}

function head(out: Buffer, at: number, type: number, length: number): number {
  out[at] = type
  out.writeUInt32BE(length, at + 1)
  return at + 5
}

function lengthOf(parts: readonly Buffer[]): number {
  let length = 0
  for (const part of parts) length += part.length
  return length
}

export type Unframed = Buffer | null | readonly Unframed[]

/** Reads what `cmsgpack.pack` makes of nested arrays of strings. Throws MalformedDataError on anything else. */
export function unframe(bytes: Buffer): Unframed {
  let at = 0
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new MalformedDataError('a message that ends too early')
    at += length
    return bytes.subarray(at - length, at)
  }
  const array = (length: number, depth: number): Unframed[] => {
    if (depth > 3 || length > bytes.length) throw new MalformedDataError('a message of another shape')
    return Array.from({ length }, () => read(depth + 1))
  }
  const read = (depth: number): Unframed => {
    const type = take(1)[0]!
    if (type >= 0xa0 && type <= 0xbf) return take(type & 0x1f)
    if (type === 0xd9) return take(take(1).readUInt8())
    if (type === 0xda) return take(take(2).readUInt16BE())
    if (type === STR32) return take(take(4).readUInt32BE())
    if (type >= 0x90 && type <= 0x9f) return array(type & 0x0f, depth)
    if (type === 0xdc) return array(take(2).readUInt16BE(), depth)
    if (type === ARRAY32) return array(take(4).readUInt32BE(), depth)
    if (type === 0xc0) return null
    throw new MalformedDataError('a message with an item that is neither string nor list')
  }
  const value = read(0)
  if (at !== bytes.length) throw new MalformedDataError('a message with something behind it')
  return value
}
