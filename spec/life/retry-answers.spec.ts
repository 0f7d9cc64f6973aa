/** What a handler and its definition say about further attempts, and what may not be said. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  currentTask,
  type DefinitionOptions,
  DoNotRetry,
  OptionError,
  RetryLater,
  type TaskFailedError,
  type TaskHandle,
} from '../../lib/index.ts'
import { type Fresh, freshQueues, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()

const failed = (handle: TaskHandle): Promise<TaskFailedError> => rejection<TaskFailedError>(handle.get())

/** Waits until an attempt has failed; how long it is from then to the next, exactly. */
async function nextDelay(handle: TaskHandle): Promise<number> {
  const info = await until('the next attempt to be scheduled', async () => {
    const now = await handle.info()
    return now?.state === 'scheduled' && now
  })
  return info.nextRunAt!.getTime() - info.errors.at(-1)!.at.getTime()
}

describe('what the handler says', () => {
  /** Throws what it is told, attempt by attempt, then gives the number of its attempt. */
  const scripted = (s: Fresh, throws: (() => unknown)[], options?: DefinitionOptions) =>
    s.queue.task(
      'scripted',
      async () => {
        const { attempt } = currentTask()
        const thrown = throws[attempt - 1]
        if (thrown) throw thrown()
        return attempt
      },
      options,
    )

  test('RetryLater: another attempt after its delay, and its cause is what is kept', async () => {
    await using s = fresh()
    const task = scripted(s, [() => new RetryLater({ delay: 50_000, cause: new TypeError('busy') })])
    await s.work()
    const handle = task()
    assert.equal(await nextDelay(handle), 50_000)
    const error = (await handle.info())?.errors[0]?.error as Error
    assert.deepEqual([error.name, error.message], ['TypeError', 'busy'])
  })

  test('RetryLater goes beyond `retries`; another error after it does not', async () => {
    await using s = fresh()
    const later = (): Error => new RetryLater({ delay: 1 })
    const task = scripted(s, [later, later, later, () => new Error('enough')])
    await s.work()
    const handle = task()
    assert.equal(((await failed(handle)).cause as Error).message, 'enough')
    assert.equal((await handle.info())?.attempt, 4)
  })

  test('RetryLater without a delay waits as `backoff` says', async () => {
    await using s = fresh()
    const task = scripted(s, [() => new RetryLater()], { backoff: 40_000 })
    await s.work()
    assert.equal(await nextDelay(task()), 40_000)
  })

  test('DoNotRetry ends the task at once, and its cause is what callers see', async () => {
    await using s = fresh()
    let cause: unknown = new RangeError('out of range')
    const task = scripted(s, [() => new DoNotRetry(cause)], { retries: 5, backoff: 0 })
    await s.work()
    const handle = task()
    const error = await failed(handle)
    assert.deepEqual(
      [(error.cause as Error).name, (error.cause as Error).message],
      ['RangeError', 'out of range'],
    )
    const info = await handle.info()
    assert.deepEqual([info?.attempt, (info!.error as Error).name], [1, 'RangeError'])
    cause = 'just text'
    assert.equal((await failed(task())).cause, 'just text')
  })

  test('retryIf decides which errors are worth another attempt; where it throws, none is', async () => {
    await using s = fresh()
    const retryIf = (error: unknown): boolean => {
      const { message } = error as Error
      if (message === 'puzzling') throw new Error('my mistake')
      return message === 'passing'
    }
    let thrown = ''
    const task = scripted(s, [() => new Error(thrown)], { retries: 1, backoff: 0, retryIf })
    await s.work()
    thrown = 'passing'
    assert.equal(await task().get(), 2)
    for (thrown of ['lasting', 'puzzling']) {
      const handle = task()
      assert.equal(((await failed(handle)).cause as Error).message, thrown)
      assert.equal((await handle.info())?.attempt, 1)
    }
  })
})

describe('bad input', () => {
  test('is refused where it is given', async () => {
    await using s = fresh()
    const task = s.queue.task('fine', () => {})
    const refuse = (options: object, message: RegExp): void => {
      const isRight = (error: unknown): boolean => error instanceof OptionError && message.test(error.message)
      assert.throws(() => task.with(options), isRight)
      assert.throws(() => s.queue.task('t', () => {}, options), isRight)
    }
    for (const retries of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3']) {
      refuse({ retries }, /: retries must be a whole number from 0 to /)
    }
    for (const backoff of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      refuse({ backoff }, /: backoff must be a number of ms from 0 to /)
      refuse(
        { backoff: { type: 'fixed', delay: backoff } },
        /backoff: delay must be a number of ms from 0 to /,
      )
      refuse({ backoff: { delay: 1, max: backoff } }, /backoff: max must be a number of ms from 0 to /)
    }
    refuse(
      { backoff: '1s' },
      /backoff must be a number of ms or \{ type, delay, max, jitter \} \(given: "1s"\)/,
    )
    refuse({ backoff: {} }, /backoff: delay is missing/)
    refuse(
      { backoff: { type: 'linear', delay: 1 } },
      /type must be one of fixed, exponential \(given: "linear"\)/,
    )
    refuse({ backoff: { delay: 1, jitter: 2 } }, /jitter must be a number from 0 to 1 \(given: 2\)/)
    refuse({ backoff: { delay: 1, factor: 2 } }, /backoff: unknown option "factor"/)
    assert.throws(() => s.queue.task('t', () => {}, { retryIf: true as never }), /retryIf must be a function/)
    assert.throws(() => task.with({ backoff: () => 1 } as object), OptionError, 'functions do not travel')
    for (const delay of [-1, Number.NaN, Number.POSITIVE_INFINITY, '1' as never]) {
      assert.throws(() => new RetryLater({ delay }), OptionError)
    }
  })
})
