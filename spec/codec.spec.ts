import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decode, type EncodeLimits, encode, MAX_DEPTH } from '../lib/codec.ts'
import { MalformedDataError, PayloadTooLargeError, UnsupportedValueError } from '../lib/errors.ts'

const LIMITS: EncodeLimits = { what: 'value', maxBytes: Number.POSITIVE_INFINITY, hint: 'a hint' }
const pack = (value: unknown): Buffer => encode(value, LIMITS)
const cross = (value: unknown): unknown => decode(pack(value))
const comesBack = (value: unknown): void => assert.deepStrictEqual(cross(value), value)

const refused = (value: unknown): UnsupportedValueError => {
  try {
    pack(value)
  } catch (error) {
    assert.ok(error instanceof UnsupportedValueError, `not an UnsupportedValueError: ${error}`)
    assert.equal(error.code, 'ERR_MILLRACE_UNSUPPORTED_VALUE')
    return error
  }
  assert.fail('it was not refused')
}

/** [[[…]]], `levels` deep. */
const nested = (levels: number, wrap: (inner: unknown) => unknown = (inner) => [inner]): unknown => {
  let value: unknown = 'core'
  for (let i = 0; i < levels; i++) value = wrap(value)
  return value
}

function fibonacci(n: number): bigint {
  let [a, b] = [0n, 1n]
  for (let i = 0; i < n; i++) [a, b] = [b, a + b]
  return a
}

