import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { decode, encode, MAX_DEPTH } from '../lib/codec.ts'
import { MalformedDataError } from '../lib/errors.ts'
import { decodeError, encodeError } from '../lib/remote-error.ts'

interface Remote extends Error {
  readonly code?: unknown
  readonly errors?: unknown[]
  readonly [field: string]: unknown
}

const cross = (thrown: unknown): unknown => decodeError(encodeError(thrown))
const crossError = (thrown: unknown): Remote => {
  const back = cross(thrown)
  assert.ok(back instanceof Error, `not an error: ${String(back)}`)
  return back as Remote
}
/** Bytes of a form that somebody else made. */
const form = (value: unknown): Buffer =>
  encode(value, { what: 'form', maxBytes: Number.POSITIVE_INFINITY, hint: '' })

class PaymentError extends Error {
  override name = 'PaymentError'
  readonly code = 'E_PAYMENT'
  readonly amount: bigint
  readonly retryable = false
  readonly inner = { not: 'plain' }

  constructor(message: string, amount: bigint, options?: ErrorOptions) {
    super(message, options)
    this.amount = amount
  }
}

describe('an error', () => {
  test('arrives as an Error with its name, message, code and stack', () => {
    const went = new PaymentError('declined', 5n)
    const back = crossError(went)
    assert.equal(back.name, 'PaymentError')
    assert.equal(back.message, 'declined')
    assert.equal(back.code, 'E_PAYMENT')
    assert.equal(back.stack, went.stack)
    assert.match(back.stack ?? '', /remote-error\.spec/)
    assert.equal(String(back), 'PaymentError: declined')
    assert.deepEqual(Object.keys(back).sort(), ['amount', 'code', 'retryable'])
  })

  test('brings its own plain fields, and leaves the others', () => {
    const back = crossError(new PaymentError('declined', 5n))
    assert.equal(back.amount, 5n)
    assert.equal(back.retryable, false)
    assert.ok(!('inner' in back))
    const system = Object.assign(new Error('x'), {
      errno: -2,
      path: '/a',
      nothing: null,
      at: new Date(),
      f() {},
    })
    const { errno, path, nothing } = crossError(system)
    assert.deepEqual([errno, path, nothing], [-2, '/a', null])
    assert.ok(!('at' in crossError(system)) && !('f' in crossError(system)))
  })

  test('keeps a numeric code, and drops one that is neither text nor number', () => {
    assert.equal(crossError(Object.assign(new Error('x'), { code: 404 })).code, 404)
    assert.ok(!('code' in crossError(Object.assign(new Error('x'), { code: { a: 1 } }))))
  })

  test('of a built-in class or a subclass without a name keeps the name that it goes by', () => {
    class Unnamed extends TypeError {}
    assert.equal(crossError(new RangeError('r')).name, 'RangeError')
    assert.equal(crossError(new Unnamed('u')).name, 'TypeError')
    const aborted = crossError(AbortSignal.abort().reason)
    assert.equal(aborted.name, 'AbortError')
    assert.equal(aborted.code, 20)
  })

  test('of another realm is an error too', () => {
    const back = crossError(runInNewContext('new TypeError("from elsewhere")'))
    assert.deepEqual([back.name, back.message], ['TypeError', 'from elsewhere'])
  })

  test('brings its chain of causes, down to a value that is not an error', () => {
    const went = new Error('outer', { cause: new PaymentError('middle', 1n, { cause: { id: 7 } }) })
    const back = crossError(went)
    const middle = back.cause as Remote
    assert.ok(middle instanceof Error)
    assert.deepEqual([middle.name, middle.message, middle.code], ['PaymentError', 'middle', 'E_PAYMENT'])
    assert.deepStrictEqual(middle.cause, { id: 7 })
    assert.ok(!Object.keys(back).includes('cause'), 'a cause is not enumerable')
    assert.ok(!('cause' in crossError(new Error('alone'))))
    assert.ok('cause' in crossError(new Error('none', { cause: undefined })))
  })

  test('that holds several arrives as an AggregateError with all of them', () => {
    const went = new AggregateError(
      [new TypeError('first'), 'second', new AggregateError([new Error('third')])],
      'all',
    )
    const back = crossError(went)
    assert.ok(back instanceof AggregateError)
    assert.equal(back.message, 'all')
    const [first, second, third] = back.errors as [Error, string, AggregateError]
    assert.deepEqual([first.name, first.message], ['TypeError', 'first'])
    assert.equal(second, 'second')
    assert.equal(third.errors[0].message, 'third')
  })

  test('that is its own cause, or goes around in a circle, ends', () => {
    const own = new Error('own')
    own.cause = own
    assert.equal((crossError(own).cause as Error).message, 'own')
    const a = new Error('a')
    const b = new Error('b', { cause: a })
    a.cause = b
    assert.equal((crossError(a).cause as Error).message, 'b')
    const all = new AggregateError([], 'all')
    all.errors.push(all, all, all)
    assert.equal(crossError(all).message, 'all')
  })

  test('with hundreds of causes or errors keeps the first ones', () => {
    let chain: Error = new Error('last')
    for (let i = 0; i < 500; i++) chain = new Error(`level ${i}`, { cause: chain })
    let length = 0
    for (let error: unknown = cross(chain); error instanceof Error; error = error.cause) length += 1
    assert.equal(length, 32)
    const many = new AggregateError(Array.from({ length: 500 }, (_, i) => new Error(`e${i}`)))
    assert.equal(crossError(many).errors?.length, 31)
  })

  test('with a huge message, code, stack or field is cut, and says how long it was', () => {
    const huge = 'm'.repeat(1_000_000)
    const went = Object.assign(new Error(huge), { code: huge, note: huge })
    const bytes = encodeError(went)
    assert.ok(bytes.length < 50_000)
    const back = decodeError(bytes) as Remote
    assert.match(back.message, /^m{8192}… \(1000000 characters\)$/)
    for (const text of [back.code, back.stack, back.note]) {
      assert.ok(typeof text === 'string' && text.length < 9000)
    }
  })

  test('with many own fields brings a few', () => {
    const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, i]))
    const back = crossError(Object.assign(new Error('x'), fields))
    assert.equal(Object.keys(back).length, 16)
    const named = crossError(Object.assign(new Error('x'), { ['k'.repeat(5000)]: 1 }))
    assert.equal(Object.keys(named)[0]?.length, 128)
  })

  test('whose getters throw arrives with what can be read', () => {
    const thrower = (): never => {
      throw new Error('from a getter')
    }
    const hostile = new Error('readable')
    // Node makes the text of a stack when it is first read, from the name and the message.
    assert.ok(hostile.stack)
    for (const key of ['name', 'code', 'stack', 'cause', 'errors', 'field']) {
      Object.defineProperty(hostile, key, { get: thrower, enumerable: true })
    }
    const back = crossError(hostile)
    assert.equal(back.message, 'readable')
    assert.equal(back.name, 'Error')
    const silent = new Error('x')
    assert.ok(silent.stack)
    Object.defineProperty(silent, 'message', { get: thrower })
    assert.equal(crossError(silent).message, '')
  })

  test('whose name or message is not a string arrives with it as text', () => {
    const odd = Object.assign(new Error(), { name: 5, message: { toString: () => 'made' } })
    const back = crossError(odd)
    assert.deepEqual([back.name, back.message], ['5', 'made'])
  })
})

