/** What follows an attempt that failed; how users see it is shown by spec/life/retries.spec.ts. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Backoff } from '../../lib/envelope.ts'
import { DoNotRetry, RetryLater, TaskTimeoutError } from '../../lib/errors.ts'
import { afterTimeout, causeOf, type Failure, nextAttempt } from '../../lib/work/attempt.ts'

const NOW: Backoff = { type: 'fixed', delay: 250 }

function failure(more: Partial<Failure> = {}): Omit<Failure, 'thrown'> {
  return {
    ...{ failures: 0, attempt: 1, timeLeft: Number.POSITIVE_INFINITY },
    ...{ call: {}, definition: { retries: 1, backoff: NOW } },
    ...more,
  }
}

const NO_LUCK = (): number => 0
const ALL_LUCK = (): number => 0.999_999

/** Of a task that may be tried a hundred times. */
const next = (more: Partial<Failure> = {}, chance = NO_LUCK): number | undefined =>
  nextAttempt({ thrown: new Error('no'), ...failure({ definition: { retries: 100 } }), ...more }, chance)

/** After the 1st, 2nd, … failure. */
const delays = (backoff: Backoff, count: number, chance = NO_LUCK): (number | undefined)[] =>
  Array.from({ length: count }, (_, failures) =>
    next({ failures, definition: { retries: 100, backoff } }, chance),
  )

describe('the time until the next attempt', () => {
  test('is by default 1 s, then twice as long each time up to 1 h, and up to half of it is chance', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 11, 12, 99].map((failures) => next({ failures })),
      [1_000, 2_000, 4_000, 8_000, 2_048_000, 3_600_000, 3_600_000],
    )
    assert.deepEqual(
      [0, 1, 2].map((failures) => next({ failures }, ALL_LUCK)),
      [501, 1_001, 2_001],
    )
  })

  test('fixed: always the same, without chance unless it is asked for', () => {
    assert.deepEqual(delays(NOW, 3, ALL_LUCK), [250, 250, 250])
    assert.deepEqual(delays({ type: 'fixed', delay: 1_000, jitter: 0.2 }, 2, ALL_LUCK), [801, 801])
    assert.deepEqual(delays({ type: 'fixed', delay: 0 }, 2), [0, 0])
    assert.deepEqual(delays({ type: 'fixed', delay: 1_000, max: 300 }, 1), [300])
  })

  test('exponential: up to its max; a first delay beyond an hour stays', () => {
    const backoff = { type: 'exponential', delay: 100, max: 500, jitter: 0 } as const
    assert.deepEqual(delays(backoff, 5, ALL_LUCK), [100, 200, 400, 500, 500])
    assert.deepEqual(delays({ type: 'exponential', delay: 5_000_000, jitter: 0 }, 2), [5_000_000, 5_000_000])
    assert.deepEqual(delays({ type: 'exponential', delay: 100, jitter: 1 }, 2, ALL_LUCK), [1, 1])
  })

  test('of the call goes before that of the definition', () => {
    const definition = { retries: 1, backoff: () => assert.fail('it is not asked') }
    assert.equal(next({ call: { backoff: { type: 'fixed', delay: 7 } }, definition }), 7)
  })

  test('of a function is what it gives, rounded up; what is no time counts as the default', () => {
    const given = (value: unknown): number | undefined => {
      const backoff = (attempt: number, error: unknown): number => {
        assert.deepEqual([attempt, (error as Error).message], [4, 'no'])
        if (value instanceof Error) throw value
        return value as number
      }
      return next({ attempt: 4, failures: 1, definition: { retries: 9, backoff } })
    }
    assert.deepEqual([given(0), given(12.2), given(99)], [0, 13, 99])
    const bad = [-1, Number.NaN, Number.POSITIVE_INFINITY, undefined, '5', new Error('mine')]
    for (const value of bad) assert.equal(given(value), 2_000, String(value))
  })

  test('is never negative and never beyond max, whatever is given', () => {
    const type = fc.constantFrom('fixed' as const, 'exponential' as const)
    const time = fc.integer({ min: 0, max: 1e12 })
    const jitter = fc.double({ min: 0, max: 1, noNaN: true })
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    const failures = fc.integer({ min: 0, max: 1_000_000 })
    fc.assert(
      fc.property(type, time, time, jitter, chance, failures, (type, delay, max, jitter, luck, failures) => {
        const definition = { retries: 2_000_000, backoff: { type, delay, max, jitter } }
        const wait = next({ failures, definition }, () => luck)
        assert.ok(Number.isInteger(wait) && wait! >= 0 && wait! <= max)
      }),
    )
  })
})