describe('what comes back as it went', () => {
  test('BigInts of any size, positive and negative', () => {
    fc.assert(fc.property(fc.bigInt({ min: -(2n ** 3000n), max: 2n ** 3000n }), comesBack), { numRuns: 300 })
  })

  test('BigInts around every power of two, where an encoding may change', () => {
    const powers = [...Array.from({ length: 200 }, (_, i) => i), 1023, 1024, 65_534, 65_535, 65_536, 65_537]
    for (const power of powers) {
      const edge = 2n ** BigInt(power)
      for (const near of [edge - 1n, edge, edge + 1n]) {
        comesBack(near)
        comesBack(-near)
      }
    }
  })

  test('a BigInt as large as fib(100,000), and its negative', () => {
    const value = fibonacci(100_000)
    comesBack(value)
    comesBack({ list: [-value, ~value] })
  })

  test('whole numbers around 2^53, floats, NaN and the infinities', () => {
    const edges = [2 ** 31, 2 ** 32, 2 ** 52, 2 ** 53, 2 ** 63, 2 ** 64]
    const near = edges.flatMap((edge) => [edge - 1, edge, edge + 1])
    comesBack([...near, ...near.map((value) => -value)])
    comesBack([0, 31, 32, 63, 64, 127, 128, 255, 256, -1, -32, -33, -128, -129, 65_535, 65_536])
    comesBack([0.1, 1 / 3, Number.MAX_VALUE, Number.MIN_VALUE, Number.EPSILON, 1e21, -1.5])
    comesBack([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
  })

  test('undefined and null: alone, in arrays, in objects, in Maps and Sets', () => {
    comesBack(undefined)
    comesBack(null)
    comesBack([undefined, null, [undefined]])
    comesBack({ a: undefined, b: null })
    comesBack(new Map([[undefined, null]]))
    comesBack(new Set([undefined, null]))
  })

  test('Dates, before 1970, far away, with milliseconds, and invalid', () => {
    const times = [0, 1, 999, -1, -86_400_001, 2 ** 32 * 1000 - 1, 2 ** 32 * 1000, 2 ** 34 * 1000 + 7]
    comesBack([...times, 8.64e15, -8.64e15, Date.now()].map((time) => new Date(time)))
    const invalid = cross(new Date(Number.NaN))
    assert.ok(invalid instanceof Date && Number.isNaN(invalid.getTime()))
  })

  test('Maps with keys of any kind, and Sets, in their order', () => {
    const map = new Map<unknown, unknown>([
      ['text', 1],
      [1, 'number'],
      [{ a: 1 }, [2]],
      [10n ** 30n, new Map([[true, new Set(['x'])]])],
    ])
    comesBack(map)
    assert.deepEqual([...(cross(map) as typeof map).keys()], [...map.keys()])
    comesBack(new Set([3, 1, 2, 'b', 'a']))
    assert.deepEqual([...(cross(new Set([3, 1, 2])) as Set<number>)], [3, 1, 2])
    comesBack([new Map(), new Set(), {}, []])
  })

  test('Buffers, ArrayBuffers, DataViews and every typed array, with exactly their bytes', () => {
    const bytes = Buffer.from('0001020304050607ff7f8001fefdfcfb', 'hex')
    const own = new Uint8Array(bytes).buffer
    comesBack(bytes)
    comesBack(own)
    comesBack(new DataView(own))
    for (const length of [0, 1, 255, 256, 65_535, 65_536, 300_000]) comesBack(Buffer.alloc(length, 7))
    const kinds = [
      ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
      ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array],
    ]
    for (const Kind of kinds) {
      comesBack(new Kind(own))
      comesBack(new Kind(0))
      // A view of a part: nothing of what lies around it goes along.
      const part = new Kind(own, 8, 1)
      const back = cross(part) as ArrayBufferView
      assert.deepStrictEqual(back, part)
      assert.equal(back.constructor, Kind)
      assert.equal(back.buffer.byteLength, back.byteLength)
    }
    assert.ok(Buffer.isBuffer(cross(bytes)))
    assert.ok(!Buffer.isBuffer(cross(new Uint8Array(3))))
  })

  test('strings of every length class and script', () => {
    for (const length of [0, 1, 31, 32, 63, 64, 255, 256, 65_535, 65_536, 200_000]) {
      comesBack('x'.repeat(length))
      comesBack('ж'.repeat(length))
    }
    comesBack(['😀', '日本語', '\0', '\u{10ffff}', 'e\u0301', '\ufeffmark', '\uffff'])
    comesBack({ '': 1, 'ключ 😀': 2, ['k'.repeat(300)]: 3 })
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 80 }), { maxLength: 20 }), comesBack),
    )
  })

  test('objects of many shapes in one value', () => {
    // msgpackr numbers the shapes that it meets and starts over after 64.
    const shapes = Array.from({ length: 300 }, (_, i) => ({
      [`a${i}`]: i,
      [`b${i % 7}`]: { [`c${i % 90}`]: i },
    }))
    comesBack([...shapes, ...shapes])
    comesBack(nested(100, (inner) => ({ [`k${JSON.stringify(inner).length}`]: inner, other: { inner: 1 } })))
    comesBack([{ a: 1 }, { a: 1, __keys__: 2 }, { __keys__: 1 }, { a: 3 }, { a: 1, __keys__: 4, b: 5 }])
    comesBack({ constructor: 1, hasOwnProperty: 2, toString: 3, valueOf: 4, prototype: 5 })
    comesBack(Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i])))
  })

  test('any value of these, nested in any way', () => {
    const key = fc.string({ unit: 'binary', maxLength: 12 }).filter((name) => name !== '__proto__')
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        tie('leaf'),
        tie('array'),
        tie('object'),
        tie('map'),
        tie('set'),
      ),
      leaf: fc.oneof(
        fc.constantFrom(null, undefined, true, false),
        fc.integer(),
        fc.maxSafeInteger(),
        fc.double().map((number) => (Object.is(number, -0) ? 0 : number)),
        fc.bigInt({ min: -(2n ** 100n), max: 2n ** 100n }),
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.date({ noInvalidDate: true }),
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        fc.float64Array({ maxLength: 4 }),
        fc.int16Array({ maxLength: 4 }),
      ),
      array: fc.array(tie('value'), { maxLength: 6 }),
      object: fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
      map: fc.array(fc.tuple(tie('leaf'), tie('value')), { maxLength: 4 }).map((pairs) => new Map(pairs)),
      set: fc.array(tie('leaf'), { maxLength: 4 }).map((items) => new Set(items)),
    }))
    fc.assert(fc.property(value, comesBack), { numRuns: 500 })
  })
})

