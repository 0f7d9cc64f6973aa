import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Unpackr } from 'msgpackr'
import { MalformedDataError } from '../../lib/errors.ts'
import { type FrameItem, frame, type Unframed, unframe } from '../../lib/redis/frame.ts'

/** What Lua sees of an item, and what comes back of it: strings as bytes. */
function asBytes(item: FrameItem): Unframed {
  if (Buffer.isBuffer(item)) return item
  if (typeof item === 'string' || typeof item === 'number') return Buffer.from(String(item))
  return 'parts' in item ? Buffer.concat(item.parts) : item.map(asBytes)
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const leaf = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.double(),
  fc.integer(),
  bytes,
  fc.record({ parts: fc.array(bytes, { maxLength: 4 }) }),
)
const items = fc.array(
  fc.oneof(leaf, fc.array(fc.oneof(leaf, fc.array(leaf, { maxLength: 5 })), { maxLength: 5 })),
)
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const malformed = (message: Buffer): void => assert.throws(() => unframe(message), MalformedDataError)

describe('frame', () => {
  test('and unframe give back every string, number, buffer, row of parts and nested list', () => {
    fc.assert(
      fc.property(items, (list) => {
        assert.deepStrictEqual(unframe(frame(list)), asBytes(list))
      }),
      { numRuns: 500 },
    )
  })

  test('writes what a msgpack reader takes for an array of strings', () => {
    const list = ['text', 'ж'.repeat(100), 5, ['inner', ['deeper']], '', Buffer.from('bytes')]
    const read = new Unpackr({ useRecords: false }).unpack(frame(list))
    assert.deepStrictEqual(read, ['text', 'ж'.repeat(100), '5', ['inner', ['deeper']], '', 'bytes'])
  })

  test('writes numbers as text, as Redis and Lua read them', () => {
    const numbers = [0, -1, 1.5, 2 ** 53, 1e21, Number.NaN]
    const read = unframe(frame(numbers)) as Buffer[]
    assert.deepEqual(read.map(String), ['0', '-1', '1.5', '9007199254740992', '1e+21', 'NaN'])
  })

  test('takes a row of parts for one string, without a byte between them', () => {
    const parts = [Buffer.from('head'), Buffer.alloc(0), Buffer.from('tail')]
    assert.deepStrictEqual(unframe(frame([{ parts }, { parts: [] }])), [
      Buffer.from('headtail'),
      Buffer.alloc(0),
    ])
  })

  test('fills its buffer exactly, whatever the characters', () => {
    const list = ['é', '\ud800 half a pair', '😀', 'x'.repeat(100_000), Buffer.alloc(70_000, 7)]
    const framed = frame(list)
    assert.deepStrictEqual(unframe(framed), asBytes(list))
    assert.equal(framed.length, 5 + list.reduce((sum, item) => sum + 5 + Buffer.byteLength(item), 0))
  })

  test('does not alias what it was given', () => {
    const buffer = Buffer.from('before')
    const framed = frame([buffer])
    buffer.fill(0)
    assert.deepStrictEqual(unframe(framed), [Buffer.from('before')])
  })
})

describe('unframe', () => {
  test('reads every form in which cmsgpack writes strings, lists and nil', () => {
    assert.deepStrictEqual(unframe(hex('92 a161 c0')), [Buffer.from('a'), null])
    assert.deepStrictEqual(unframe(hex('d9 03 616263')), Buffer.from('abc'))
    assert.deepStrictEqual(unframe(hex('da 0003 616263')), Buffer.from('abc'))
    assert.deepStrictEqual(unframe(hex('db 00000003 616263')), Buffer.from('abc'))
    assert.deepStrictEqual(unframe(hex('dc 0001 a0')), [Buffer.alloc(0)])
    assert.deepStrictEqual(unframe(hex('dd 00000001 90')), [[]])
    assert.deepStrictEqual(unframe(hex(`bf${'61'.repeat(31)}`)), Buffer.alloc(31, 'a'))
    assert.deepStrictEqual(unframe(hex(`9f${'c0'.repeat(15)}`)), Array(15).fill(null))
  })

  test('throws MalformedDataError for numbers, maps, binaries, extensions and booleans', () => {
    for (const type of [
      '00',
      '7f',
      '80',
      '8f',
      'c1',
      'c2',
      'c3',
      'c4',
      'c7',
      'ca',
      'cc',
      'd0',
      'd4',
      'de',
      'df',
      'e0',
      'ff',
    ]) {
      malformed(hex(`${type} 0000000000000000`))
      malformed(hex(`91 ${type} 0000000000000000`))
    }
  })

  test('throws MalformedDataError for sizes that are not there, without memory for them', () => {
    for (const text of [
      '',
      'a2 61',
      'd9',
      'd9 05',
      'da 00',
      'db ffffffff',
      'dc ffff',
      'dd ffffffff',
      'dd 0fffffff a0',
    ]) {
      malformed(hex(text))
    }
    malformed(hex(`dd 00000005 ${'dd 0000000a '.repeat(3)}`))
    const { maxRSS } = process.resourceUsage()
    malformed(hex('dd 01ffff00 a0'))
    assert.ok(process.resourceUsage().maxRSS - maxRSS < 64 * 1024, 'kilobytes: the list would take 268 MB')
  })

  test('throws MalformedDataError for lists that are nested deeper than any message', () => {
    assert.deepStrictEqual(unframe(hex('91 91 91 90')), [[[[]]]])
    malformed(hex('91 91 91 91 90'))
    malformed(Buffer.alloc(1024 * 1024, 0x91))
  })

  test('throws MalformedDataError for a message with something behind it, and for each beginning of one', () => {
    const whole = frame(['id', ['state', Buffer.alloc(300)], { parts: [Buffer.from('x')] }])
    malformed(Buffer.concat([whole, Buffer.from([0xc0])]))
    for (let length = 0; length < whole.length; length++) malformed(whole.subarray(0, length))
  })

  test('makes lists and strings or a MalformedDataError of any bytes', () => {
    const isGood = (value: Unframed): boolean =>
      value === null || Buffer.isBuffer(value) || (value as readonly Unframed[]).every(isGood)
    const listy = fc.array(
      fc.constantFrom(0x90, 0x91, 0x93, 0xa0, 0xa1, 0xa3, 0xc0, 0xd9, 0xda, 0xdc, 0xdd, 0, 1, 2),
    )
    const any = fc.uint8Array({ maxLength: 60 })
    fc.assert(
      fc.property(fc.oneof(any, listy), (junk) => {
        let value: Unframed
        try {
          value = unframe(Buffer.from(junk))
        } catch (error) {
          if (!(error instanceof MalformedDataError)) throw error
          return
        }
        assert.ok(isGood(value))
      }),
      { numRuns: 3000 },
    )
  })
})
