import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { OptionError } from '../lib/errors.ts'
import { checkName, isName, newClientId, newTaskId, newWorkerId } from '../lib/ids.ts'
import { anything, integer, name, optionalInteger, resolve, show } from '../lib/options.ts'

const CHECKS = {
  concurrency: integer(10, 1, 100),
  lease: integer(15_000, 500),
  ttl: optionalInteger(0, 1000),
  namespace: name('millrace'),
  redis: anything<string>(),
}
const given = (options: object | undefined) => resolve('Queue', options, CHECKS)

const messageOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    assert.ok(error instanceof OptionError, `not an OptionError: ${error}`)
    assert.equal(error.code, 'ERR_MILLRACE_OPTION')
    return error.message
  }
  assert.fail('it was not refused')
}

describe('resolve', () => {
  test('gives every option: what was given, else its default', () => {
    const defaults = {
      concurrency: 10,
      lease: 15_000,
      ttl: undefined,
      namespace: 'millrace',
      redis: undefined,
    }
    assert.deepStrictEqual(given(undefined), defaults)
    assert.deepStrictEqual(given({}), defaults)
    assert.deepStrictEqual(given({ lease: undefined, ttl: undefined }), defaults)
    assert.deepStrictEqual(given({ concurrency: 1, ttl: 0, redis: 'x', namespace: 'a' }), {
      ...{ concurrency: 1, lease: 15_000, ttl: 0, namespace: 'a', redis: 'x' },
    })
  })

  test('refuses an unknown name and lists the known ones', () => {
    assert.equal(
      messageOf(() => given({ concurency: 1 })),
      'Queue: unknown option "concurency" (known: concurrency, lease, ttl, namespace, redis)',
    )
    assert.match(
      messageOf(() => given({ ['x'.repeat(10_000)]: 1 })),
      /^.{0,300}$/,
    )
  })

  test('knows no option that is only a name of Object.prototype', () => {
    for (const key of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      const options = JSON.parse(`{"${key}": 1}`)
      assert.match(
        messageOf(() => given(options)),
        new RegExp(`unknown option "${key}"`),
      )
    }
  })

  test('refuses what is not an object of options', () => {
    for (const wrong of [null, [], 5, 'redis://host', true, () => 1] as unknown[]) {
      assert.match(
        messageOf(() => given(wrong as object)),
        /^Queue: options must be an object \(given: /,
      )
    }
  })

  test('does not change what it was given', () => {
    const options = Object.freeze({ concurrency: 5 })
    assert.equal(given(options).concurrency, 5)
  })
})

describe('an option that is a whole number', () => {
  test('may be each end of its range and nothing outside', () => {
    for (const concurrency of [1, 100]) assert.equal(given({ concurrency }).concurrency, concurrency)
    for (const wrong of [0, 101, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.equal(
        messageOf(() => given({ concurrency: wrong })),
        `Queue: concurrency must be a whole number from 1 to 100 (given: ${wrong})`,
      )
    }
    assert.equal(
      messageOf(() => given({ lease: 499 })),
      'Queue: lease must be a whole number of at least 500 (given: 499)',
    )
    assert.equal(given({ lease: Number.MAX_SAFE_INTEGER }).lease, Number.MAX_SAFE_INTEGER)
  })

  test('takes no text, no BigInt and no null for a number', () => {
    for (const wrong of ['5', '', null, 5n, true, new Date(5), [5], { valueOf: () => 5 }, Symbol('five')]) {
      messageOf(() => given({ concurrency: wrong }))
      messageOf(() => given({ ttl: wrong }))
    }
  })

  test('may be absent where it has no default', () => {
    assert.equal(given({ ttl: undefined }).ttl, undefined)
    assert.match(
      messageOf(() => given({ ttl: -1 })),
      /^Queue: ttl must be a whole number from 0 to 1000/,
    )
  })
})

describe('messages', () => {
  test('never hold the content of an object', () => {
    const secret = { password: 's3cret', toString: () => 's3cret', toJSON: () => 's3cret' }
    for (const value of [
      secret,
      [secret],
      [['s3cret']],
      new Map([['s3cret', 1]]),
      () => 's3cret',
      new Error('s3cret'),
    ]) {
      assert.ok(['object', 'function'].includes(show(value)))
      for (const option of ['concurrency', 'ttl', 'namespace']) {
        assert.doesNotMatch(
          messageOf(() => given({ [option]: value })),
          /s3cret/,
        )
      }
    }
    assert.doesNotMatch(
      messageOf(() => given([secret])),
      /s3cret/,
    )
    assert.doesNotMatch(
      messageOf(() => checkName('task', [secret])),
      /s3cret/,
    )
  })

  test('show a plain value as it was written, and cut a long one', () => {
    const shown = [5, 'five', null, undefined, true, Number.NaN, 5n, Symbol('s')].map(show)
    assert.deepEqual(shown, ['5', '"five"', 'null', 'undefined', 'true', 'NaN', '5', 'Symbol(s)'])
    assert.ok(show('x'.repeat(10_000)).length < 150)
    assert.equal(show('a"\n'), '"a\\"\\n"')
  })
})

describe('names', () => {
  test('are 1 to 128 letters, digits and _ . : -', () => {
    for (const good of ['a', 'mail.send', 'A:b-c_9', '0', '.', '-', 'x'.repeat(128)]) {
      assert.ok(isName(good))
      assert.equal(checkName('task', good), good)
    }
  })

  test('are nothing that could leave its place in a Redis key', () => {
    const wrong = [
      '',
      'x'.repeat(129),
      'a b',
      'a/b',
      '{a}',
      'a\n',
      '\na',
      'a\0',
      'ä',
      '*',
      'a?',
      '[a]',
      '"',
      '😀',
    ]
    for (const value of [...wrong, 5, null, undefined, ['a'], { toString: () => 'a' }, new String('a')]) {
      assert.ok(!isName(value))
      assert.match(
        messageOf(() => checkName('task name', value)),
        /^task name must be 1 to 128 characters of A-Z a-z 0-9 _ \. : - \(given: /,
      )
    }
    assert.ok(messageOf(() => checkName('task name', 'ä'.repeat(10_000))).length < 300)
  })

  test('that pass the check hold only these characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 10 }), (text) => {
        const isGood = text.length > 0 && [...text].every((letter) => /[A-Za-z0-9_.:-]/.test(letter))
        assert.equal(isName(text), isGood)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('ids', () => {
  test('are names, short, and never the same', () => {
    for (const [make, length] of [
      [newTaskId, 22],
      [newClientId, 12],
      [() => newWorkerId('host-1'), 'host-1'.length + 9],
    ] as const) {
      const ids = Array.from({ length: 5000 }, () => make())
      assert.equal(new Set(ids).size, 5000)
      assert.ok(ids.every((id) => isName(id) && id.length === length))
    }
  })

  test('of clients hold only what Lua takes for one', () => {
    for (let i = 0; i < 1000; i++) assert.match(newClientId(), /^[\w-]+$/)
  })

  test('of workers begin with their name, of a long one with its end, and stay short', () => {
    assert.match(newWorkerId('mail.eu:1'), /^mail\.eu:1-[\w-]{8}$/)
    assert.match(newWorkerId(`${'x'.repeat(120)}-4711`), /^x{20}-4711-[\w-]{8}$/)
    assert.ok(isName(newWorkerId('x'.repeat(128))))
  })
})