describe('what was thrown and is not an error', () => {
  test('arrives as it went', () => {
    for (const thrown of [
      'text',
      '',
      0,
      null,
      undefined,
      false,
      10n ** 40n,
      [1, { a: 2 }],
      new Map([[1, 2]]),
    ]) {
      assert.deepStrictEqual(cross(thrown), thrown)
    }
    assert.deepStrictEqual(cross({ name: 'Looks', message: 'like an error' }), {
      name: 'Looks',
      message: 'like an error',
    })
  })

  test('arrives as text when it cannot cross, or is too large', () => {
    assert.equal(cross(Symbol('s')), 'Symbol(s)')
    assert.match(cross(() => 'body') as string, /=>\s*.body.$/)
    assert.equal(cross({ fn() {} }), '[object Object]')
    assert.equal(cross(Promise.resolve()), '[object Promise]')
    assert.match(cross('x'.repeat(1_000_000)) as string, /^x{8192}… \(1000000 characters\)$/)
    assert.equal(typeof cross(Object.assign(Object.create(null), { f() {} })), 'string')
    assert.equal(typeof cross([Object.create(null), () => 1]), 'string')
  })

  test('arrives, alone or as a cause, however deep it is nested', () => {
    for (const levels of [1, MAX_DEPTH - 3, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 5_000]) {
      let value: unknown = 'core'
      for (let i = 0; i < levels; i++) value = { inner: value }
      assert.ok(cross(value) !== undefined)
      const back = crossError(new TypeError('outer', { cause: value }))
      assert.deepEqual([back.name, back.message], ['TypeError', 'outer'])
    }
  })
})

