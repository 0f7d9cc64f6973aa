/** Not more than can be dealt with: a bound on what waits, pausing, and how many run at once. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OptionError, QueueFullError, type QueueOptions, type TaskHandle } from '../../lib/index.ts'
import { type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()
const MINUTE = 60_000

const accepted = async (...handles: TaskHandle[]): Promise<void> => {
  await Promise.all(handles.map((handle) => handle.enqueued))
}

/** Each holds its slot until the spec opens the gate. */
function holding(s: Fresh) {
  const { passed, open } = gate()
  const status = { running: 0, most: 0, begun: 0 }
  const task = s.queue.task('hold', async (n: number) => {
    status.begun += 1
    status.running += 1
    status.most = Math.max(status.most, status.running)
    await passed
    status.running -= 1
    return n
  })
  return { task, status, open }
}

describe('maxQueued', () => {
  test('a call beyond it rejects with QueueFullError, at enqueued and at get, and was not enqueued', async () => {
    await using s = fresh({ maxQueued: 3 })
    const task = s.queue.task('task', (n: number) => n)
    const good = [task(1), task(2), task.with({ delay: MINUTE })(3)]
    await accepted(...good)
    const [noted, awaited] = [task(4), task(5)]
    const got = rejection(awaited.get())
    const error = await rejection(noted.enqueued)
    assert.ok(error instanceof QueueFullError)
    assert.deepEqual([error.code, error.limit], ['ERR_MILLRACE_QUEUE_FULL', 3])
    assert.match(error.message, /is full: 3 tasks wait already \(maxQueued\)/)
    assert.ok((await got) instanceof QueueFullError)
    assert.ok((await rejection(noted.get())) instanceof QueueFullError)
    assert.equal(await noted.info(), null)
    assert.deepEqual(s.errors, [], 'somebody saw both')
    const { queued, scheduled } = await s.queue.counts()
    assert.deepEqual([queued, scheduled], [2, 1])
    await s.work()
    assert.equal(await good[0]!.get(), 1)
    await good[1]!.get()
    assert.equal(await task(6).get(), 6, 'there is room again')
  })

  test('of one batch as many are accepted as there is room for', async () => {
    await using s = fresh({ maxQueued: 10 })
    const task = s.queue.task('task', (_: number) => {})
    const calls = Array.from({ length: 25 }, (_, n) => task(n))
    const results = await Promise.allSettled(calls.map((call) => call.enqueued))
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 10)
    assert.equal((await s.queue.counts()).queued, 10)
  })

  test('where neither is used the queue says it by its event `error`', async () => {
    await using s = fresh({ maxQueued: 1 })
    const task = s.queue.task('task', () => {})
    await accepted(task())
    task()
    const error = await until('the error', () => s.errors[0])
    assert.ok(error instanceof QueueFullError)
  })

  test('what was cancelled or removed makes room, also while no worker runs', async () => {
    await using s = fresh({ maxQueued: 2 })
    const task = s.queue.task('task', () => {})
    const calls = [task(), task()]
    await accepted(...calls)
    assert.ok((await rejection(task().enqueued)) instanceof QueueFullError)
    await calls[0]!.cancel()
    await s.queue.remove(calls[1]!.id)
    assert.equal((await s.queue.counts()).queued, 0)
    await accepted(task(), task())
  })

  const WAIT: QueueOptions = { maxQueued: 5, onFull: 'wait' }

  test("onFull: 'wait': the call waits for room, and all of them run", async () => {
    await using s = fresh(WAIT)
    const ran: number[] = []
    const task = s.queue.task('task', (n: number) => {
      ran.push(n)
      return n
    })
    const calls = Array.from({ length: 60 }, (_, n) => task(n))
    const late = calls.at(-1)!.enqueued
    await accepted(...calls.slice(0, 5))
    assert.equal((await s.queue.counts()).queued, 5)
    await s.work()
    const results = await Promise.all(calls.map((call) => call.get()))
    await late
    assert.deepEqual(
      results,
      Array.from({ length: 60 }, (_, n) => n),
    )
    assert.equal(ran.length, 60)
    assert.deepEqual(s.errors, [])
  })

  test('close() does not wait for room: what has none rejects', { timeout: 30_000 }, async () => {
    const s = fresh(WAIT)
    const task = s.queue.task('task', (_: number) => {})
    const calls = Array.from({ length: 8 }, (_, n) => task(n))
    const results = Promise.allSettled(calls.map((call) => call.enqueued))
    await accepted(...calls.slice(0, 5))
    await s.queue.close()
    const states = (await results).map(({ status }) => status)
    assert.deepEqual(states, [...Array(5).fill('fulfilled'), ...Array(3).fill('rejected')])
    const last = await rejection(calls[7]!.enqueued)
    assert.ok(last instanceof QueueFullError, `${last}`)
  })
})

