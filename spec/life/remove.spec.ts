/** Removing one task, or all of a state. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { currentTask, type DefinitionOptions, TaskCancelledError, type TaskHandle } from '../../lib/index.ts'
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

const state = async (handle: TaskHandle): Promise<string | undefined> => (await handle.info())?.state

describe('remove', () => {
  test('a task that waits goes, and who waits for it is told that it was cancelled', async () => {
    await using s = fresh()
    const { task, health } = failing(s)
    health.isGood = true
    const queued = task('a')
    const scheduled = task.with({ delay: MINUTE })('b')
    for (const handle of [queued, scheduled]) {
      const error = rejection(handle.get())
      await handle.enqueued
      assert.equal(await s.queue.remove(handle.id), 'removed')
      assert.ok((await error) instanceof TaskCancelledError)
    }
    await s.work()
    await task('c').get()
    assert.equal(health.attempts.length, 1)
  })

  test('one that has ended goes with all that is known of it', async () => {
    await using s = fresh()
    const { task, health, fail } = failing(s)
    await s.work()
    const [bad] = await fail('no')
    health.isGood = true
    const good = task('a')
    await good.get()
    for (const { id } of [bad!, good]) {
      assert.equal(await s.queue.remove(id), 'removed')
      assert.equal(await s.queue.getTask(id), null)
      assert.equal(await s.queue.remove(id), 'none')
    }
    assert.equal((await s.queue.counts()).failed, 0)
    assert.equal(await s.queue.remove('nobody'), 'none')
  })

  test('one that runs stays, and goes on', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    const hold = s.queue.task('hold', async () => {
      const { signal } = currentTask()
      await passed
      return signal.aborted
    })
    const quick = s.queue.task('quick', () => {})
    await s.work()
    const handle = hold()
    await until('it to run', async () => (await state(handle)) === 'running')
    assert.equal(await s.queue.remove(handle.id), 'running')
    // What was told to the worker has arrived by then.
    await quick().get()
    open()
    assert.equal(await handle.get(), false)
  })
})

describe('clear', () => {
  test('takes all tasks of one state, and tells those who wait', async () => {
    await using s = fresh()
    const { task, health, fail } = failing(s)
    await s.work()
    await fail('1', '2', '3')
    assert.equal(await s.queue.clear('failed'), 3)
    assert.equal((await s.queue.counts()).failed, 0)
    await s.queue.pause()
    health.attempts.length = 0
    const unknown = s.queue.remote<() => void>('nobody')
    const queued = Array.from({ length: 150 }, (_, n) =>
      task.with({ priority: n % 2 ? 'low' : 'high' })(`${n}`),
    )
    const scheduled = [1, 2].map(() => task.with({ delay: MINUTE })('later'))
    const errors = [...queued, ...scheduled].map((handle) => rejection(handle.get()))
    await Promise.all([...queued, ...scheduled].map((handle) => handle.enqueued))
    const waiting = [1, 2].map(() => task.with({ after: scheduled[0]! })('behind'))
    errors.push(...waiting.map((handle) => rejection(handle.get())))
    await Promise.all(waiting.map((handle) => handle.enqueued))
    assert.equal(await s.queue.clear('waiting'), 2)
    assert.equal(await s.queue.clear('scheduled'), 2)
    assert.equal(await s.queue.clear('queued'), 150)
    for (const error of await Promise.all(errors)) assert.ok(error instanceof TaskCancelledError)
    for (const of of ['queued', 'waiting'] as const) assert.deepEqual(await s.queue.tasks({ state: of }), [])
    await s.queue.resume()
    const parked = [unknown(), unknown()]
    for (const handle of parked)
      await until('it to be parked', async () => (await state(handle)) === 'parked')
    const told = parked.map((handle) => rejection(handle.get()))
    assert.equal(await s.queue.clear('parked'), 2)
    for (const error of await Promise.all(told)) assert.ok(error instanceof TaskCancelledError)
    assert.deepEqual(health.attempts, [])
    await until('nothing to be left', async () => {
      const { queued: left, scheduled: put, parked: unknowns } = await s.queue.counts()
      return left + put + unknowns === 0
    })
  })
})
