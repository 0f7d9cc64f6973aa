/** Attempts after one that failed: how many, when, and what is kept of those before. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  currentTask,
  type DefinitionOptions,
  type TaskFailedError,
  type TaskHandle,
  type TaskInfo,
} from '../../lib/index.ts'
import { type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { start } from '../support/processes.ts'
import { until } from '../support/until.ts'

const on = freshQueues()
const { fresh } = on

/** Fails so many times, then gives the number of its attempt; `begins`: when each began. */
function flaky(s: Fresh, failures: number, options?: DefinitionOptions) {
  const begins: number[] = []
  const task = s.queue.task(
    'flaky',
    async () => {
      begins.push(Date.now())
      const { attempt } = currentTask()
      if (attempt <= failures) throw new Error(`no ${attempt}`)
      return attempt
    },
    options,
  )
  return { task, begins }
}

const failed = (handle: TaskHandle): Promise<TaskFailedError> => rejection<TaskFailedError>(handle.get())
const messages = (info: TaskInfo | null): [number, string][] =>
  (info?.errors ?? []).map(({ attempt, error }) => [attempt, (error as Error).message])

/** Waits until the first attempt has failed; how long it is from then to the next, exactly. */
async function nextDelay(handle: TaskHandle): Promise<number> {
  const info = await until('the next attempt to be scheduled', async () => {
    const now = await handle.info()
    return now?.state === 'scheduled' && now
  })
  return info.nextRunAt!.getTime() - info.errors.at(-1)!.at.getTime()
}

describe('how many', () => {
  test('a task is run again as often as `retries` says', async () => {
    await using s = fresh()
    const { task, begins } = flaky(s, 2, { retries: 2, backoff: 0 })
    await s.work()
    assert.equal(await task().get(), 3)
    assert.equal(begins.length, 3)
  })

  test('without `retries` the first failure is the end', async () => {
    await using s = fresh()
    const { task, begins } = flaky(s, 1)
    await s.work()
    assert.equal(((await failed(task())).cause as Error).message, 'no 1')
    assert.equal(begins.length, 1)
  })

  test('when all attempts have failed, the caller sees the last error and getTask those before', async () => {
    await using s = fresh()
    const { task } = flaky(s, 9, { retries: 2, backoff: 10 })
    await s.work()
    const handle = task()
    assert.equal(((await failed(handle)).cause as Error).message, 'no 3')
    const info = await handle.info()
    assert.deepEqual([info?.state, info?.attempt], ['failed', 3])
    assert.equal((info!.error as Error).message, 'no 3')
    assert.deepEqual(messages(info), [
      [1, 'no 1'],
      [2, 'no 2'],
    ])
    const [first, second] = info!.errors.map(({ at }) => at.getTime())
    assert.ok(info!.createdAt.getTime() <= first!, 'the first error is not older than the task')
    assert.ok(first! + 10 <= second! && second! + 10 <= info!.finishedAt!.getTime(), 'each has its own time')
  })

  test('the errors of the last five attempts before the end are kept', async () => {
    await using s = fresh()
    const { task } = flaky(s, 9, { retries: 8, backoff: 0 })
    await s.work()
    const handle = task()
    await failed(handle)
    const info = await handle.info()
    assert.deepEqual(
      messages(info).map(([attempt]) => attempt),
      [4, 5, 6, 7, 8],
    )
    assert.equal((info!.error as Error).message, 'no 9')
  })

  test('options of one call override those of the definition, also on a worker of another Queue object', async () => {
    await using s = fresh()
    const { task, begins } = flaky(s, 2, { retries: 1, backoff: 60_000 })
    await s.work()
    const remote = s.other().remote<typeof task>('flaky')
    assert.equal(
      await remote
        .with({ retries: 2, backoff: { type: 'fixed', delay: 1 } })()
        .get(),
      3,
    )
    begins.length = 0
    assert.equal(((await failed(remote.with({ retries: 0 })())).cause as Error).message, 'no 1')
    assert.equal(begins.length, 1)
    assert.equal(await nextDelay(remote()), 60_000, 'what the call leaves open is the definition’s')
  })

  test('a task that its worker gave back in mid-run has all its retries still', async () => {
    await using s = fresh()
    const never = gate<never>()
    const attempts: number[] = []
    const task = s.queue.task(
      'stuck',
      () => {
        const { attempt } = currentTask()
        attempts.push(attempt)
        if (attempt === 1) return never.passed
        if (attempt === 2) throw new Error('no')
        return attempt
      },
      { retries: 1, backoff: 0 },
    )
    const worker = await s.work()
    const handle = task()
    await until('it to run', () => attempts.length === 1)
    await worker.stop({ timeout: 0 })
    await s.work()
    assert.equal(await handle.get(), 3)
    assert.deepEqual(messages(await handle.info()), [[2, 'no']])
  })

  test('a task whose worker died in mid-run has all its retries still', async () => {
    await using s = fresh()
    const env = { REDIS_URL: on.redis.url, QUEUE: s.queue.name }
    const args = [JSON.stringify({ lease: 500 })]
    await using first = start('spec/life/support/worker.ts', { args, env })
    await first.prints('ready')
    const handle = s.queue.remote<() => number>('brittle', { retries: 1, backoff: 0 })()
    await first.ended
    await using second = start('spec/life/support/worker.ts', { args, env })
    await second.prints('ready')
    assert.equal(await handle.get({ timeout: 30_000 }), 3)
    const info = await handle.info()
    assert.equal(info?.crashes, 1)
    assert.deepEqual(messages(info), [[2, 'no']])
  })
})

