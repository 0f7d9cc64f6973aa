/** Running failed tasks again; and what all of the operators' verbs refuse. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { currentTask, type DefinitionOptions, OptionError, type TaskHandle } from '../../lib/index.ts'
import { type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()
const MINUTE = 60_000

/** Fails until the spec makes it well; gives the number of its attempt. */
function failing(s: Fresh, options?: DefinitionOptions) {
  const health = { isGood: false, attempts: [] as number[] }
  const task = s.queue.task(
    'fail',
    (message: string) => {
      const { attempt } = currentTask()
      health.attempts.push(attempt)
      if (!health.isGood) throw new Error(message)
      return attempt
    },
    options,
  )
  const fail = async (...messages: string[]): Promise<TaskHandle<number>[]> => {
    const handles = messages.map((message) => task(message))
    for (const handle of handles) await rejection(handle.get())
    return handles
  }
  return { task, health, fail }
}

/** A handle that knows nothing of the first end. */
const again = (s: Fresh, { id }: TaskHandle) => s.queue.handle<number>(id)
const state = async (handle: TaskHandle): Promise<string | undefined> => (await handle.info())?.state

describe('retry', () => {
  test('runs a failed task again as if for the first time; its errors stay', async () => {
    await using s = fresh()
    const { health, fail } = failing(s, { retries: 1, backoff: 0 })
    await s.work()
    const [handle] = await fail('no')
    health.attempts.length = 0
    assert.equal(await s.queue.retry(handle!.id), 'retried')
    await rejection(again(s, handle!).get())
    assert.deepEqual(health.attempts, [1, 2], 'it has all its retries again')
    const info = await handle!.info()
    assert.deepEqual([info?.state, info?.attempt], ['failed', 2])
    assert.deepEqual(
      info?.errors.map(({ attempt }) => attempt),
      [1, 2, 1],
    )
    health.isGood = true
    assert.equal(await s.queue.retry(handle!.id), 'retried')
    assert.equal(await again(s, handle!).get(), 1)
    const counts = await s.queue.counts()
    assert.deepEqual([counts.failed, counts.ended.failed, counts.ended.succeeded], [0, 2, 1])
    assert.equal((await s.queue.failures()).length, 0)
  })

  test('also what was cancelled or has expired, without the time that it had', async () => {
    await using s = fresh()
    const { task, health } = failing(s)
    health.isGood = true
    const cancelled = task('a')
    await cancelled.cancel()
    const expired = task.with({ ttl: 1 })('b')
    await expired.enqueued
    await s.work()
    await rejection(expired.get())
    for (const handle of [cancelled, expired]) {
      assert.equal(await s.queue.retry(handle.id), 'retried')
      assert.equal(await again(s, handle).get(), 1)
    }
    assert.deepEqual(health.attempts, [1, 1])
  })

  test('with a filter: all failed tasks that match, however many', async () => {
    await using s = fresh()
    const { task, health } = failing(s)
    await s.work()
    const calls = Array.from({ length: 250 }, (_, n) => task(n % 5 === 0 ? `odd one ${n}` : `no ${n}`))
    await Promise.all(calls.map((call) => rejection(call.get())))
    const groups = await s.queue.failures()
    assert.deepEqual(
      groups.map(({ count }) => count),
      [200, 50],
    )
    health.isGood = true
    assert.equal(await s.queue.retry({ name: 'nobody' }), 0)
    assert.equal(await s.queue.retry({ before: new Date(0) }), 0)
    assert.equal(await s.queue.retry({ limit: 10, fingerprint: groups[1]!.fingerprint }), 10)
    assert.equal(await s.queue.retry({ fingerprint: groups[1]!.fingerprint }), 40)
    assert.equal(await s.queue.retry({}), 200)
    await Promise.all(calls.map((call) => again(s, call).get()))
    assert.equal((await s.queue.counts()).failed, 0)
  })

  test('of a task that lives, has ended well, or is not there, it says so and does nothing', async () => {
    await using s = fresh()
    const { task, health } = failing(s)
    health.isGood = true
    const { passed, open } = gate()
    const hold = s.queue.task('hold', () => passed)
    const queued = task('a')
    await queued.enqueued
    const scheduled = task.with({ delay: MINUTE })('b')
    await scheduled.enqueued
    for (const { id } of [queued, scheduled]) assert.equal(await s.queue.retry(id), 'alive')
    await s.work()
    const running = hold()
    await until('it to run', async () => (await state(running)) === 'running')
    assert.equal(await s.queue.retry(running.id), 'alive')
    open()
    await Promise.all([running.get(), queued.get()])
    assert.equal(await s.queue.retry(queued.id), 'succeeded')
    assert.equal(await s.queue.retry('nobody'), 'none')
    assert.deepEqual(health.attempts, [1])
  })

  test('not while another task holds its key; after that it holds it again', async () => {
    await using s = fresh()
    const { task, health, fail } = failing(s, { key: 'k' })
    await s.work()
    const [handle] = await fail('no')
    const other = task.with({ delay: MINUTE })('b')
    await other.enqueued
    assert.equal(await s.queue.retry(handle!.id), 'key')
    await other.cancel()
    await s.queue.pause()
    assert.equal(await s.queue.retry(handle!.id), 'retried')
    const third = task('c')
    await third.enqueued
    assert.equal(third.id, handle!.id)
    health.isGood = true
    await s.queue.resume()
    assert.equal(await third.get(), 1)
  })
})

test('states, ids and filters that cannot be are refused, and nothing is done', async () => {
  await using s = fresh()
  const { health, fail } = failing(s)
  await s.work()
  await fail('no')
  const { queue } = s
  const refuse = async (call: Promise<unknown>, message: RegExp): Promise<void> => {
    const error = await rejection(call)
    assert.ok(error instanceof OptionError, `${error}`)
    assert.match(error.message, message)
  }
  await refuse(
    queue.clear('running' as never),
    /state must be one of queued, waiting, scheduled, parked, failed/,
  )
  await refuse(queue.clear('done' as never), /state must be one of .* \(given: "done"\)/)
  await refuse(queue.clear(undefined as never), /state must be one of/)
  await refuse(
    queue.tasks({ state: 'done' as never }),
    /state must be one of queued, running, waiting, scheduled, parked, failed/,
  )
  await refuse(queue.tasks({ state: 'queued', lane: 'urgent' as never }), /lane must be one of first, high/)
  for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    await refuse(queue.tasks({ state: 'failed', limit }), /limit must be a whole number of at least 1/)
    await refuse(queue.retry({ limit }), /limit must be a whole number of at least 1/)
  }
  await refuse(queue.tasks({ state: 'failed', before: Date.now() as never }), /before must be a Date/)
  await refuse(queue.retry({ before: new Date(Number.NaN) }), /before must be a Date/)
  await refuse(queue.retry({ state: 'queued' } as object), /queue.retry: unknown option "state"/)
  await refuse(queue.retry(undefined as never), /queue.retry/)
  await refuse(queue.retry(null as never), /queue.retry/)
  for (const id of ['', 'a b', undefined as never]) {
    await refuse(queue.remove(id), /task id must be 1 to 128 characters/)
  }
  await refuse(queue.retry('a b'), /task id must be/)
  assert.deepEqual([(await queue.counts()).failed, health.attempts.length], [1, 1])
})
