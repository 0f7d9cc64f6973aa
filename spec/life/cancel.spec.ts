/** Cancelling a task, wherever it is, and what its handler, its callers and its record are told. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OptionError, TaskCancelledError, type TaskHandle } from '../../lib/index.ts'
import { type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()
const MINUTE = 60_000
const ONE = { concurrency: 1, prefetch: 0 }

/** Runs until the spec says so, and notes with what it was called. */
function held(s: Fresh) {
  const { passed, open } = gate<string>()
  const ran: string[] = []
  const task = s.queue.task('held', (what: string) => {
    ran.push(what)
    return passed
  })
  return { task, ran, open }
}

const state = async (handle: TaskHandle): Promise<string | undefined> => (await handle.info())?.state
const isState = (handle: TaskHandle, wanted: string) =>
  until(`it to be ${wanted}`, async () => (await state(handle)) === wanted)

/** The caller, and the record, say that it was cancelled, and why. */
async function wasCancelled(handle: TaskHandle, reason: string): Promise<void> {
  const error = await rejection(handle.get({ timeout: 8_000 }))
  assert.ok(error instanceof TaskCancelledError, `${error}`)
  assert.deepEqual(
    [error.message, error.taskId, error.code],
    [reason, handle.id, 'ERR_MILLRACE_TASK_CANCELLED'],
  )
  const info = await handle.info()
  assert.deepEqual([info?.state, (info?.error as Error | undefined)?.message], ['cancelled', reason])
  assert.ok(info?.finishedAt)
}

describe('a task that has not begun', () => {
  test('queued: it never starts, and its caller is told why', async () => {
    await using s = fresh()
    const { task, ran, open } = held(s)
    const handle = task('a')
    const early = rejection(handle.get())
    assert.equal(await handle.cancel('not needed'), 'cancelled')
    assert.ok((await early) instanceof TaskCancelledError)
    await wasCancelled(handle, 'not needed')
    assert.deepEqual((await handle.info())?.args, ['a'])
    open('fine')
    await s.work()
    assert.equal(await task('b').get(), 'fine')
    assert.deepEqual(ran, ['b'])
    const counts = await s.queue.counts()
    assert.deepEqual([counts.ended.cancelled, counts.ended.succeeded, counts.queued], [1, 1, 0])
  })

  test('several that were cancelled while no worker ran: the first that comes starts none of them', async () => {
    await using s = fresh()
    const { task, ran, open } = held(s)
    const calls = ['a', 'b', 'c', 'd', 'e', 'f'].map((what) => task(what))
    for (const call of calls) assert.equal(await call.cancel(), 'cancelled')
    open('fine')
    await s.work(ONE)
    for (const what of ['g', 'h']) assert.equal(await task(what).get(), 'fine')
    assert.deepEqual(ran, ['g', 'h'])
  })

  test('scheduled, and between two attempts', async () => {
    await using s = fresh()
    const { task, ran } = held(s)
    const fail = s.queue.task('fail', () => {
      throw new Error('no')
    })
    await s.work()
    const later = task.with({ delay: MINUTE })('a')
    assert.equal(await later.cancel('not needed'), 'cancelled')
    await wasCancelled(later, 'not needed')
    const again = fail.with({ retries: 1, backoff: MINUTE })()
    await isState(again, 'scheduled')
    assert.equal(await again.cancel('given up'), 'cancelled')
    await wasCancelled(again, 'given up')
    assert.equal((await again.info())?.errors.length, 1, 'the errors stay')
    assert.equal((await s.queue.counts()).scheduled, 0)
    assert.deepEqual(ran, [])
  })

  test('parked, because no worker knows it', async () => {
    await using s = fresh()
    await s.work()
    const handle = s.queue.remote<() => void>('nobody')()
    await isState(handle, 'parked')
    assert.equal(await handle.cancel('not needed'), 'cancelled')
    await wasCancelled(handle, 'not needed')
    assert.equal((await s.queue.counts()).parked, 0)
  })

  test('held by a worker ahead of its turn', async () => {
    await using s = fresh()
    const { task, ran, open } = held(s)
    const quick = s.queue.task('quick', () => {})
    await s.work({ concurrency: 1, prefetch: 512 })
    // So that the worker takes several at a time.
    await Promise.all(Array.from({ length: 2_000 }, () => quick().get()))
    const [first, ...others] = ['a', 'b', 'c', 'd', 'e'].map((what) => task(what))
    await isState(first!, 'running')
    for (const other of others) assert.match(await other.cancel('not needed'), /^(cancelled|running)$/)
    await Promise.all(others.map((other) => wasCancelled(other, 'not needed')))
    open('well')
    assert.equal(await first!.get(), 'well')
    await quick().get()
    assert.deepEqual(ran, ['a'])
  })

  test('of 200 that are cancelled while a worker reads, none starts whose cancelling was confirmed', async () => {
    await using s = fresh()
    const ran = new Set<number>()
    const note = s.queue.task('note', (n: number) => void ran.add(n))
    await s.work()
    for (let n = 0; n < 200; n++) {
      const handle = note(n)
      const outcome = handle.get().then(
        () => 'succeeded',
        (error) => error,
      )
      const answer = await handle.cancel()
      if (answer === 'cancelled') {
        assert.ok((await outcome) instanceof TaskCancelledError)
        assert.equal(ran.has(n), false, `task ${n}`)
      } else {
        assert.match(answer, /^(running|ended)$/)
        await outcome
      }
    }
    // And all at once: a batch of calls, then a cancelling for each.
    const handles = Array.from({ length: 200 }, (_, n) => note(1_000 + n))
    const answers = await Promise.all(handles.map((handle) => handle.cancel()))
    await Promise.allSettled(handles.map((handle) => handle.get()))
    answers.forEach((answer, n) => {
      if (answer === 'cancelled') assert.equal(ran.has(1_000 + n), false, `task ${n} of the batch`)
    })
  })
})