describe('whether there is a next attempt', () => {
  const isNext = (more: Partial<Failure>): boolean => next(more) !== undefined

  test('as many as `retries` says, of the call before that of the definition; by default none', () => {
    assert.deepEqual(
      [0, 1, 2].map((failures) => isNext({ failures, definition: { retries: 2 } })),
      [true, true, false],
    )
    assert.equal(isNext({ definition: {} }), false)
    assert.equal(isNext({ call: { retries: 0 }, definition: { retries: 5 } }), false)
    assert.equal(isNext({ call: { retries: 1 }, definition: {} }), true)
    assert.equal(isNext({ attempt: 9, definition: { retries: 1 } }), true, 'by failures, not by attempts')
  })

  test('not where it could not begin before the deadline', () => {
    const definition = { retries: 1, backoff: { type: 'fixed', delay: 100 } } as const
    const left = (timeLeft: number): boolean => isNext({ timeLeft, definition })
    assert.deepEqual([left(101), left(100), left(0), left(-5)], [true, false, false, false])
    assert.equal(isNext({ thrown: new RetryLater({ delay: 100 }), timeLeft: 100 }), false)
  })

  test('retryIf decides: only true is yes, and where it throws it is no', () => {
    const asked: unknown[] = []
    const answers = [true, false, 1, 'yes', undefined].map((answer) => {
      const retryIf = (error: unknown): boolean => {
        asked.push(error)
        return answer as boolean
      }
      return isNext({ thrown: 'what was thrown', definition: { retries: 1, retryIf } })
    })
    assert.deepEqual(answers, [true, false, false, false, false])
    assert.deepEqual(new Set(asked), new Set(['what was thrown']))
    const retryIf = (): boolean => {
      throw new Error('mine')
    }
    assert.equal(isNext({ definition: { retries: 1, retryIf } }), false)
  })

  test('RetryLater: always, after its own delay or that of the task; DoNotRetry: never', () => {
    const definition = { retries: 0, retryIf: () => false, backoff: { type: 'fixed', delay: 30 } } as const
    const later = (options: { delay?: number }): number | undefined =>
      next({ thrown: new RetryLater(options), failures: 7, definition })
    assert.deepEqual([later({ delay: 0 }), later({ delay: 12.5 }), later({})], [0, 13, 30])
    assert.equal(isNext({ thrown: new DoNotRetry('why') }), false)
  })
})

describe('an attempt that may run into its timeout', () => {
  test('is followed by another while there are retries left', () => {
    assert.equal(afterTimeout(300, failure()), 250)
    assert.equal(afterTimeout(300, failure({ failures: 1 })), undefined)
    assert.equal(afterTimeout(300, failure({ definition: {} })), undefined)
    assert.equal(afterTimeout(300, failure({ call: { retries: 0 } })), undefined)
  })

  test('is followed by none where that could not begin before the deadline', () => {
    assert.equal(afterTimeout(300, failure({ timeLeft: 251 })), 250)
    assert.equal(afterTimeout(300, failure({ timeLeft: 250 })), undefined)
  })

  test("asks the user's functions about the error of the timeout", () => {
    const seen: unknown[] = []
    const retryIf = (error: unknown): boolean => {
      seen.push(error)
      return true
    }
    const backoff = (attempt: number, error: unknown): number => {
      seen.push(error)
      return 10 * attempt
    }
    const definition = { retries: 1, retryIf, backoff }
    assert.equal(afterTimeout(300, failure({ attempt: 2, definition })), 20)
    assert.equal(seen.length, 2)
    for (const error of seen) {
      assert.ok(error instanceof TaskTimeoutError)
      assert.match(error.message, /300 ms/)
    }
    assert.equal(
      afterTimeout(300, failure({ definition: { ...definition, retryIf: () => false } })),
      undefined,
    )
  })

  test('asks nobody where no retry is left', () => {
    const retryIf = (): boolean => assert.fail('asked')
    assert.equal(afterTimeout(300, failure({ failures: 1, definition: { retries: 1, retryIf } })), undefined)
  })
})

test('callers see the cause of DoNotRetry, and of RetryLater where it has one; else what was thrown', () => {
  const cause = new TypeError('why')
  const plain = new RetryLater()
  assert.equal(causeOf(new DoNotRetry(cause)), cause)
  assert.equal(causeOf(new DoNotRetry(undefined)), undefined)
  assert.equal(causeOf(new RetryLater({ cause })), cause)
  assert.equal(causeOf(plain), plain)
  assert.equal(causeOf('text'), 'text')
})