describe('when', () => {
  test('fixed: the same time between all attempts', async () => {
    await using s = fresh()
    const { task, begins } = flaky(s, 2, { retries: 2, backoff: 250 })
    await s.work()
    await task().get()
    assert.ok(begins[1]! - begins[0]! >= 250 && begins[2]! - begins[1]! >= 250, `began at ${begins}`)
  })

  test('exponential: twice as long each time, up to `max`', async () => {
    await using s = fresh()
    const backoff = { type: 'exponential', delay: 150, max: 400, jitter: 0 } as const
    const { task, begins } = flaky(s, 3, { retries: 3, backoff })
    await s.work()
    await task().get()
    const gaps = [1, 2, 3].map((i) => begins[i]! - begins[i - 1]!)
    assert.ok(gaps[0]! >= 150 && gaps[1]! >= 300 && gaps[2]! >= 400, `gaps of ${gaps}`)
  })

  test('by default between half a second and a second at first', async () => {
    await using s = fresh()
    const { task } = flaky(s, 1, { retries: 1 })
    await s.work()
    const delay = await nextDelay(task())
    assert.ok(delay >= 500 && delay <= 1_000, `${delay} ms`)
  })

  test('a function of the definition decides by attempt and error', async () => {
    await using s = fresh()
    const asked: [number, string][] = []
    const backoff = (attempt: number, error: unknown): number => {
      asked.push([attempt, (error as Error).message])
      return attempt === 1 ? 0 : 45_000
    }
    const { task } = flaky(s, 2, { retries: 2, backoff })
    await s.work()
    assert.equal(await nextDelay(task()), 45_000)
    assert.deepEqual(asked, [
      [1, 'no 1'],
      [2, 'no 2'],
    ])
  })

  test('where that function throws, or gives no time, the default counts', async () => {
    const mistake = (): number => {
      throw new Error('my mistake')
    }
    for (const backoff of [mistake, () => Number.NaN, () => -1, () => Number.POSITIVE_INFINITY]) {
      await using s = fresh()
      const { task } = flaky(s, 1, { retries: 1, backoff })
      await s.work()
      const delay = await nextDelay(task())
      assert.ok(delay >= 500 && delay <= 1_000, `${delay} ms`)
    }
  })

  test('between two attempts the task is scheduled, and nobody’s', async () => {
    await using s = fresh()
    const { task } = flaky(s, 1, { retries: 1, backoff: 60_000 })
    await s.work()
    const handle = task()
    await nextDelay(handle)
    const info = await handle.info()
    assert.deepEqual([info?.state, info?.attempt, info?.worker], ['scheduled', 1, undefined])
    assert.ok(info!.nextRunAt!.getTime() > Date.now())
    assert.deepEqual(messages(info), [[1, 'no 1']])
    assert.equal((await s.queue.counts()).scheduled, 1)
    assert.deepEqual(
      (await s.queue.tasks({ state: 'scheduled' })).map(({ id }) => id),
      [handle.id],
    )
  })
})
