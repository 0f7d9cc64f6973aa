/**
 * Looks over packed bytes before they are unpacked. msgpackr checks the sizes that they declare, but a few hundred
 * kilobytes of its own extensions can still cost it seconds or gigabytes: strings bundled apart (which we never
 * write) are copied once for each bundle, and each of many Sets or shared references that wrap one value copies it.
 * It also recurses, and where the stack ends depends on who calls: nesting is counted here, without recursion.
 *
 * One pass over the tokens, linear and without garbage: 10 ns for a small call whose unpacking takes 90 ns. Whatever
 * is cut short throws, here or there.
 */

/** Extensions of msgpackr's. */
const BUNDLED_STRINGS = 0x62
const REFERENCE = 0x69
const POINTER = 0x70
const RECORD = 0x72
/** Those that wrap the value behind them: an id for references, Set, Error, RegExp. */
const WRAPPERS: readonly number[] = [REFERENCE, 0x73, 0x65, 0x78]
/** No value of ours has more in a row: between a Set and the Set in it there is the list of its items. */
const MAX_WRAPPERS = 4
/** Bytes of the tokens ca to d3, which carry nothing further: floats and integers. */
const NUMBER_SIZES = [5, 9, 2, 3, 5, 9, 2, 3, 5, 9] as const
/** Bytes of a reference or a pointer, with the id in the last four. */
const ID_SIZE = 6

/** Most levels that can be counted. */
const MOST_LEVELS = 256
/** Of each list, map or record that is open: how many values are to come behind it where it lies. */
const behind = new Int32Array(MOST_LEVELS)
/** How many values a record has, by the token that says its shape; and in which bytes, counted, that shape was met. */
const shapes = new Int32Array(0x40)
const metIn = new Float64Array(0x40)
/** Of the bytes with shapes that were looked over last. Clearing the table instead would cost more than the rest. */
let current = 0
/** How many keys a shape had that is referred to again, by id: msgpackr cycles through 64 shapes in one value. */
const sharedKeys = new Map<number, number>()

/** levels: lists, maps and records in each other, at most. Throws an Error that says why; the bytes may still be invalid. */
export function checkPacked(bytes: Buffer, levels: number): void {
  // Each level has a byte at least: where there are not as many, there is nothing to count.
  const counts = bytes.length > levels
  let wrappers = 0
  let depth = 0
  /** Values still to come in what was opened last. */
  let left = 1
  let hasShapes = false
  let at = 0
  while (at < bytes.length) {
    const token = bytes[at]!
    /** Of a list, map or record that begins here. */
    let values = -1
    if (token < 0x80) {
      // Of no shape that was met: a number.
      if (token >= 0x40 && hasShapes && metIn[token & 0x3f] === current) values = shapes[token & 0x3f]!
      at += 1
    } else if (token < 0xa0) {
      values = token < 0x90 ? 2 * (token & 0x0f) : token & 0x0f
      at += 1
    } else if (token < 0xc4 || token >= 0xe0) {
      at += token < 0xc0 ? 1 + (token & 0x1f) : 1
    } else {
      const extension = extensionAt(bytes, at, token)
      if (extension === BUNDLED_STRINGS) throw new Error('strings bundled apart')
      if (extension === RECORD && counts) {
        if (!hasShapes) forgetShapes()
        hasShapes = true
        at = readShape(bytes, at, token)
        values = lastShape
      } else {
        if (token >= 0xdc && token < 0xe0) values = lengthAt(bytes, at, token)
        at += sizeAt(bytes, at, token)
        if (WRAPPERS.includes(extension)) {
          wrappers += 1
          if (wrappers > MAX_WRAPPERS) throw new Error('a value wrapped again and again')
          if (extension === REFERENCE && hasShapes) sharedKeys.delete(bytes.readUInt32BE(at - 4))
          // It stands for the value that follows.
          continue
        }
      }
    }
    wrappers = 0
    if (!counts) continue
    left -= 1
    if (values >= 0) {
      if (depth >= levels) throw new Error(`nested deeper than ${levels} levels`)
      if (values > bytes.length - at) throw new Error('fewer values than declared')
      behind[depth] = left
      depth += 1
      left = values
    }
    while (left === 0) {
      if (depth === 0) return
      depth -= 1
      left = behind[depth]!
    }
  }
}

/** The type of an extension, -1 for anything else. */
function extensionAt(bytes: Buffer, at: number, token: number): number {
  if (token >= 0xc7 && token <= 0xc9) return bytes[at + 1 + (1 << (token - 0xc7))] ?? -1
  if (token >= 0xd4 && token <= 0xd8) return bytes[at + 1] ?? -1
  return -1
}

/** The token, c4 or above, and what it carries; of lists and maps the head alone. */
function sizeAt(bytes: Buffer, at: number, token: number): number {
  if (token <= 0xc6) return 1 + declaredAt(bytes, at, token - 0xc4)
  if (token <= 0xc9) return 2 + declaredAt(bytes, at, token - 0xc7)
  if (token <= 0xd3) return NUMBER_SIZES[token - 0xca]!
  if (token <= 0xd8) return 2 + (1 << (token - 0xd4))
  if (token <= 0xdb) return 1 + declaredAt(bytes, at, token - 0xd9)
  return token === 0xdc || token === 0xde ? 3 : 5
}

/** Its length, with the 1, 2 or 4 bytes that say it. */
function declaredAt(bytes: Buffer, at: number, power: number): number {
  const width = 1 << power
  return width + bytes.readUIntBE(at + 1, width)
}

/** Values of a list or map whose head is longer than a byte. */
function lengthAt(bytes: Buffer, at: number, token: number): number {
  const length = token === 0xdc || token === 0xde ? bytes.readUInt16BE(at + 1) : bytes.readUInt32BE(at + 1)
  return token >= 0xde ? 2 * length : length
}

/** How many values a record of the shape has that was read last. */
let lastShape = 0

function forgetShapes(): void {
  current += 1
  if (sharedKeys.size > 0) sharedKeys.clear()
}

/** `d4 72 <token> <list of keys>`, then the values: answers where they begin. Other forms we never write. */
function readShape(bytes: Buffer, start: number, token: number): number {
  if (token !== 0xd4) throw new Error('a record of another form')
  let at = start + 3
  const isId = bytes[at] === 0xd6
  const id = isId ? bytes.readUInt32BE(at + 2) : 0
  if (isId && bytes[at + 1] === POINTER) {
    lastShape = sharedKeys.get(id) ?? -1
    at += ID_SIZE
  } else {
    if (isId && bytes[at + 1] === REFERENCE) at += ID_SIZE
    const head = bytes[at] ?? 0
    const isShort = head >= 0x90 && head < 0xa0
    const isList = isShort || head === 0xdc || head === 0xdd
    lastShape = isShort ? head & 0x0f : isList ? lengthAt(bytes, at, head) : -1
    at += isShort ? 1 : sizeAt(bytes, at, head)
    for (let i = 0; i < lastShape; i++) at += keySizeAt(bytes, at)
    if (isId) sharedKeys.set(id, lastShape)
  }
  if (lastShape < 0) throw new Error('a record without keys')
  const shape = bytes[start + 2]! & 0x3f
  shapes[shape] = lastShape
  metIn[shape] = current
  return at
}

function keySizeAt(bytes: Buffer, at: number): number {
  const token = bytes[at] ?? 0
  if (token >= 0xa0 && token < 0xc0) return 1 + (token & 0x1f)
  if (token >= 0xd9 && token <= 0xdb) return sizeAt(bytes, at, token)
  throw new Error('a key that is no string')
}