describe('pause', () => {
  test('nothing is taken, not even what is enqueued right after it; what runs goes on; resume ends it', async () => {
    await using s = fresh()
    const { task, status, open } = holding(s)
    await s.work()
    await s.work()
    const running = task(0)
    await until('it to run', () => status.begun === 1)
    assert.equal(await s.queue.isPaused(), false)
    await s.queue.pause()
    const calls = Array.from({ length: 50 }, (_, n) => task(n))
    await accepted(...calls)
    open()
    assert.equal(await running.get(), 0)
    assert.equal(await s.other().isPaused(), true)
    // What was given to a worker while it heard of the pause comes back.
    await until('all to be queued', async () => (await s.queue.counts()).queued === 50)
    assert.equal(status.begun, 1)
    await s.other().resume()
    await Promise.all(calls.map((call) => call.get()))
    assert.deepEqual([status.begun, await s.queue.isPaused()], [51, false])
  })

  test('between every two of many calls: none begins between pause() and resume()', async () => {
    await using s = fresh()
    let ran = 0
    const task = s.queue.task('task', () => {
      ran += 1
    })
    await s.work()
    for (let n = 0; n < 25; n++) {
      const before = task()
      await before.get()
      await s.queue.pause()
      const call = task()
      await call.enqueued
      // Long enough for a worker that did not heed it: a round trip or two.
      for (let i = 0; i < 5; i++) await s.queue.counts()
      assert.equal(ran, 2 * n + 1)
      await s.queue.resume()
      await call.get({ timeout: 8_000 })
    }
  })

  test('holds for a worker that starts while it lasts', async () => {
    await using s = fresh()
    const { task, status, open } = holding(s)
    open()
    await s.queue.pause()
    await s.queue.pause()
    const handle = task(1)
    await handle.enqueued
    await s.work()
    for (let i = 0; i < 10; i++) assert.equal((await handle.info())?.state, 'queued')
    assert.equal(status.begun, 0)
    await s.queue.resume()
    await s.queue.resume()
    assert.equal(await handle.get({ timeout: 8_000 }), 1)
  })
})

describe('setConcurrency', () => {
  const run = async ({ task }: ReturnType<typeof holding>, count: number): Promise<void> =>
    accepted(...Array.from({ length: count }, (_, n) => task(n)))

  test('of all workers, those that run and those that come; null: as their options say', async () => {
    await using s = fresh()
    const held = holding(s)
    await s.work({ concurrency: 2, prefetch: 0 })
    await run(held, 40)
    await until('both slots to be used', () => held.status.running === 2)
    assert.equal(await s.queue.setConcurrency('all', 5), true)
    await until('the worker to have taken it up', () => held.status.running === 5)
    await s.work({ concurrency: 2, prefetch: 0 }, s.queue)
    await until('the new worker to run five too', () => held.status.running === 10)
    assert.equal(await s.queue.setConcurrency('all', null), true)
    held.open()
    await until('all to have run', () => held.status.begun === 40)
    assert.equal(held.status.most, 10)
  })

  test('of one worker, which goes before that of all; fewer: the slots go as their tasks end', async () => {
    await using s = fresh()
    const held = holding(s)
    const worker = await s.work({ concurrency: 3, prefetch: 0 })
    await run(held, 20)
    await until('its slots to be used', () => held.status.running === 3)
    assert.equal(await s.queue.setConcurrency('all', 4), true)
    assert.equal(await s.queue.setConcurrency(worker.id, 6), true)
    await until('six to run', () => held.status.running === 6)
    assert.equal(await s.queue.setConcurrency(worker.id, 1), true)
    assert.equal(held.status.running, 6)
    await s.queue.setConcurrency(worker.id, null)
    held.open()
    await until('all to have run', () => held.status.begun === 20)
    assert.equal(held.status.most, 6)
  })

  test('of a worker that is not there: false; of what cannot be: an OptionError', async () => {
    await using s = fresh()
    assert.equal(await s.queue.setConcurrency('nobody', 3), false)
    const worker = await s.work()
    const { id } = worker
    await worker.stop()
    assert.equal(await s.queue.setConcurrency(id, 3), false)
    for (const concurrency of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, undefined as never]) {
      const error = await rejection(s.queue.setConcurrency('all', concurrency))
      assert.ok(error instanceof OptionError)
      assert.match(error.message, /setConcurrency must be a whole number from 1 to 10000/)
    }
    await assert.rejects(s.queue.setConcurrency('', 1), OptionError)
    for (const maxQueued of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => fresh({ maxQueued }), /maxQueued must be a whole number of at least 1/)
    }
    assert.throws(() => fresh({ onFull: 'drop' as never }), /onFull must be one of reject, wait/)
  })
})
