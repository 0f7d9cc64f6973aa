/** Many calls at once: `task.many` for those that a caller holds, `queue.enqueueMany` for more than that. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MOST_CALLS } from '../../lib/call/many.ts'
import { OptionError, type PreparedCall, QueueFullError } from '../../lib/index.ts'
import { freshQueues, rejection } from '../support/fresh.ts'

const { fresh } = freshQueues()
const MANY = 100_000

describe('task.many', () => {
  test('gives a handle for each list of arguments, in order', async () => {
    await using s = fresh()
    const add = s.queue.task('add', (a: number, b: number) => a + b)
    await s.work()
    const handles = add.many([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    assert.deepEqual(await Promise.all(handles.map((handle) => handle.get())), [3, 7, 11])
    assert.deepEqual(add.many([]), [])
    const lists = new Set([[7, 8] as const])
    assert.deepEqual(await Promise.all(add.many(lists).map((handle) => handle.get())), [15])
  })

  test('has the options of `with`', async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', (n: number) => n)
    const handles = echo.with({ priority: 'low' }).many(Array.from({ length: 500 }, (_, n) => [n]))
    await Promise.all(handles.map(({ enqueued }) => enqueued))
    assert.equal((await s.queue.counts()).lanes.low, 500)
  })

  test('makes no call where one cannot be made', async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', (value: unknown) => value)
    assert.throws(() => echo.many([[1], [() => {}]]), /arguments\[0\] is a function/)
    for (const lists of [[[1], 2], [[1], undefined], ['ab']] as never[]) {
      assert.throws(() => echo.many(lists), OptionError)
    }
    assert.throws(() => echo.many([[1], 'x'] as never), /echo\.many: item 1 must be a list of arguments/)
    await s.queue.getTask('none')
    assert.equal((await s.queue.counts()).queued, 0)
  })
})

describe('queue.enqueueMany', () => {
  test('answers for each call, in order, of lists and of iterables of both kinds', async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', (n: number) => n)
    const name = s.queue.task('name', (text: string) => text)
    await s.work()
    function* some() {
      yield echo.prepare(1)
      yield name.prepare('a')
    }
    async function* later() {
      yield* some()
    }
    for (const calls of [[...some()], some(), later(), new Set(some())]) {
      const made = await s.queue.enqueueMany<number | string>(calls)
      assert.deepEqual(
        made.map(({ error }) => error),
        [undefined, undefined],
      )
      assert.deepEqual(await Promise.all(made.map(({ handle }) => handle.get())), [1, 'a'])
    }
    assert.deepEqual(await s.queue.enqueueMany([]), [])
  })

  test('tells of each call that was refused; the others are accepted', async () => {
    await using s = fresh({ maxQueued: 3 })
    const echo = s.queue.task('echo', (n: number) => n)
    const made = await s.queue.enqueueMany([1, 2, 3, 4, 5].map((n) => echo.prepare(n)))
    assert.deepEqual(
      made.map(({ error }) => error?.code),
      [undefined, undefined, undefined, 'ERR_MILLRACE_QUEUE_FULL', 'ERR_MILLRACE_QUEUE_FULL'],
    )
    assert.ok(made[3]!.error instanceof QueueFullError)
    assert.ok((await rejection(made[3]!.handle.get())) instanceof QueueFullError)
    assert.equal((await s.queue.counts()).queued, 3)
    assert.deepEqual(s.errors, [], 'somebody was told')
  })

  test('a call of another queue goes to that one', async () => {
    await using s = fresh()
    await using t = fresh()
    const here = s.queue.task('echo', (n: number) => n)
    const there = t.queue.task('echo', (n: number) => -n)
    await s.work()
    await t.work()
    const made = await s.queue.enqueueMany([here.prepare(1), there.prepare(2)])
    assert.deepEqual(await Promise.all(made.map(({ handle }) => handle.get())), [1, -2])
    assert.equal(await s.queue.getTask(made[1]!.handle.id), null)
  })

  test('of 100,000 calls of a generator only so many wait for Redis at once', async () => {
    await using s = fresh()
    const echo = s.queue.remote<(n: number) => number>('echo')
    const seen: number[] = []
    const looks: Promise<void>[] = []
    function* calls(): Generator<PreparedCall<number>> {
      for (let n = 0; n < MANY; n++) {
        if (n % 500 === 0) looks.push(s.queue.health().then(({ unsent }) => void seen.push(unsent)))
        yield echo.prepare(n)
      }
    }
    const made = await s.queue.enqueueMany(calls())
    await Promise.all(looks)
    assert.equal(made.length, MANY)
    assert.equal((await s.queue.counts()).queued, MANY)
    assert.ok(Math.max(...seen) <= MOST_CALLS, `${Math.max(...seen)} waited`)
    assert.ok(Math.max(...seen) >= 256, 'batches were full')
  })

  test('the same of an asynchronous one, in bytes too', async () => {
    await using s = fresh()
    const keep = s.queue.remote<(bytes: Buffer) => void>('keep')
    const block = Buffer.alloc(1_000_000)
    let most = 0
    async function* calls(): AsyncGenerator<PreparedCall<void>> {
      for (let n = 0; n < 60; n++) {
        most = Math.max(most, (await s.queue.health()).unsent)
        yield keep.prepare(block)
      }
    }
    const made = await s.queue.enqueueMany(calls())
    assert.equal(made.filter(({ error }) => error === undefined).length, 60)
    assert.ok(most <= 9, `${most} MB waited`)
  })

  test('what is no prepared call is refused with its place; of a list nothing is sent then', async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', (n: number) => n)
    const bad = [echo.prepare(1), echo, echo.prepare(2)] as never[]
    const error = await rejection(s.queue.enqueueMany(bad))
    assert.ok(error instanceof OptionError)
    assert.match(
      error.message,
      /enqueueMany: item 1 must be made by task\.prepare\(\.\.\.\) \(given: function\)/,
    )
    assert.equal((await s.queue.counts()).queued, 0)
    for (const calls of [undefined, null, 5, {}, echo.prepare(1)] as never[]) {
      assert.match((await rejection(s.queue.enqueueMany(calls))).message, /expected an iterable of prepared/)
    }
    let isClosed = false
    function* some() {
      try {
        yield* bad
      } finally {
        isClosed = true
      }
    }
    assert.ok((await rejection(s.queue.enqueueMany(some()))) instanceof OptionError)
    assert.equal(isClosed, true)
  })

  test('what the iterable throws is thrown; what it gave before is on its way', async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', (n: number) => n)
    const thrown = new Error('no more')
    function* calls() {
      yield echo.prepare(1)
      throw thrown
    }
    assert.equal(await rejection(s.queue.enqueueMany(calls())), thrown)
    await s.queue.counts()
    assert.equal((await s.queue.counts()).queued, 1)
  })
})
