import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { planOf } from '../lib/call-plan.ts'
import { OptionError } from '../lib/errors.ts'
import {
  type DefinitionOptions,
  resolveDefinition,
  resolveTaskOptions,
  type TaskOptions,
} from '../lib/task-options.ts'

const given = (options: object | undefined) => resolveTaskOptions('task', options as TaskOptions)
const plan = (options: TaskOptions) => planOf(given(options))

const messageOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    assert.ok(error instanceof OptionError, `not an OptionError: ${error}`)
    return error.message
  }
  assert.fail('it was not refused')
}
const refused = (options: unknown): string => messageOf(() => given(options as object))

describe('options of a call', () => {
  test('are only those that were given', () => {
    assert.deepEqual(given(undefined), {})
    assert.deepEqual(given({}), {})
    assert.deepEqual(given({ retries: undefined, delay: undefined }), {})
    const all = {
      ...{ resultTtl: 0, failedTtl: 5, priority: 'low', ttl: 0, deadline: 1, timeout: 1, retries: 0 },
      ...{ backoff: { type: 'fixed', delay: 3 }, key: 'k', keyTtl: 9, onDuplicate: 'again', delay: 2 },
    }
    assert.deepEqual(given(all), all)
  })

  test('times are numbers of ms of at least 0; fractions are rounded up', () => {
    assert.deepEqual(given({ delay: 0.1, ttl: 2, deadline: 2.5, keyTtl: 0 }), {
      ...{ delay: 1, ttl: 2, deadline: 3, keyTtl: 0 },
    })
    for (const name of ['delay', 'ttl', 'deadline', 'keyTtl']) {
      for (const bad of [
        -1,
        -0.1,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        1e300,
        '5',
        null,
        true,
        {},
        [],
        5n,
      ]) {
        assert.match(
          refused({ [name]: bad }),
          new RegExp(`^task: ${name} must be a number of ms from 0 to \\d+ `),
        )
      }
    }
  })

  test('`at` is a Date or ms since 1970', () => {
    const at = new Date('2030-01-01')
    assert.deepEqual(given({ at }), { at: at.getTime() })
    assert.deepEqual(given({ at: 17.5 }), { at: 18 })
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY, new Date(Number.NaN), '2030-01-01', null]) {
      assert.match(refused({ at: bad }), /^task: at must be a Date or a number of ms since 1970 \(given: /)
    }
  })

  test('an attempt has at least 1 ms and at most what a timer holds', () => {
    assert.deepEqual(given({ timeout: 2 ** 31 - 1 }), { timeout: 2 ** 31 - 1 })
    for (const bad of [0, -1, 1.5, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY, '1']) {
      assert.match(refused({ timeout: bad }), /^task: timeout must be a whole number from 1 to 2147483647 /)
    }
  })

  test('retries are a whole number', () => {
    assert.deepEqual(given({ retries: 1_000_000 }), { retries: 1_000_000 })
    for (const bad of [-1, 0.5, 1_000_001, Number.NaN, Number.POSITIVE_INFINITY, '1', null]) {
      assert.match(refused({ retries: bad }), /^task: retries must be a whole number from 0 to 1000000 /)
    }
  })

  test('a backoff is a number or its parts, exponential where nothing else is said', () => {
    assert.deepEqual(given({ backoff: 1.5 }).backoff, { type: 'fixed', delay: 2 })
    assert.deepEqual(given({ backoff: { delay: 5 } }).backoff, { type: 'exponential', delay: 5 })
    const whole = { type: 'exponential', delay: 5, max: 9, jitter: 1 }
    assert.deepEqual(given({ backoff: whole }).backoff, whole)
    assert.match(refused({ backoff: -1 }), /^task: backoff must be a number of ms from 0 to /)
    assert.match(
      refused({ backoff: 'fast' }),
      /^task: backoff must be a number of ms or \{ type, delay, max, jitter \}/,
    )
    assert.match(refused({ backoff: null }), /\(given: null\)$/)
    assert.match(refused({ backoff: () => 1 }), /\(given: function\)$/)
    assert.match(refused({ backoff: [5] }), /^task: backoff: options must be an object/)
    assert.equal(refused({ backoff: { type: 'fixed' } }), 'task: backoff: delay is missing, a number of ms')
    assert.match(refused({ backoff: { delay: Number.NaN } }), /^task: backoff: delay must be a number of ms/)
    assert.match(refused({ backoff: { delay: 1, max: -1 } }), /^task: backoff: max must be a number of ms/)
    for (const jitter of [-0.1, 1.1, Number.NaN, '1', null]) {
      assert.match(
        refused({ backoff: { delay: 1, jitter } }),
        /^task: backoff: jitter must be a number from 0 to 1 /,
      )
    }
    assert.match(refused({ backoff: { delay: 1, type: 'linear' } }), /type must be one of fixed, exponential/)
    assert.match(
      refused({ backoff: { delay: 1, factor: 2 } }),
      /unknown option "factor" \(known: type, delay/,
    )
  })

  test('those that exclude each other are refused together, unless one is off', () => {
    assert.match(refused({ delay: 0, at: 0 }), /^task: delay and at exclude each other; give one of them$/)
    assert.match(refused({ first: true, priority: 'low' }), /first and priority exclude each other/)
    assert.match(refused({ unique: true, key: 'k' }), /unique and key exclude each other/)
    assert.deepEqual(given({ first: false, priority: 'low' }), { first: false, priority: 'low' })
    assert.deepEqual(given({ unique: false, key: 'k' }), { unique: false, key: 'k' })
  })

  test('a limit has a rate, a concurrency or a key; numbers are whole and above zero', () => {
    const key = (tenant: string) => tenant
    for (const limit of [
      { max: 1, per: 1 },
      { concurrency: 10_000 },
      { key },
      { key: 'k', scope: 'queue' },
      { max: 1_000_000, per: 366 * 86_400_000, concurrency: 1, key, scope: 'task' },
    ] as const) {
      const resolved = given({ limit }).limit as object
      const named = Object.entries(resolved).filter(([, value]) => value !== undefined)
      assert.deepEqual(Object.fromEntries(named), limit)
    }
    assert.equal(given({ limit: false }).limit, false)
    assert.equal(plan({ limit: false }).limit, undefined)
    for (const name of ['max', 'per', 'concurrency']) {
      for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null, true, 1e15]) {
        const both = name === 'concurrency' ? {} : { max: 1, per: 1 }
        const message = refused({ limit: { ...both, [name]: bad } })
        assert.match(
          message,
          new RegExp(`^task: limit: ${name} must be a whole number from 1 to \\d+ \\(given: `),
        )
      }
    }
    assert.match(refused({ limit: { max: 5 } }), /^task: limit: max needs per: so many/)
    assert.match(refused({ limit: { per: 5, concurrency: 1 } }), /^task: limit: per needs max: so many/)
    for (const none of [{}, { scope: 'queue' }, { key: undefined }]) {
      assert.match(refused({ limit: none }), /^task: limit: give max and per, or concurrency, or a key/)
    }
    for (const bad of [true, null, 5, 'x', key]) {
      assert.match(
        refused({ limit: bad }),
        /^task: limit must be \{ max, per, concurrency, key, scope \} or false/,
      )
    }
    assert.match(refused({ limit: [] }), /^task: limit: options must be an object/)
    assert.match(
      refused({ limit: { key: 7 } }),
      /^task: limit: key must be a string of at least 1 character \(given: 7\)/,
    )
    assert.match(refused({ limit: { key, scope: 'all' } }), /^task: limit: scope must be one of task, queue/)
    assert.match(refused({ limit: { rate: 5 } }), /^task: limit: unknown option "rate" \(known: max, per/)
    assert.match(
      refused({ limit: { key }, first: 'newest' }),
      /^task: limit and first: 'newest' exclude each other/,
    )
    assert.deepEqual(given({ limit: false, first: 'newest' }), { limit: false, first: 'newest' })
  })

  test('unknown names and what is no object are refused, the known ones named', () => {
    assert.match(refused({ retry: 1 }), /^task: unknown option "retry" \(known: .*retries.*\)$/)
    for (const bad of [null, 5, 'x', []]) assert.match(refused(bad), /^task: options must be an object/)
  })
})

