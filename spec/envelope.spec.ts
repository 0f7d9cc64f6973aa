import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { encode } from '../lib/codec.ts'
import {
  callHead,
  clientOf,
  decodeCall,
  describeCall,
  encodeCall,
  encodeNameOnly,
  HEAD_ROOM,
  nameOf,
} from '../lib/envelope.ts'
import { MalformedDataError, PayloadTooLargeError, UnsupportedValueError } from '../lib/errors.ts'
import { newClientId } from '../lib/ids.ts'

const MANY = 1024 * 1024
const LIMITS = { what: 'test', maxBytes: MANY, hint: '' }

/** What lies in an entry: the head and the packed call. */
const entryOf = (client: string | undefined, packed: Buffer): Buffer =>
  Buffer.concat([callHead(client), packed])
const byHand = (value: unknown): Buffer => entryOf(undefined, encode(value, LIMITS))

describe('a call', () => {
  test('arrives with its name, its arguments and its options', () => {
    const args = [1n, undefined, { at: new Date(5), list: [new Set([1])] }, Buffer.from('x')]
    const options = { resultTtl: 60_000, failedTtl: 0 }
    const call = decodeCall(entryOf('abc', encodeCall('mail.send', args, options, MANY)))
    assert.deepStrictEqual(call, { name: 'mail.send', args, options })
  })

  test('arrives without options when it was made without', () => {
    const call = decodeCall(entryOf(undefined, encodeCall('fib', [10], {}, MANY)))
    assert.deepStrictEqual(call, { name: 'fib', args: [10], options: {} })
  })

  test('names its address in the head, which can be any client id or nobody', () => {
    const packed = encodeCall('fib', [10], {}, MANY)
    assert.equal(clientOf(entryOf(undefined, packed)), '')
    assert.deepEqual([...callHead(undefined)], [0])
    for (const client of [newClientId(), 'a', 'c'.repeat(255)]) {
      const entry = entryOf(client, packed)
      assert.equal(entry[0], client.length)
      assert.equal(clientOf(entry), client)
      assert.equal(decodeCall(entry).name, 'fib')
    }
    assert.equal(clientOf(Buffer.alloc(0)), '')
    assert.ok(callHead(newClientId()).length <= HEAD_ROOM)
  })

  test('is refused when an argument cannot cross, naming the argument', () => {
    const cases = [
      [[1, () => 1], 'arguments[1]'],
      [[{ a: { b: Symbol('s') } }], 'arguments[0].a.b'],
      [[[Promise.resolve()]], 'arguments[0][0]'],
    ] as const
    for (const [args, path] of cases) {
      assert.throws(
        () => encodeCall('t', args, { resultTtl: 1 }, MANY),
        (error: unknown) => error instanceof UnsupportedValueError && error.path === path,
      )
    }
  })

  test('is refused when it is too large, saying what to do', () => {
    assert.throws(
      () => encodeCall('t', ['x'.repeat(1000)], {}, 1000),
      (error: unknown) =>
        error instanceof PayloadTooLargeError &&
        error.limit === 1000 &&
        /^arguments: .*maxPayload/.test(error.message),
    )
  })
})

