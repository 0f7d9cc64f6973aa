/**
 * One argument for a script: an array of byte strings, framed as msgpack str32, which Redis' cmsgpack reads in C
 * (it rejects msgpack's bin types). One large argument costs the client far less than many small ones. The way
 * back, for what scripts pack or PUBLISH, is a reader for the same subset.
 */

import { MalformedDataError } from '../errors.ts'

export type FrameItem = string | number | Buffer | readonly FrameItem[]

const STR32 = 0xdb
const ARRAY32 = 0xdd
const FALSE = 0xc2
const NOTHING: Buffer = Buffer.alloc(0)

export function frame(items: readonly FrameItem[]): Buffer {
  const writer = new FrameWriter(1_024)
  writeFrame(writer, items)
  return writer.end()
}

export function writeFrame(writer: FrameWriter, item: FrameItem): void {
  if (typeof item === 'string') writer.text(item)
  else if (typeof item === 'number') writer.text(String(item))
  else if (Buffer.isBuffer(item)) writer.bytes(item)
  else {
    writer.list(item.length)
    for (const inner of item) writeFrame(writer, inner)
  }
}

/** Writes item by item, for the two scripts that carry many. */
export class FrameWriter {
  #out: Buffer
  #at = 0

  /** capacity: bytes that will probably do. */
  constructor(capacity: number) {
    this.#out = Buffer.allocUnsafe(capacity)
  }

  list(length: number): void {
    this.#head(ARRAY32, length, 0)
  }

  /** A list whose length is known later: answers what `close` wants. */
  open(): number {
    this.list(0)
    return this.#at
  }

  close(opened: number, length: number): void {
    this.#out.writeUInt32BE(length, opened - 4)
  }

  text(text: string): void {
    const { length } = text
    this.#head(STR32, length, 3 * length)
    const out = this.#out
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) {
        const written = out.write(text, this.#at)
        out.writeUInt32BE(written, this.#at - 4)
        this.#at += written
        return
      }
      out[this.#at + i] = code
    }
    this.#at += length
  }

  /** One string of one or two pieces. */
  bytes(first: Buffer, second: Buffer = NOTHING): void {
    const length = first.length + second.length
    this.#head(STR32, length, length)
    this.#out.set(first, this.#at)
    this.#out.set(second, this.#at + first.length)
    this.#at += length
  }

  end(): Buffer {
    return this.#out.subarray(0, this.#at)
  }

  #head(type: number, length: number, room: number): void {
    const at = this.#at
    if (at + 5 + room > this.#out.length) this.#grow(5 + room)
    const out = this.#out
    out[at] = type
    out[at + 1] = length >>> 24
    out[at + 2] = length >>> 16
    out[at + 3] = length >>> 8
    out[at + 4] = length
    this.#at = at + 5
  }

  #grow(by: number): void {
    const larger = Buffer.allocUnsafe(2 * this.#out.length + by)
    larger.set(this.#out.subarray(0, this.#at))
    this.#out = larger
  }
}

/** Reads what `cmsgpack.pack` makes of lists of strings, item by item. Throws MalformedDataError on anything else. */
export class FrameReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** The head of a list: how many items follow. */
  list(): number {
    const type = this.#byte()
    const length =
      (type & 0xf0) === 0x90
        ? type & 0x0f
        : type === 0xdc
          ? this.#size(2)
          : type === ARRAY32
            ? this.#size(4)
            : -1
    if (length < 0 || length > this.#bytes.length) throw new MalformedDataError('a message of another shape')
    return length
  }

  /** A string, as latin1. */
  text(): string {
    const start = this.#string()
    return this.#bytes.toString('latin1', start, this.#at)
  }

  /** A string's bytes, which share the message's memory. */
  bytes(): Buffer {
    const start = this.#string()
    return this.#bytes.subarray(start, this.#at)
  }

  /** The same, or undefined for false. */
  optional(): Buffer | undefined {
    if (this.#bytes[this.#at] !== FALSE) return this.bytes()
    this.#at += 1
    return undefined
  }

  /** Where the string starts; its end is where the next item starts. */
  #string(): number {
    const type = this.#byte()
    const length =
      (type & 0xe0) === 0xa0
        ? type & 0x1f
        : type === 0xd9
          ? this.#byte()
          : type === 0xda
            ? this.#size(2)
            : type === STR32
              ? this.#size(4)
              : -1
    if (length < 0) throw new MalformedDataError('a message with an item that is no string')
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) throw new MalformedDataError('a message that ends too early')
    return start
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new MalformedDataError('a message that ends too early')
    this.#at += 1
    return byte
  }

  #size(width: number): number {
    let size = 0
    for (let i = 0; i < width; i++) size = size * 256 + this.#byte()
    return size
  }
}
