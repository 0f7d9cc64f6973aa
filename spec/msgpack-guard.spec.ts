/** Bytes that msgpackr would unpack at a price of seconds or gigabytes are refused before; valid ones are not. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from '../lib/codec.ts'
import { checkPacked } from '../lib/msgpack-guard.ts'

const LIMITS = { what: 'value', maxBytes: Number.POSITIVE_INFINITY, hint: '' }
const malformed = { code: 'ERR_MILLRACE_MALFORMED_DATA' }

/** array32 of `items` behind this many times `wrapper`. */
function wrapped(wrapper: (index: number) => Buffer, times: number, items: Buffer[]): Buffer {
  const head = Buffer.from([0xdd, 0, 0, 0, 0])
  head.writeUInt32BE(items.length, 1)
  return Buffer.concat([...Array.from({ length: times }, (_, index) => wrapper(index)), head, ...items])
}

const ones = Array.from({ length: 1_000 }, () => Buffer.from([1]))
const reference = (index: number): Buffer => Buffer.from([0xd6, 0x69, 0, 0, 0, index + 1])
const set = (): Buffer => Buffer.from([0xd4, 0x73, 0])

test('many references that wrap one value are refused', () => {
  assert.throws(() => decode(wrapped(reference, 5, ones)), malformed)
  assert.deepEqual(decode(wrapped(reference, 2, ones)), Array(1_000).fill(1))
})

test('many Sets that wrap one value are refused', () => {
  assert.throws(() => decode(wrapped(set, 5, ones)), malformed)
  assert.deepEqual(decode(wrapped(set, 1, ones)), new Set([1]))
})

test('strings bundled apart are refused, in each form of an extension', () => {
  assert.throws(() => decode(Buffer.from('d66200000005c3a0a0', 'hex')), malformed)
  assert.throws(() => decode(Buffer.from('c7046200000005c3a0a0', 'hex')), malformed)
})

test('what only looks like it, inside of strings and buffers, passes', () => {
  const bomb = Buffer.concat([wrapped(set, 50, ones), Buffer.from('d66200000005', 'hex')])
  for (const value of [bomb, bomb.toString('latin1'), [bomb], new Map([[bomb.toString('latin1'), 1]])]) {
    assert.deepEqual(decode(encode(value, LIMITS)), value)
  }
})

test('every kind of value passes, wrapped as deep as ours ever are', () => {
  let nested: unknown = 'core'
  for (let i = 0; i < 30; i++) nested = i % 2 === 0 ? new Set([nested]) : new Map([[nested, [nested]]])
  const shared = new Set([1])
  const values = [
    nested,
    [shared, shared, { shared }],
    [/x/g, new Date(), new Error('e', { cause: shared }), shared],
    [
      2n ** 5_000n,
      new Float64Array(40),
      Buffer.alloc(70_000),
      'ü'.repeat(70_000),
      1.5,
      -1,
      2 ** 40,
      undefined,
    ],
    Array.from({ length: 70_000 }, (_, i) => ({ id: i })),
  ]
  for (const value of values) checkPacked(encode(value, LIMITS))
})

test('a token that is cut short is an error, not a loop', () => {
  for (const hex of ['c6', 'c9ff', 'db0000', 'c700', 'd8'])
    assert.throws(() => decode(Buffer.from(hex, 'hex')), malformed)
})
