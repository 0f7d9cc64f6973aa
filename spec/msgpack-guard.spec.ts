/** Bytes that msgpackr would unpack at a price of seconds or gigabytes are refused before; valid ones are not. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { decode, encode, MAX_DEPTH } from '../lib/codec.ts'
import { decodeCall, encodeCall } from '../lib/envelope.ts'
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
  for (const value of values) checkPacked(encode(value, LIMITS), MAX_DEPTH)
})

test('a token that is cut short is an error, not a loop', () => {
  for (const hex of ['c6', 'c9ff', 'db0000', 'c700', 'd8'])
    assert.throws(() => decode(Buffer.from(hex, 'hex')), malformed)
})

/** What encode would refuse goes through this one. */
const packr = new Packr({ structuredClone: true, useBigIntExtension: true })

function nested(
  levels: number,
  wrap: (inner: unknown, level: number) => unknown,
  core: unknown = 1,
): unknown {
  let value = core
  for (let level = 0; level < levels; level++) value = wrap(value, level)
  return value
}

const beside = Array.from({ length: 200 }, (_, i) => ({ id: i, at: [i] }))
/** Each adds one level. */
const WRAPS: Record<string, (inner: unknown, level: number) => unknown> = {
  'a list': (inner) => [inner],
  'a list, not as its last': (inner, level) => (level > 0 ? [inner, [2], 'x'.repeat(40)] : [inner]),
  'a record': (inner) => ({ inner }),
  'a record among others': (inner, level) =>
    level === 5 ? { inner, beside } : level > 0 ? { a: 1, inner, b: { c: 2 } } : { inner },
  'records of 100 shapes': (inner, level) =>
    level > 0 ? { [`k${level % 100}`]: inner, last: [] } : { inner },
  'a Map': (inner) => new Map([['inner', inner]]),
  'the key of a Map': (inner) => new Map([[inner, 1]]),
  'a Set': (inner) => new Set([inner]),
  'an Error': (inner) => new Error('e', { cause: inner }),
  'a long list': (inner, level) => (level === 5 ? [...Array(70_000).fill(0), inner] : [inner]),
}

for (const [what, wrap] of Object.entries(WRAPS)) {
  test(`nesting is refused where encode refuses it: ${what}`, () => {
    const deepest = nested(MAX_DEPTH, wrap)
    decode(encode(deepest, LIMITS))
    const deeper = nested(MAX_DEPTH + 1, wrap)
    assert.throws(() => encode(deeper, LIMITS), /nested deeper than 128 levels/)
    assert.throws(() => decode(packr.pack(deeper)), /nested deeper than 128 levels/)
    assert.throws(() => decode(packr.pack(deeper)), malformed)
  })
}

test('an empty list, record, Map or Set is a level too; a value that holds no others is none', () => {
  for (const core of [[], {}, new Map(), new Set(), /x/g]) {
    decode(encode(nested(MAX_DEPTH - 1, WRAPS['a list']!, core), LIMITS))
    const deeper = nested(MAX_DEPTH, WRAPS['a list']!, core)
    assert.throws(() => encode(deeper, LIMITS), /nested deeper/)
    assert.throws(() => decode(packr.pack(deeper)), /nested deeper/)
  }
  for (const core of [Buffer.from([0x91]), new Date(), 2n ** 99n, new Float64Array(1), undefined, 'text'])
    decode(encode(nested(MAX_DEPTH, WRAPS['a list']!, core), LIMITS))
})

test("a call's arguments may be nested as deep as a result; its own list is not counted", () => {
  const deepest = nested(MAX_DEPTH - 1, WRAPS['a list']!) as unknown[]
  const { args } = decodeCall(
    Buffer.concat([Buffer.from([0]), encodeCall('t', [deepest], { retries: 1 }, 10_000)]),
  )
  assert.deepEqual(args, [deepest])
  const deeper = Buffer.concat([Buffer.from([0]), packr.pack(['t', [[deepest]]])])
  assert.throws(() => decodeCall(deeper), /nested deeper than 129 levels/)
})

test('nesting that would end the stack is counted, not followed', () => {
  const heads: Record<string, number[]> = { list: [0x91], map: [0x81, 1], 'list of 16 bits': [0xdc, 0, 1] }
  for (const [what, head] of Object.entries(heads)) {
    const bomb = Buffer.concat([Buffer.alloc(1_000_000 * head.length, Buffer.from(head)), Buffer.from([1])])
    assert.throws(() => decode(bomb), /nested deeper than 128 levels/, what)
  }
  // A record whose only field is of its own shape.
  const record = Buffer.concat([
    Buffer.from([0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61]),
    Buffer.alloc(100_000, 0x40),
  ])
  assert.throws(() => decode(record), /nested deeper than 128 levels/)
})

test('a shape that comes again after 64 others is referred to by its keys, and comes back', () => {
  const shapes = Array.from({ length: 70 }, (_, i) => ({ [`key${i}`]: i, inner: [i] }))
  const value = [...shapes, ...shapes, ...shapes]
  assert.deepEqual(decode(encode(value, LIMITS)), value)
  const wrap = (inner: unknown): unknown => [...value, inner]
  decode(encode(nested(MAX_DEPTH - 2, wrap, 1), LIMITS))
})

test('a number that looks like the shape of a record of an earlier value is a number', () => {
  decode(encode(beside, LIMITS))
  assert.deepEqual(
    decode(Buffer.concat([Buffer.from([0xdc, 0, 200]), Buffer.alloc(200, 0x40)])),
    Array(200).fill(0x40),
  )
})

test('records of forms that are not ours, and keys that are not strings, are refused', () => {
  const rest = Buffer.alloc(200, 1)
  for (const head of ['d57240009161', 'd47240c0', 'd472409190', 'd47240d67000000009', 'd47240dd7fffffff'])
    assert.throws(() => decode(Buffer.concat([Buffer.from(`dc00ff${head}`, 'hex'), rest])), malformed, head)
})

test('whatever encode takes, decode takes: values of all kinds in each other', () => {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 12, depthSize: 'max', withCrossShrink: true },
      tie('leaf'),
      tie('list'),
      tie('record'),
      tie('map'),
      tie('set'),
    ),
    leaf: fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true }),
      fc.string(),
      fc.bigInt(),
      fc.boolean(),
      fc.date(),
    ),
    list: fc.array(tie('value'), { maxLength: 5 }),
    record: fc.dictionary(fc.string({ maxLength: 3 }), tie('value'), { maxKeys: 5 }),
    map: fc
      .array(fc.tuple(tie('leaf'), tie('value')), { maxLength: 4 })
      .map((items) => new Map(items as [unknown, unknown][])),
    set: fc.array(tie('value'), { maxLength: 4 }).map((items) => new Set(items)),
  }))
  // In front of something large, so that levels are counted; behind it, so that the count must have come out right.
  fc.assert(
    fc.property(value, (any) => void decode(encode([any, beside, any, beside], LIMITS))),
    { numRuns: 100 },
  )
})

test('bytes of any kind end in a value or in an error, soon', () => {
  const good = encode(
    [beside, nested(60, WRAPS['a record among others']!), new Map([[1, new Set([beside])]])],
    LIMITS,
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      (changes) => {
        const bytes = Buffer.from(good)
        for (const [at, byte] of changes) bytes[at] = byte
        try {
          decode(bytes)
        } catch (error) {
          assert.equal((error as { code?: string }).code, malformed.code)
        }
      },
    ),
    { numRuns: 500 },
  )
})