describe('references', () => {
  test('an object that is met twice is one object again', () => {
    const shared = { a: [1] }
    const back = cross([shared, shared, new Map([['x', shared]]), { deep: shared.a }]) as [
      typeof shared,
      typeof shared,
      Map<string, typeof shared>,
      { deep: number[] },
    ]
    assert.deepStrictEqual(back[0], shared)
    assert.equal(back[0], back[1])
    assert.equal(back[0], back[2].get('x'))
    assert.equal(back[0].a, back[3].deep)
    const bytes = Buffer.from('bytes')
    const [first, second] = cross([bytes, bytes]) as [Buffer, Buffer]
    assert.equal(first, second)
    const twins = cross([{ a: 1 }, { a: 1 }]) as [object, object]
    assert.notEqual(twins[0], twins[1])
  })

  test('circles close through arrays, objects, Maps and Sets', () => {
    const array: unknown[] = [1]
    array.push(array)
    const object: Record<string, unknown> = { array }
    object.self = object
    const map = new Map<unknown, unknown>([['object', object]])
    map.set(map, map)
    const set = new Set<unknown>([map])
    set.add(set)
    comesBack(array)
    comesBack(object)
    comesBack(map)
    comesBack(set)
    const back = cross(set) as Set<unknown>
    assert.ok(back.has(back))
  })

  test('any graph comes back with the same nodes and the same edges', () => {
    const kinds = ['array', 'object', 'map', 'set'] as const
    const edge = fc.record({ from: fc.nat(5), to: fc.nat(5), name: fc.constantFrom('a', 'b', 'c', 'd') })
    const graph = fc.record({
      nodes: fc.array(fc.constantFrom(...kinds), { minLength: 6, maxLength: 6 }),
      edges: fc.array(edge, { maxLength: 14 }),
    })
    fc.assert(
      fc.property(graph, ({ nodes, edges }) => {
        const made = nodes.map((kind) => {
          if (kind === 'array') return []
          if (kind === 'object') return {}
          return kind === 'map' ? new Map() : new Set()
        })
        for (const { from, to, name } of edges) link(made[from]!, made[to]!, name)
        sameGraph(cross(made), made)
      }),
      { numRuns: 500 },
    )
  })

  function link(from: object, to: object, name: string): void {
    if (Array.isArray(from)) from.push(to)
    else if (from instanceof Map) from.set(name, to)
    else if (from instanceof Set) from.add(to)
    else Object.assign(from, { [name]: to })
  }

  /** Walks both side by side: each object of one stands for one object of the other, always the same. */
  function sameGraph(back: unknown, went: unknown): void {
    const pairs = new Map<object, object>()
    const reverse = new Map<object, object>()
    const visit = (a: unknown, b: unknown): void => {
      if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
        assert.deepStrictEqual(a, b)
        return
      }
      assert.equal(pairs.get(a) ?? b, b)
      assert.equal(reverse.get(b) ?? a, a)
      if (pairs.has(a)) return
      pairs.set(a, b)
      reverse.set(b, a)
      assert.equal(a.constructor, b.constructor)
      const [left, right] = [partsOf(a), partsOf(b)]
      assert.equal(left.length, right.length)
      left.forEach((part, index) => {
        visit(part, right[index])
      })
    }
    visit(back, went)
  }

  function partsOf(value: object): unknown[] {
    if (value instanceof Map) return [...value].flat()
    if (value instanceof Set) return [...value]
    return Object.entries(value).flat()
  }
})

describe('what does not come back as it went', () => {
  test('-0 is 0, and holes of an array are undefined', () => {
    assert.ok(Object.is(cross(-0), 0))
    // biome-ignore lint/suspicious/noSparseArray: that is what is sent
    assert.deepStrictEqual(cross([1, , 3]), [1, undefined, 3])
  })

  test('an instance of a class is a plain object with its own fields, or what its toJSON gives', () => {
    class Point {
      readonly x = 1
      readonly #secret = 2
      get sum(): number {
        return this.x + this.#secret
      }
    }
    class Money {
      readonly cents = 5
      toJSON(): unknown {
        return { amount: '0.05' }
      }
    }
    const back = cross(new Point()) as object
    assert.deepStrictEqual(back, { x: 1 })
    assert.equal(Object.getPrototypeOf(back), Object.prototype)
    assert.deepStrictEqual(cross([new Money(), new URL('http://a/b')]), [{ amount: '0.05' }, 'http://a/b'])
    const money = new Money()
    const [first, second] = cross([money, money]) as [object, object]
    assert.equal(first, second)
    assert.deepStrictEqual(cross(Object.assign(Object.create(null), { a: 1 })), { a: 1 })
  })

  test('of classes derived from collections, a Set is a Set, an Array is an Array, and a Map is empty', () => {
    class Tags extends Set<string> {}
    class List extends Array<number> {}
    class Table extends Map<string, number> {}
    assert.deepStrictEqual(cross(new Tags(['a'])), new Set(['a']))
    assert.deepStrictEqual(cross(List.from([1, 2])), [1, 2])
    assert.deepStrictEqual(cross(new Table([['a', 1]])), {})
  })

  test('half of a surrogate pair is a replacement character, and the rest of the string stays', () => {
    assert.match(cross('a\ud800b') as string, /^a\ufffd+b$/)
    assert.match(cross(`${'x'.repeat(100)}\udc00b`) as string, /^x{100}\ufffd+b$/)
  })

  test('an error inside a value keeps its name, message and cause', () => {
    const back = cross({ error: new TypeError('no', { cause: 'because' }) }) as { error: Error }
    assert.ok(back.error instanceof TypeError)
    assert.equal(back.error.message, 'no')
    assert.equal(back.error.cause, 'because')
  })

  test('keys that are symbols stay behind', () => {
    assert.deepStrictEqual(cross({ [Symbol('hidden')]: 1, shown: 2 }), { shown: 2 })
  })

  test('a key named __proto__ gets another name and reaches no prototype', () => {
    const evil = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}')
    const back = cross([evil, { constructor: { prototype: { polluted: true } } }]) as [object, object]
    assert.deepStrictEqual(back[0], { __proto_: { polluted: true }, a: 1 })
    assert.equal(Object.getPrototypeOf(back[0]), Object.prototype)
    // The same by hand: a record's definition, a map, and many of the same record, which are read by made code.
    const key = [0xa9, ...Buffer.from('__proto__')]
    const record = [0xd4, 0x72, 0x40, 0x91, ...key, 0x81, 0xa1, 0x78, 1]
    const more = Array.from({ length: 9 }, () => [0x40, 0x81, 0xa1, 0x78, 1]).flat()
    for (const bytes of [record, [0x81, ...key, 0x80], [0x9a, ...record, ...more]]) {
      const value = decode(Buffer.from(bytes)) as object
      for (const item of Array.isArray(value) ? value : [value]) {
        assert.ok(!(item instanceof Map) || item.size === 1)
        assert.ok([Object.prototype, Map.prototype].includes(Object.getPrototypeOf(item)))
      }
    }
    assert.equal(({} as { polluted?: boolean }).polluted, undefined)
    assert.deepEqual(Object.keys(Object.prototype), [])
  })
})