describe('decodeCall', () => {
  test('makes a call or a MalformedDataError of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (junk) => {
        try {
          const call = decodeCall(Buffer.from(junk))
          assert.match(call.name, /^[A-Za-z0-9_.:-]{1,128}$/)
          assert.ok(Array.isArray(call.args))
        } catch (error) {
          if (!(error instanceof MalformedDataError)) throw error
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('makes a call or a MalformedDataError of any packed value', () => {
    const piece = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, maxDepth: 3 })
    const value = fc.oneof(piece, fc.array(piece), fc.tuple(fc.constant('name'), piece, piece))
    fc.assert(
      fc.property(value, (junk) => {
        try {
          const call = decodeCall(byHand(junk))
          assert.ok(Array.isArray(call.args))
          for (const ttl of Object.values(call.options)) assert.ok(Number.isSafeInteger(ttl) && ttl >= 0)
        } catch (error) {
          if (!(error instanceof MalformedDataError)) throw error
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('refuses what is not a name with a list of arguments', () => {
    const wrong = [null, 5, 'fib', {}, [], ['fib'], ['fib', 1], ['fib', { 0: 1 }], [5, []], [['fib'], []]]
    const names = ['', 'a b', 'a/b', 'ä', 'x'.repeat(129), 'fib\n', '{x}']
    for (const value of [...wrong, ...names.map((name) => [name, []])]) {
      assert.throws(() => decodeCall(byHand(value)), MalformedDataError)
    }
    assert.throws(() => decodeCall(Buffer.alloc(0)), MalformedDataError)
    assert.throws(() => decodeCall(Buffer.from([0])), MalformedDataError)
    assert.throws(() => decodeCall(Buffer.from([200, 1, 2])), MalformedDataError)
  })

  test('takes no name for a handler of its own: names of Object.prototype are names like others', () => {
    assert.equal(decodeCall(byHand(['constructor', []])).name, 'constructor')
    assert.equal(decodeCall(byHand(['__proto__', []])).name, '__proto__')
  })

  test('ignores options that are unknown, of another type or out of range', () => {
    const optionsOf = (options: unknown): object => decodeCall(byHand(['t', [], options])).options
    for (const options of [undefined, null, 5, 'x', [], true, new Map([['resultTtl', 5]])]) {
      assert.deepStrictEqual(optionsOf(options), {})
    }
    const odd = [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '5', null, 5n, [5], new Date(5)]
    for (const value of odd) assert.deepStrictEqual(optionsOf({ resultTtl: value, failedTtl: value }), {})
    assert.deepStrictEqual(optionsOf({ resultTtl: 5, failedTtl: -1, priority: 'high', __proto_: 1 }), {
      resultTtl: 5,
    })
    assert.deepStrictEqual(optionsOf({ resultTtl: 1.2, failedTtl: Number.MAX_SAFE_INTEGER }), {
      resultTtl: 2,
      failedTtl: Number.MAX_SAFE_INTEGER,
    })
    assert.equal(({} as { resultTtl?: number }).resultTtl, undefined)
  })
})

describe('a call for people', () => {
  test('shows name and arguments', () => {
    const entry = entryOf('someone', encodeCall('fib', [10n], { resultTtl: 1 }, MANY))
    assert.deepStrictEqual(describeCall(entry), { name: 'fib', args: [10n] })
  })

  test('shows the name alone when only that was kept', () => {
    assert.deepStrictEqual(describeCall(Buffer.concat(encodeNameOnly('x'.repeat(128)))), {
      name: 'x'.repeat(128),
      args: undefined,
    })
    assert.throws(() => decodeCall(Buffer.concat(encodeNameOnly('fib'))), MalformedDataError)
  })

  test('shows its name by its first 512 bytes', () => {
    for (const length of [1, 31, 32, 127, 128]) {
      for (const client of [undefined, newClientId()]) {
        const name = 'n'.repeat(length)
        const entry = entryOf(client, encodeCall(name, ['x'.repeat(1_000)], { resultTtl: 1 }, MANY))
        assert.equal(nameOf(entry.subarray(0, 512)), name)
      }
    }
    assert.equal(nameOf(Buffer.concat(encodeNameOnly('fib'))), 'fib')
    for (const bytes of [Buffer.alloc(0), Buffer.from([9]), byHand(['not a name', []]), byHand([1, []])]) {
      assert.equal(nameOf(bytes), undefined)
    }
  })

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (junk) => {
        nameOf(Buffer.from(junk))
        const { name, args } = describeCall(Buffer.from(junk))
        assert.ok(name === undefined || typeof name === 'string')
        assert.ok(args === undefined || Array.isArray(args))
      }),
      { numRuns: 2000 },
    )
    for (const bytes of [Buffer.alloc(0), Buffer.from([9]), Buffer.alloc(1024 * 1024, 0x91)]) {
      assert.deepStrictEqual(describeCall(bytes), { name: undefined, args: undefined })
    }
    assert.deepStrictEqual(describeCall(byHand(['not a name', [1]])), { name: undefined, args: undefined })
    assert.deepStrictEqual(describeCall(byHand(['fib', 'no list'])), { name: 'fib', args: undefined })
  })
})