describe('a wait with cancelOnAbort', () => {
  test('cancels the task when its signal aborts, also where it had aborted before', async () => {
    await using s = fresh()
    const { task, ran } = held(s)
    const controller = new AbortController()
    const [early, late] = [task('a'), task('b')]
    const wait = early.get({ signal: controller.signal, cancelOnAbort: true })
    controller.abort(new Error('the user left'))
    await assert.rejects(wait, /the user left/)
    await assert.rejects(late.get({ signal: controller.signal, cancelOnAbort: true }), /the user left/)
    for (const handle of [early, late]) {
      await isState(handle, 'cancelled')
      await wasCancelled(handle, 'nobody waits for it any more')
    }
    await s.work()
    assert.deepEqual([ran, s.errors], [[], []])
  })

  test('without it the task goes on', async () => {
    await using s = fresh()
    const { task, open } = held(s)
    const handle = task('a')
    await handle.enqueued
    await assert.rejects(handle.get({ signal: AbortSignal.abort(new Error('gone')) }), /gone/)
    await s.work()
    open('well')
    assert.equal(await handle.get(), 'well')
  })
})

describe('too late, unknown and bad', () => {
  test('what has ended, however: "ended"; what was cancelled: "cancelled" again; what is not there: "none"', async () => {
    await using s = fresh()
    const task = s.queue.task('task', (fail: boolean) => {
      if (fail) throw new Error('no')
    })
    await s.work()
    const [good, bad] = [task(false), task(true)]
    const cancelled = task.with({ delay: MINUTE })(false)
    await Promise.allSettled([good.get(), bad.get()])
    assert.deepEqual([await good.cancel(), await bad.cancel()], ['ended', 'ended'])
    assert.deepEqual([await state(good), await state(bad)], ['succeeded', 'failed'])
    assert.deepEqual(
      [await cancelled.cancel('first'), await cancelled.cancel('second')],
      ['cancelled', 'cancelled'],
    )
    await wasCancelled(cancelled, 'first')
    assert.equal(await s.queue.cancel('nobody'), 'none')
    assert.equal(await s.queue.handle('nobody').cancel(), 'none')
  })

  test('ids and reasons that cannot be are refused; a long reason is cut', async () => {
    await using s = fresh()
    const { task } = held(s)
    for (const id of ['', 'a b', 'x'.repeat(129), undefined]) {
      await assert.rejects(s.queue.cancel(id as string), OptionError)
    }
    await assert.rejects(s.queue.cancel('id', 7 as never), /the reason must be a string/)
    const handle = task('a')
    assert.equal(await handle.cancel('ü'.repeat(5_000)), 'cancelled')
    assert.match((await rejection(handle.get())).message, /^ü{100,}$/)
  })
})