describe('encodeError', () => {
  test('never throws, whatever was thrown', () => {
    const { proxy: revoked, revoke } = Proxy.revocable({}, {})
    revoke()
    const angry = (target: object): object =>
      new Proxy(target, {
        get: () => assert.fail('get'),
        has: () => assert.fail('has'),
        ownKeys: () => assert.fail('ownKeys'),
        getPrototypeOf: () => Error.prototype,
      })
    const rude = {
      toString: () => assert.fail('toString'),
      toJSON: () => assert.fail('toJSON'),
      f: () => 1,
    }
    let looks = 0
    const fickle = {
      get value(): unknown {
        looks += 1
        return looks > 2 ? () => 'now a function' : 1
      },
    }
    const things = [
      revoked,
      angry({}),
      angry(new Error('x')),
      rude,
      fickle,
      Object.create(null),
      new Proxy(Error, {}),
    ]
    for (const thing of things) {
      for (const thrown of [thing, new Error('x', { cause: thing }), new AggregateError([thing])]) {
        decodeError(encodeError(thrown))
      }
    }
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (a, b) => {
        decodeError(encodeError(a))
        const error = new Error('x', { cause: a })
        decodeError(
          encodeError(Object.assign(error, { name: b, code: a, errors: [b, a], stack: b, field: b })),
        )
      }),
      { numRuns: 500 },
    )
  })
})

describe('decodeError', () => {
  test('reads the short form that Lua makes: a msgpack map of name, code and message', () => {
    const text = (value: string): number[] => [0xa0 | value.length, ...Buffer.from(value)]
    const fields = ['name', 'PoisonError', 'code', 'ERR_MILLRACE_POISON', 'message', 'three crashes']
    const back = decodeError(Buffer.from([0x83, ...fields.flatMap(text)])) as Remote
    assert.ok(back instanceof Error)
    assert.deepEqual([back.name, back.code, back.message], [fields[1], fields[3], fields[5]])
    // Its stack would only show this library.
    assert.equal(back.stack, 'PoisonError: three crashes')
  })

  test('throws MalformedDataError for bytes that are no value', () => {
    assert.throws(() => decodeError(Buffer.alloc(0)), MalformedDataError)
    assert.throws(() => decodeError(Buffer.from([0x91])), MalformedDataError)
  })

  test('makes something of every form, and reaches no prototype', () => {
    const evil = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}')
    const junk = [
      ...[
        null,
        5,
        'text',
        [],
        {},
        new Map(),
        { name: 5 },
        { name: 'E' },
        { name: 'E', errors: [null, 5, 'x'] },
      ],
      ...[{ name: 'E', errors: {}, cause: null, code: {}, stack: 5, fields: 'text', message: 5 }, evil],
      ...[
        { name: 'E', cause: evil, fields: evil },
        { name: '__proto__', message: '__proto__', code: '__proto__' },
      ],
      ...[
        new Map<unknown, unknown>([
          ['name', 'E'],
          ['__proto__', evil],
          ['fields', new Map([['__proto__', 1]])],
        ]),
      ],
    ]
    for (const value of junk) {
      const back = decodeError(form(value))
      if (back instanceof Error) assert.equal(typeof back.message, 'string')
    }
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (a, b) => {
        decodeError(
          form({
            name: 'E',
            message: a,
            code: b,
            stack: a,
            cause: { name: 'C', fields: b },
            errors: [a],
            fields: a,
          }),
        )
      }),
      { numRuns: 300 },
    )
    assert.equal(({} as { polluted?: number }).polluted, undefined)
    assert.deepEqual(Object.keys(Object.prototype), [])
    assert.deepEqual(Object.keys(Error.prototype), [])
  })

  test('lets a form overwrite neither message nor stack nor cause by its fields', () => {
    const fields = { message: 'm', stack: 's', cause: 'c', name: 'n', code: 'k', errors: 'e', ok: 1 }
    const back = decodeError(form({ name: 'E', message: 'real', fields })) as Remote
    assert.deepEqual([back.name, back.message, back.cause, back.code], ['E', 'real', undefined, undefined])
    assert.deepEqual(Object.keys(back), ['ok'])
  })

  test('ends with forms that go around in circles or share their parts', () => {
    const circle: Record<string, unknown> = { name: 'E', message: 'circle' }
    circle.cause = circle
    assert.equal((decodeError(form(circle)) as Error).message, 'circle')
    let shared: Record<string, unknown> = { name: 'E', message: 'leaf' }
    for (let i = 0; i < 60; i++) shared = { name: 'E', message: `level ${i}`, errors: [shared, shared] }
    assert.ok(decode(form(shared)))
    assert.equal((decodeError(form(shared)) as Error).message, 'level 59')
  })
})