describe('what is refused', () => {
  const fn = (): void => {}
  const places: readonly [place: string, value: unknown][] = [
    ['value', fn],
    ['value', Symbol('s')],
    ['value[2]', [1, 2, fn]],
    ['value.a.b[0]', { a: { b: [Symbol('s')] } }],
    ['value.toJSON', { toJSON: () => 1, a: 1 }],
    ['value.get(k).x', new Map([['k', { x: fn }]])],
    ['value.get(…)', new Map([[Object.create(null), fn]])],
    ['value key', new Map([[fn, 1]])],
    ['value[1]', new Set([1, fn])],
    ['value.cause', new Error('e', { cause: fn })],
    [
      'value.at',
      new (class Thing {
        at = fn
      })(),
    ],
    [
      'value.toJSON().x',
      new (class Thing {
        toJSON(): unknown {
          return { x: fn }
        }
      })(),
    ],
  ]
  for (const [place, value] of places) {
    test(`a function or symbol at ${place}, which the path names`, () => {
      const error = refused(value)
      assert.equal(error.path, place)
      assert.match(error.message, /is a (function|symbol), which cannot be sent$/)
    })
  }

  test('a promise, however deep and however small the value', async () => {
    const promise = Promise.resolve(1)
    for (const [path, value] of [
      ['value', promise],
      ['value.a', { a: promise }],
      ['value[1].x', [0, { x: promise }, 'y'.repeat(500)]],
    ] as const) {
      const error = refused(value)
      assert.equal(error.path, path)
      assert.match(error.message, /is a promise: await it/)
    }
    await promise
  })

  test('the path begins with the name and the part that the caller gave', () => {
    const limits = { ...LIMITS, what: 'arguments' }
    const args = [1, { on: fn }]
    assert.throws(() => encode(['task', args], limits, args), { path: 'arguments[1].on' })
  })

  test('nesting past the limit; nesting up to it comes back', () => {
    const wraps: ((inner: unknown) => unknown)[] = [
      (inner) => [inner],
      (inner) => ({ inner }),
      (inner) => new Map([['inner', inner]]),
      (inner) => new Set([inner]),
    ]
    for (const wrap of wraps) {
      comesBack(nested(MAX_DEPTH, wrap))
      for (const levels of [MAX_DEPTH + 1, 20_000]) {
        const error = refused({ a: nested(levels - 1, wrap) })
        assert.match(error.message, /is nested deeper than 128 levels$/)
        assert.match(error.path, /^value\.a/)
        assert.ok(error.path.length < 100, 'a path of thousands of steps is cut')
      }
    }
  })

  test('a typed array of a class of its own, which nobody could unpack', () => {
    class Pixels extends Uint8Array {}
    assert.equal(refused({ image: new Pixels(3) }).path, 'value.image')
  })

  test('a getter or a toJSON that throws, with its reason', () => {
    const getter = {
      get a(): never {
        throw new RangeError('the reason')
      },
    }
    const json = new (class Thing {
      toJSON(): never {
        throw new RangeError('the reason')
      }
    })()
    for (const value of [getter, json, [json]]) assert.match(refused(value).message, /packed: the reason$/)
  })

  test('a value that looks different when it is packed', () => {
    let looks = 0
    const fickle = {
      get now(): unknown {
        looks += 1
        return looks === 1 ? 'harmless' : () => 1
      },
    }
    assert.match(refused(fickle).message, /^value cannot be packed: it holds a function$/)
  })

  test('a value that is too large, with its size and the limit; one that just fits is sent', () => {
    const bytes = pack('x'.repeat(1000)).length
    assert.equal(encode('x'.repeat(1000), { ...LIMITS, maxBytes: bytes }).length, bytes)
    const limits = { what: 'result', maxBytes: bytes - 1, hint: 'raise maxResult' }
    assert.throws(
      () => encode('x'.repeat(1000), limits),
      (error: unknown) => {
        assert.ok(error instanceof PayloadTooLargeError)
        assert.equal(error.code, 'ERR_MILLRACE_PAYLOAD_TOO_LARGE')
        assert.deepEqual([error.bytes, error.limit], [bytes, bytes - 1])
        assert.match(
          error.message,
          /^result: \d+ bytes packed, and at most \d+ are allowed \(raise maxResult\)$/,
        )
        return true
      },
    )
  })
})

