/** Tasks that are acknowledged with a commit. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Queue, type TaskFailedError } from '../../lib/index.ts'
import { type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()
const MINUTE = 60_000
const ONE = { concurrency: 1, prefetch: 0 }

/** Calls, accepted in their order. */
async function called(
  task: (n: number) => { readonly enqueued: Promise<void>; get(): Promise<number> },
  count: number,
) {
  const handles = Array.from({ length: count }, (_, n) => task(n))
  await Promise.all(handles.map((handle) => handle.enqueued))
  return handles.map((handle) => handle.get())
}

describe('a task with a commit', () => {
  /** Writes go to `table` when they are committed. */
  function table(s: Fresh, every: number, linger?: number, failing: () => boolean = () => false) {
    const [rows, written, sizes] = [[] as number[], [] as number[], [] as number[]]
    const task = s.queue.task(
      'row',
      async (n: number) => {
        written.push(n)
        return n
      },
      {
        ...{ commitEvery: every, linger, retries: 1, backoff: 0 },
        commit: async () => {
          sizes.push(written.length)
          const given = written.splice(0)
          if (failing()) throw new Error('the disk is full')
          rows.push(...given)
        },
      },
    )
    return { task, rows, sizes }
  }

  for (const options of [ONE, { concurrency: 1 }, { concurrency: 10 }]) {
    test(`is acknowledged with it: after so many, and after fewer when the queue runs empty, with ${JSON.stringify(options)}`, async () => {
      await using s = fresh()
      const { task, rows, sizes } = table(s, 20, 60 * MINUTE)
      const results = await called(task, 45)
      await s.work(options)
      await Promise.all(results)
      assert.deepEqual(
        rows.sort((a, b) => a - b),
        Array.from({ length: 45 }, (_, n) => n),
      )
      assert.ok(sizes.length <= 5, `${sizes}`)
    })
  }

  test('is not acknowledged before it', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    let hasBegun = false
    const commit = (): Promise<void> => {
      hasBegun = true
      return passed
    }
    const task = s.queue.task('row', (n: number) => n, { commitEvery: 2, commit })
    const other = s.queue.task('other', () => 'beside')
    const [a, b] = [task(1), task(2)]
    await s.work(ONE)
    await until('the commit to begin', () => hasBegun)
    assert.equal(await other().get(), 'beside', 'the slot is free')
    assert.deepEqual([(await a.info())?.state, (await b.info())?.state], ['running', 'running'])
    open()
    assert.deepEqual(await Promise.all([a.get(), b.get()]), [1, 2])
  })

  test('that fails is one error for all of them, and they are retried', async () => {
    await using s = fresh()
    let tries = 0
    const { task, rows } = table(s, 3, undefined, () => ++tries === 1)
    const results = await called(task, 3)
    await s.work(ONE)
    assert.deepEqual(await Promise.all(results), [0, 1, 2])
    assert.deepEqual(rows.sort(), [0, 1, 2])
    assert.ok(tries >= 2)

    const failing = fresh()
    await using _ = failing
    const never = table(failing, 2, undefined, () => true)
    await failing.work(ONE)
    const error = await rejection<TaskFailedError>(never.task(1).get())
    assert.equal((error.cause as Error).message, 'the disk is full')
    assert.deepEqual(never.rows, [])
  })

  test('is committed at a stop, and when `linger` is over while others run', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    const { task, rows } = table(s, 20, 30)
    const busy = s.queue.task('busy', () => passed)
    const others = Array.from({ length: 50 }, () => busy())
    const row = task.with({ first: true })(1)
    await Promise.all([row, ...others].map((handle) => handle.enqueued))
    const worker = await s.work({ concurrency: 2, prefetch: 0, drainTimeout: 10_000 })
    assert.equal(await row.get(), 1)
    assert.deepEqual(rows, [1])
    const late = task(2)
    await late.enqueued
    const stopped = worker.stop()
    open()
    await stopped
    const info = await late.info()
    assert.ok(info?.state === 'queued' || rows.includes(2), `${info?.state}, ${rows}`)
  })

  test('on an inline queue: the same', async () => {
    const sizes: number[] = []
    let written = 0
    const queue = new Queue('inline', { inline: true })
    const commit = (): void => {
      sizes.push(written)
      written = 0
    }
    const task = queue.task('row', () => ++written, { commitEvery: 2, commit, linger: 60 * MINUTE })
    await Promise.all([task(), task(), task()].map((call) => call.get()))
    assert.deepEqual(sizes, [2, 1])
    await queue.close()
  })
})
