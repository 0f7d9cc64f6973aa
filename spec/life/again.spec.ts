/** `onDuplicate: 'again'`: a call whose key is held runs once more after the one that holds it. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type DefinitionOptions, TaskCancelledError, type TaskHandle } from '../../lib/index.ts'
import { type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()
const MINUTE = 60_000

/** Each run waits until the spec ends it, and gives what it was called with. */
function held(s: Fresh, options: DefinitionOptions = { key: 'k' }) {
  const runs: { what: string; open: (error?: Error) => void }[] = []
  const task = s.queue.task(
    'held',
    async (what: string) => {
      const { passed, open } = gate<Error | undefined>()
      runs.push({ what, open })
      const error = await passed
      if (error) throw error
      return what
    },
    options,
  )
  /** The nth run, once it has begun. */
  const run = (n: number) => until(`run ${n} to begin`, () => runs[n])
  return { task, runs, run }
}

const accepted = async <R>(handle: TaskHandle<R>): Promise<TaskHandle<R>> => {
  await handle.enqueued
  return handle
}

describe("onDuplicate: 'again'", () => {
  const AGAIN = { key: 'k', onDuplicate: 'again' } as const

  test('runs once more after the live task, with the newest arguments; further calls join that run', async () => {
    await using s = fresh()
    const { task, runs, run } = held(s, AGAIN)
    await s.work()
    const first = await accepted(task('a'))
    const { open } = await run(0)
    const second = await accepted(task('b'))
    assert.deepEqual([second.joined, (await second.info())?.state], [false, 'waiting'])
    const third = await accepted(task('c'))
    assert.deepEqual([third.joined, third.id], [true, second.id])
    assert.notEqual(second.id, first.id)
    assert.equal(runs.length, 1, 'it waits for the end of the first')
    open()
    ;(await run(1)).open()
    assert.deepEqual(await Promise.all([first, second, third].map((handle) => handle.get())), ['a', 'c', 'c'])
    assert.equal(runs.length, 2)
    const fourth = task('d')
    ;(await run(2)).open()
    assert.equal(await fourth.get(), 'd', 'and then the key is free')
  })

  test('also where the first one fails, is cancelled, or is removed', async () => {
    await using s = fresh()
    const { task, run } = held(s, AGAIN)
    await s.work()
    task('a')
      .get()
      .catch(() => {})
    const { open } = await run(0)
    const second = await accepted(task('b'))
    open(new Error('no'))
    ;(await run(1)).open()
    assert.equal(await second.get(), 'b')
    for (const end of ['cancel', 'remove'] as const) {
      const put = await accepted(task.with({ delay: MINUTE })('x'))
      const next = await accepted(task('y'))
      await s.queue[end](put.id)
      ;(await run(end === 'cancel' ? 2 : 3)).open()
      assert.equal(await next.get(), 'y')
    }
  })

  test('every caller of that run hears of its end at once, whoever brought the newest arguments', async () => {
    await using s = fresh()
    const { task, run } = held(s, AGAIN)
    await s.work()
    const first = await accepted(task('a'))
    const { open } = await run(0)
    const [one, two] = [s.other(), s.other()].map((queue) => queue.remote<typeof task>('held', AGAIN))
    const waits = [first.get()]
    for (const [call, what] of [
      [one!, 'b'],
      [two!, 'c'],
    ] as const) {
      const handle = call(what)
      waits.push(handle.get({ timeout: 8_000 }))
      await handle.enqueued
    }
    open()
    const second = await run(1)
    const began = Date.now()
    second.open()
    assert.deepEqual(await Promise.all(waits), ['a', 'c', 'c'])
    assert.ok(Date.now() - began < 5_000, 'not only with the next sweep')
  })

  test('a waiting run that was cancelled never starts, and does not take later calls along', async () => {
    await using s = fresh()
    const { task, runs, run } = held(s, AGAIN)
    await s.work()
    const first = await accepted(task('a'))
    const { open } = await run(0)
    const second = await accepted(task('b'))
    assert.equal(await second.cancel('not needed'), 'cancelled')
    assert.ok((await rejection(second.get())) instanceof TaskCancelledError)
    const third = await accepted(task('c'))
    assert.notEqual(third.id, second.id)
    open()
    ;(await run(1)).open()
    assert.equal(await third.get({ timeout: 8_000 }), 'c')
    assert.equal(await first.get(), 'a')
    const info = await second.info()
    assert.deepEqual([info?.state, info?.args], ['cancelled', ['b']])
    assert.deepEqual(
      runs.map(({ what }) => what),
      ['a', 'c'],
    )
  })
})