describe('one encode after another', () => {
  test('after a refusal the next value is packed as ever', () => {
    const good = { a: [1, { b: 'two' }], c: new Map([[1, 2]]) }
    const bytes = pack(good)
    for (const bad of [() => 1, { a: 1, f: () => 1 }, nested(20_000), new Set([Symbol('s')])]) {
      refused(bad)
      assert.deepStrictEqual(pack(good), bytes)
      comesBack(good)
    }
  })

  test('a toJSON may encode, decode and be refused while the value around it is packed', () => {
    class Envelope {
      toJSON(): unknown {
        const inner = { inside: [1, 2], b: 'x'.repeat(9000) }
        assert.throws(() => pack({ bad: () => 1 }), UnsupportedValueError)
        return { length: pack(inner).length, back: cross(inner) }
      }
    }
    const inside = { inside: [1, 2], b: 'x'.repeat(9000) }
    const expected = { length: pack(inside).length, back: inside }
    const around = [
      { b: 1, z: 2 },
      { inside: 0, b: 3 },
    ]
    assert.deepStrictEqual(cross([...around, new Envelope(), ...around, new Envelope(), { z: 9 }]), [
      ...[...around, expected, ...around, expected, { z: 9 }],
    ])
  })

  test('a toJSON may encode something large', () => {
    const large = new (class {
      toJSON(): unknown {
        return pack(Buffer.alloc(3_000_000)).length
      }
    })()
    assert.deepStrictEqual(cross(['before', large, 'after']), ['before', 3_000_005, 'after'])
  })

  test('what was packed stays as it is when more is packed, and when the value changes', () => {
    const bytes = Buffer.from('unchanged')
    const kept = pack([bytes, 'text'])
    const copy = Buffer.from(kept)
    bytes.fill(0)
    for (let i = 0; i < 2000; i++) pack({ i, text: 'y'.repeat(50) })
    assert.deepStrictEqual(kept, copy)
  })

  test('after a large value a small one does not hold on to its memory', () => {
    assert.throws(() => encode(Buffer.alloc(20_000_000), { ...LIMITS, maxBytes: 1000 }), PayloadTooLargeError)
    assert.ok(pack([1]).buffer.byteLength <= 1024 * 1024)
  })
})

