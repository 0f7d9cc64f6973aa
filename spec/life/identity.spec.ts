/** Keys: at most one live task with the same one, and what calls do whose key is held. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { currentTask, type DefinitionOptions, OptionError, type TaskHandle } from '../../lib/index.ts'
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

describe('a call whose key is held', () => {
  test('joins the queued task: same id, same result, and only one run', async () => {
    await using s = fresh()
    const { task, runs, run } = held(s)
    const first = await accepted(task('a'))
    const second = task('b')
    const early = second.get()
    await second.enqueued
    const third = await accepted(s.other().remote<typeof task>('held', { key: 'k' })('c'))
    assert.deepEqual([first.joined, second.joined, third.joined], [false, true, true])
    assert.deepEqual([second.id, third.id], [first.id, first.id])
    assert.equal((await first.info())?.key, 'k')
    await s.work()
    ;(await run(0)).open()
    assert.deepEqual(await Promise.all([first.get(), early, second.get(), third.get()]), ['a', 'a', 'a', 'a'])
    assert.equal(runs.length, 1)
  })

  test('joins the running and the scheduled task', async () => {
    await using s = fresh()
    const { task, run } = held(s)
    const scheduled = await accepted(task.with({ key: 'later', delay: MINUTE })('x'))
    assert.equal((await accepted(task.with({ key: 'later' })('y'))).id, scheduled.id)
    await s.work()
    const first = task('a')
    const { open } = await run(0)
    const second = await accepted(task('b'))
    assert.deepEqual([second.joined, second.id], [true, first.id])
    open()
    assert.equal(await second.get(), 'a')
  })

  test('sees the progress of the task that it joined', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    const steps = s.queue.task(
      'steps',
      async () => {
        await currentTask().updateProgress('begun')
        await passed
        await currentTask().updateProgress('half')
        return 'done'
      },
      { key: 'k' },
    )
    const first = await accepted(steps())
    const joined = s.other().remote<typeof steps>('steps', { key: 'k' })()
    const seen: unknown[] = []
    const watching = (async () => {
      for await (const value of joined.progress()) if (seen.push(value) === 1) open()
    })()
    await s.work()
    await watching
    assert.deepEqual(seen, ['begun', 'half'])
    assert.deepEqual([await joined.get(), joined.id], ['done', first.id])
  })

  test('fails with the task that it joined', async () => {
    await using s = fresh()
    const { task, run } = held(s)
    await s.work()
    const handles = [await accepted(task('a')), await accepted(task('b'))]
    const errors = handles.map((handle) => rejection(handle.get()))
    ;(await run(0)).open(new Error('no'))
    for (const error of await Promise.all(errors)) assert.equal((error.cause as Error).message, 'no')
  })

  test('has a task of its own where the other has ended: well, badly, cancelled or expired', async () => {
    await using s = fresh()
    const { task, run } = held(s)
    const expired = await accepted(task.with({ ttl: 1 })('x'))
    await s.work()
    await rejection(expired.get())
    const good = await accepted(task('a'))
    ;(await run(0)).open()
    await good.get()
    const bad = await accepted(task('b'))
    ;(await run(1)).open(new Error('no'))
    await rejection(bad.get())
    const cancelled = await accepted(task.with({ delay: MINUTE })('c'))
    await cancelled.cancel()
    const last = await accepted(task('d'))
    const all = [expired, good, bad, cancelled, last]
    assert.deepEqual(
      all.map(({ joined }) => joined),
      [false, false, false, false, false],
    )
    assert.equal(new Set(all.map(({ id }) => id)).size, 5)
    ;(await run(2)).open()
    assert.equal(await last.get(), 'd')
  })

  test('of a task between two attempts joins it', async () => {
    await using s = fresh()
    const { task, run } = held(s, { key: 'k', retries: 1, backoff: MINUTE })
    await s.work()
    const first = task('a')
    ;(await run(0)).open(new Error('no'))
    await until('it to be scheduled', async () => (await first.info())?.state === 'scheduled')
    assert.equal((await accepted(task('b'))).id, first.id)
  })
})

describe('keyTtl', () => {
  test('holds the key for its time, however soon the task ends: the calls in it get that result', async () => {
    await using s = fresh()
    let runs = 0
    const task = s.queue.task('count', () => ++runs, { key: 'k', keyTtl: 1_500 })
    await s.work()
    const began = Date.now()
    const first = task()
    assert.equal(await first.get(), 1)
    const second = await accepted(task())
    if (Date.now() - began < 1_500) {
      assert.deepEqual([second.joined, second.id, await second.get(), runs], [true, first.id, 1, 1])
    }
    await until('the key to be free', () => Date.now() > began + 1_600)
    assert.equal(await task().get(), 2)
  })

  test('does not hold a call back whose predecessor failed', async () => {
    await using s = fresh()
    let runs = 0
    const fail = s.queue.task(
      'fail',
      () => {
        runs += 1
        throw new Error(`no ${runs}`)
      },
      { key: 'k', keyTtl: MINUTE },
    )
    await s.work()
    assert.equal(((await rejection(fail().get())).cause as Error).message, 'no 1')
    assert.equal(((await rejection(fail().get())).cause as Error).message, 'no 2')
  })
})

describe('unique', () => {
  test('calls with the same arguments join, others do not', async () => {
    await using s = fresh()
    const { task, runs, run } = held(s, { unique: true })
    const [a, b, alsoA] = [await accepted(task('a')), await accepted(task('b')), await accepted(task('a'))]
    const other = await accepted(s.queue.remote<typeof task>('another', { unique: true })('a'))
    assert.deepEqual([a.joined, b.joined, alsoA.joined, other.joined], [false, false, true, false])
    assert.deepEqual([alsoA.id === a.id, b.id === a.id], [true, false])
    await s.work()
    for (const n of [0, 1]) (await run(n)).open()
    assert.deepEqual(await Promise.all([a.get(), b.get(), alsoA.get()]), ['a', 'b', 'a'])
    assert.equal(runs.length, 2)
  })

  test('names and arguments that cannot be a key are refused', async () => {
    await using s = fresh()
    const { task } = held(s, {})
    for (const key of ['', 'a b', 'x'.repeat(129), 7, null]) {
      assert.throws(() => task.with({ key: key as string }), OptionError)
    }
    assert.throws(() => task.with({ key: 'k', unique: true }), /unique and key exclude each other/)
    assert.throws(() => task.with({ unique: 1 as never }), /unique must be true or false/)
    assert.throws(
      () => task.with({ onDuplicate: 'never' as never }),
      /must be one of join, again \(given: "never"\)/,
    )
    for (const keyTtl of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => task.with({ keyTtl }), /keyTtl must be a number of ms from 0 to /)
    }
  })
})
