/**
 * How many entries each node of a stream holds, from what DUMP gives. A node without any is one that Redis leaves
 * behind by itself and that newer servers refuse to load (redis issue 15808): the whole file, at their next start.
 *
 *   type | number of nodes | { key of the node | listpack } … | what is known of the stream and its groups
 *   listpack: bytes (4) | elements (2) | element …      the first element counts the entries that are not deleted
 */

import type { Redis } from 'ioredis'

/** Needs `rdbcompression no`. Empty for a key that is not there. */
export async function nodesOf(client: Redis, key: string): Promise<number[]> {
  const dump = await client.dumpBuffer(key)
  return dump ? countsIn(dump) : []
}

export function countsIn(dump: Buffer): number[] {
  let at = 1
  const length = (): number => {
    const first = dump[at++]!
    if (first >> 6 === 0) return first
    if (first >> 6 === 1) return ((first & 0x3f) << 8) | dump[at++]!
    if (first !== 0x80) throw new Error(`a length that begins with ${first}: compressed?`)
    at += 4
    return dump.readUInt32BE(at - 4)
  }
  const string = (): Buffer => {
    const size = length()
    at += size
    return dump.subarray(at - size, at)
  }
  return Array.from({ length: length() }, () => {
    string()
    return firstOf(string())
  })
}

/** Counts are small: of an integer's encodings those for up to 12 bits. */
function firstOf(listpack: Buffer): number {
  const first = listpack[6]!
  if (first < 0x80) return first
  if (first >> 5 === 6) return ((first & 0x0f) << 8) | listpack[7]!
  throw new Error(`a count that begins with ${first}`)
}