describe('what a call says to Redis and to its worker', () => {
  test('without options: lane normal, and nothing travels', () => {
    const { lane, options, isUnique, again, ...rest } = plan({})
    assert.deepEqual([lane, options, isUnique, again], ['normal', {}, false, false])
    assert.deepEqual(
      Object.values(rest).filter((value) => value !== undefined && value !== false),
      [],
    )
  })

  test('priority is its lane; first is the lane before all', () => {
    assert.deepEqual(
      (['high', 'normal', 'low'] as const).map((priority) => plan({ priority }).lane),
      ['high', 'normal', 'low'],
    )
    assert.equal(plan({ first: true }).lane, 'first')
    assert.equal(plan({ first: false }).lane, 'normal')
  })

  test('what the worker has to know travels, the rest does not', () => {
    const { options, ...rest } = plan({
      ...{ resultTtl: 1, failedTtl: 2, retries: 3, timeout: 4, backoff: 5 },
      ...{ delay: 6, ttl: 7, deadline: 8, key: 'k', keyTtl: 9, onDuplicate: 'again' },
    })
    assert.deepEqual(options, {
      ...{ resultTtl: 1, failedTtl: 2, retries: 3, timeout: 4, backoff: { type: 'fixed', delay: 5 } },
    })
    const { delay, ttl, deadline, key, keyTtl, again } = rest
    assert.deepEqual([delay, ttl, deadline, key, keyTtl, again], [6, 7, 8, 'k', 9, true])
  })
})

