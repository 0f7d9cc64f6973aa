/** Reads what `cmsgpack.pack` makes of nested lists of strings: the whole of it, for comparing. */

export type Unframed = Buffer | null | readonly Unframed[]

export function unframe(bytes: Buffer): Unframed {
  let at = 0
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new Error('a message that ends too early')
    at += length
    return bytes.subarray(at - length, at)
  }
  const array = (length: number, depth: number): Unframed[] => {
    if (depth > 3 || length > bytes.length) throw new Error('a message of another shape')
    return Array.from({ length }, () => read(depth + 1))
  }
  const read = (depth: number): Unframed => {
    const type = take(1)[0]!
    if (type >= 0xa0 && type <= 0xbf) return take(type & 0x1f)
    if (type === 0xd9) return take(take(1).readUInt8())
    if (type === 0xda) return take(take(2).readUInt16BE())
    if (type === 0xdb) return take(take(4).readUInt32BE())
    if (type >= 0x90 && type <= 0x9f) return array(type & 0x0f, depth)
    if (type === 0xdc) return array(take(2).readUInt16BE(), depth)
    if (type === 0xdd) return array(take(4).readUInt32BE(), depth)
    if (type === 0xc0 || type === 0xc2) return null
    throw new Error('a message with an item that is neither string nor list')
  }
  const value = read(0)
  if (at !== bytes.length) throw new Error('a message with something behind it')
  return value
}
