import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Unpackr } from 'msgpackr'
import { MalformedDataError } from '../../lib/errors.ts'
import { type FrameItem, FrameReader, FrameWriter, frame } from '../../lib/redis/frame.ts'
import { type Unframed, unframe } from '../support/unframe.ts'

/** What Lua sees of an item, and what comes back of it: strings as bytes. */
function asBytes(item: FrameItem): Unframed {
  if (Buffer.isBuffer(item)) return item
  if (typeof item === 'string' || typeof item === 'number') return Buffer.from(String(item))
  return item.map(asBytes)
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const leaf = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.double(), fc.integer(), bytes)
const items = fc.array(
  fc.oneof(leaf, fc.array(fc.oneof(leaf, fc.array(leaf, { maxLength: 5 })), { maxLength: 5 })),
)
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('frame', () => {
  test('and unframe give back every string, number, buffer and nested list', () => {
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

  test('item by item: two pieces make one string, and a list may learn its length last, however small it began', () => {
    const writer = new FrameWriter(0)
    const outer = writer.open()
    writer.bytes(Buffer.from('head'), Buffer.from('tail'))
    const inner = writer.open()
    writer.bytes(Buffer.alloc(0))
    writer.text('ж'.repeat(300))
    writer.close(inner, 2)
    writer.close(outer, 2)
    assert.deepStrictEqual(unframe(writer.end()), [
      Buffer.from('headtail'),
      [Buffer.alloc(0), Buffer.from('ж'.repeat(300))],
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

const reader = (text: string): FrameReader => new FrameReader(hex(text))
const READS = ['list', 'text', 'bytes', 'optional'] as const
const malformed = (text: string, reads: readonly (typeof READS)[number][] = READS): void => {
  for (const how of reads) assert.throws(() => reader(text)[how](), MalformedDataError, `${how} of ${text}`)
}

describe('a reader', () => {
  test('gives back lists of strings and what was left out, item by item, up to the end', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(bytes, fc.array(bytes, { maxLength: 5 }))), (list) => {
        const all = new FrameReader(frame(list))
        assert.equal(all.list(), list.length)
        for (const item of list) {
          if (Buffer.isBuffer(item)) {
            assert.deepStrictEqual(all.bytes(), item)
            continue
          }
          assert.equal(all.list(), item.length)
          for (const inner of item) assert.equal(all.text(), inner.toString('latin1'))
        }
        assert.throws(() => all.list(), /ends too early/, 'the end')
      }),
      { numRuns: 300 },
    )
  })

  test('reads every form in which cmsgpack writes strings, lists and false', () => {
    for (const text of ['a3 616263', 'd9 03 616263', 'da 0003 616263', 'db 00000003 616263']) {
      assert.equal(reader(text).text(), 'abc')
      assert.deepStrictEqual(reader(text).bytes(), Buffer.from('abc'))
      assert.deepStrictEqual(reader(text).optional(), Buffer.from('abc'))
    }
    assert.equal(reader('a1 ff').text(), 'ÿ')
    assert.equal(reader('a0').text(), '')
    assert.equal(reader(`bf${'61'.repeat(31)}`).text(), 'a'.repeat(31))
    for (const text of ['92 a0a0', 'dc 0002 a0a0', 'dd 00000002 a0a0']) assert.equal(reader(text).list(), 2)
    assert.equal(reader('90').list(), 0)
    assert.equal(reader(`9f${'a0'.repeat(15)}`).list(), 15)
    const left = reader('c2 a161')
    assert.equal(left.optional(), undefined)
    assert.equal(left.text(), 'a')
  })

  test('throws MalformedDataError for numbers, maps, binaries, extensions and nil', () => {
    for (const type of [
      '00',
      '7f',
      '80',
      '8f',
      'c0',
      'c1',
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
      malformed(`${type} 0000000000000000`)
    }
    malformed('c2', ['list', 'text', 'bytes'])
    malformed('91 a0', ['text', 'bytes', 'optional'])
    malformed('a1 61', ['list'])
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
      malformed(text)
    }
  })

  test('throws MalformedDataError at the end of each beginning of a message', () => {
    const whole = frame(['id', ['state', Buffer.alloc(300)], Buffer.from('x')])
    const readAll = (message: Buffer): void => {
      const some = new FrameReader(message)
      some.list()
      some.text()
      some.list()
      some.text()
      some.bytes()
      some.optional()
    }
    readAll(whole)
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => readAll(whole.subarray(0, length)), MalformedDataError)
    }
  })

  test('makes lists and strings or a MalformedDataError of any bytes, and never reads beyond them', () => {
    const listy = fc.array(
      fc.constantFrom(0x90, 0x91, 0x93, 0xa0, 0xa1, 0xa3, 0xc2, 0xd9, 0xda, 0xdc, 0xdd, 0, 1, 2),
    )
    const any = fc.uint8Array({ maxLength: 60 })
    fc.assert(
      fc.property(fc.oneof(any, listy), fc.array(fc.constantFrom(...READS)), (junk, reads) => {
        const some = new FrameReader(Buffer.from(junk))
        let read = 0
        try {
          for (const how of reads) {
            const value = some[how]()
            if (typeof value === 'number') assert.ok(value >= 0 && value <= junk.length)
            else read += value?.length ?? 0
          }
        } catch (error) {
          if (!(error instanceof MalformedDataError)) throw error
        }
        assert.ok(read <= junk.length)
      }),
      { numRuns: 3000 },
    )
  })
})