describe('options of a definition', () => {
  const define = (options: DefinitionOptions | undefined) => resolveDefinition('task t', options)

  test('are parted: functions and limits are the worker’s, times and keys the callers’', () => {
    const [backoff, retryIf] = [() => 1, () => true]
    const { callers, workers } = define({
      ...{ retries: 1, timeout: 2, resultTtl: 3, failedTtl: 4, backoff, retryIf },
      ...{ ttl: 5, deadline: 6, delay: 7, priority: 'high', unique: true, keyTtl: 8, onDuplicate: 'join' },
    })
    assert.deepEqual(workers, { retries: 1, timeout: 2, resultTtl: 3, failedTtl: 4, backoff, retryIf })
    assert.deepEqual(callers, {
      ...{ ttl: 5, deadline: 6, delay: 7, priority: 'high', unique: true, keyTtl: 8, onDuplicate: 'join' },
    })
    assert.deepEqual([define(undefined).callers, define(undefined).workers], [{}, {}])
    assert.deepEqual(define({ backoff: 10 }).workers, { backoff: { type: 'fixed', delay: 10 } })
  })

  test('are checked like those of a call', () => {
    const refuse = (options: object): string => messageOf(() => define(options as DefinitionOptions))
    assert.match(refuse({ retries: -1 }), /^task t: retries must be a whole number/)
    assert.match(
      refuse({ retryIf: true }),
      /^task t: retryIf must be a function of the error \(given: true\)$/,
    )
    assert.match(refuse({ retryIf: null }), /retryIf must be a function/)
    assert.match(refuse({ backoff: 'fast' }), /^task t: backoff must be a number of ms or/)
    assert.match(refuse({ retry: 1 }), /^task t: unknown option "retry"/)
    for (const bad of [null, 5, 'x', []])
      assert.match(refuse(bad as object), /^task t: options must be an object/)
  })
})