describe('decode', () => {
  /** A value or a MalformedDataError: nothing else may come of bytes. */
  const survives = (bytes: Buffer): void => {
    try {
      decode(bytes)
    } catch (error) {
      if (!(error instanceof MalformedDataError)) throw error
      assert.equal(error.code, 'ERR_MILLRACE_MALFORMED_DATA')
    }
  }
  const malformed = (bytes: Buffer): void => assert.throws(() => decode(bytes), MalformedDataError)

  test('makes a value or a MalformedDataError of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => survives(Buffer.from(bytes))),
      { numRuns: 2000 },
    )
    assert.deepEqual(Object.keys(Object.prototype), [])
  })

  test('makes a value or a MalformedDataError of valid bytes with some of them changed', () => {
    const shared = { s: 1 }
    const sample = pack([
      ...[shared, shared, 'text', 'ж'.repeat(50), 2n ** 70n, new Date(), new Map([[1, { a: 'b' }]])],
      ...[new Set([1]), new Float64Array(2), Buffer.from('bytes'), /a+/g, new Error('e'), undefined, 1.5],
    ])
    const change = fc.tuple(fc.nat(sample.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = Buffer.from(sample)
        for (const [at, byte] of changes) bytes[at] = byte
        survives(bytes)
      }),
      { numRuns: 3000 },
    )
    assert.deepEqual(Object.keys(Object.prototype), [])
  })

  test('refuses every beginning of a value, and a value with something behind it', () => {
    const shared = ['s']
    const whole = pack({
      a: [1, 'text', 'x'.repeat(70), 2n ** 90n],
      m: new Map([[shared, shared]]),
      d: new Date(),
    })
    for (let length = 0; length < whole.length; length++) malformed(whole.subarray(0, length))
    malformed(Buffer.concat([whole, Buffer.from([1])]))
  })

  test('refuses sizes that are not there, without memory for them', () => {
    const heads = ['dc', 'dd', 'de', 'df', 'd9', 'da', 'db', 'c4', 'c5', 'c6', 'c7', 'c8', 'c9']
    for (const head of heads) {
      for (const size of ['ffffffff', '7fffffff', '0fffffff']) {
        for (const tail of ['', '00', '42', '74', '69', '62', '01020304050607']) {
          malformed(Buffer.from(head + size + tail, 'hex'))
        }
      }
    }
    // Each level asks for as much as is left.
    const levels = Array.from({ length: 1000 }, () => [0xdc, 0x0b, 0x00]).flat()
    malformed(Buffer.from(levels))
  })

  test('refuses a megabyte of nesting, and can go on', () => {
    for (const unit of ['91', '8101', '81a161', 'd47300', 'd66900000001', 'd4724091a161']) {
      malformed(Buffer.alloc(1024 * 1024, Buffer.from(unit, 'hex')))
      comesBack({ after: [1] })
    }
  })

  test('does not write out what a few bytes say many times', () => {
    let value: unknown = ['leaf']
    for (let i = 0; i < 100; i++) value = [value, value]
    const bytes = pack(value)
    assert.ok(bytes.length < 2000)
    assert.ok(Array.isArray(decode(bytes)))
    // As JSON this would be 2^100 leaves.
    assert.throws(() => decode(Buffer.concat([bytes, Buffer.from([0])])), {
      message: `${bytes.length + 1} bytes where ${bytes.length} make a value`,
    })
  })

  test('learns nothing from bytes that another decode would use', () => {
    // A record: its shape is given the number 0x40, then its one value follows.
    assert.deepStrictEqual(decode(Buffer.from([0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 7])), { a: 7 })
    assert.equal(decode(Buffer.from([0x40])), 0x40)
    malformed(Buffer.from([0x40, 7]))
    assert.deepStrictEqual(cross([{ b: 8 }, { b: 9 }]), [{ b: 8 }, { b: 9 }])
  })

  test('gives Buffers and typed arrays of their own: changing the input changes nothing', () => {
    const bytes = Buffer.from(
      pack([Buffer.from('abc'), new Uint8Array([1, 2]), 'text', Buffer.alloc(5000, 1)]),
    )
    const [buffer, array, text, large] = decode(bytes) as [Buffer, Uint8Array, string, Buffer]
    bytes.fill(0xff)
    assert.equal(buffer.toString(), 'abc')
    assert.deepEqual([...array], [1, 2])
    assert.equal(text, 'text')
    assert.ok(large.every((byte) => byte === 1))
    for (const view of [buffer, array, large]) assert.notEqual(view.buffer, bytes.buffer)
  })

  test('reads a part of a larger buffer as that part alone', () => {
    const value = ['ж', { a: 'text' }, 'x'.repeat(100)]
    const bytes = pack(value)
    const around = Buffer.concat([Buffer.alloc(37, 0xdb), bytes, Buffer.alloc(50, 0xdb)])
    assert.deepStrictEqual(decode(around.subarray(37, 37 + bytes.length)), value)
    malformed(around.subarray(37, 36 + bytes.length))
  })
})
