/** `with({ queue })`: the call is made on another queue, of the same Redis or of another, or inline. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { OptionError, Queue, QueueFullError, type QueueOptions } from '../../lib/index.ts'
import { createTestQueue } from '../../lib/testing.ts'
import { rejection } from '../support/fresh.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

let redis: TestRedis
let another: TestRedis
let count = 0
before(async () => {
  redis = await startRedis()
  another = await startRedis()
})
after(() => Promise.all([redis, another].map((server) => server?.stop())))

function stage(options: QueueOptions = {}) {
  count += 1
  const queue = new Queue(`target${count}`, { redis: redis.url, ...options })
  const echo = queue.task('echo', (n: number) => `${queue.name} ${n}`)
  const work = async (): Promise<void> => {
    const worker = queue.worker({ concurrency: 5, lease: 5_000 })
    const ready = new Promise((resolve) => worker.once('ready', resolve))
    void worker.run()
    await ready
  }
  const waits = async (): Promise<readonly [number, number]> => {
    const { queued, scheduled } = await queue.counts()
    return [queued, scheduled]
  }
  return { queue, echo, work, waits, [Symbol.asyncDispose]: () => queue.close() }
}

test('the call is that of the other queue, on this Redis or on another', async () => {
  await using a = stage()
  await using b = stage()
  await using c = stage({ redis: another.url })
  await Promise.all([a.work(), b.work(), c.work()])
  for (const { queue } of [a, b, c]) {
    const handle = a.echo.with({ queue })(1)
    assert.equal(await handle.get(), `${queue.name} 1`)
    const info = await queue.getTask(handle.id)
    assert.deepEqual([info?.queue, info?.name], [queue.name, 'echo'])
    assert.equal((await handle.info())?.state, 'succeeded')
    if (queue !== a.queue) assert.equal(await a.queue.getTask(handle.id), null)
  }
  assert.equal(a.echo.with({ queue: b.queue }).local(2), `${a.queue.name} 2`, 'its own handler')
})

test('its options go along, and more can be bound', async () => {
  await using a = stage()
  await using b = stage({ maxQueued: 2 })
  const later = a.queue.remote<typeof a.echo>('echo', { delay: 60_000, key: 'k' })
  const there = later.with({ queue: b.queue }).with({ priority: 'high' })
  const [first, second] = [there(1), there(2)]
  await Promise.all([first.enqueued, second.enqueued])
  assert.deepEqual([second.joined, second.id], [true, first.id])
  assert.equal((await first.info())?.lane, 'high')
  assert.deepEqual(
    [await a.waits(), await b.waits()],
    [
      [0, 0],
      [0, 1],
    ],
  )
  assert.equal((await there.find(1)).handle?.id, first.id)
  assert.equal((await later.find(1)).state, 'none', 'of its own queue')
  const back = there.with({ queue: a.queue })(1)
  await back.enqueued
  assert.deepEqual(await a.waits(), [0, 1])
  const many = a.echo.with({ queue: b.queue }).many([[1], [2]])
  const outcomes = await Promise.allSettled(many.map((handle) => handle.enqueued))
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  )
  assert.ok((await rejection(many[1]!.get())) instanceof QueueFullError, 'of the other queue')
})

test('a prepared call is one of the other queue', async () => {
  await using a = stage()
  await using b = stage()
  const prepared = a.echo.with({ queue: b.queue }).prepare(1)
  const [entry] = await a.queue.enqueueMany([prepared])
  assert.equal(entry?.error, undefined)
  assert.deepEqual(
    [await a.waits(), await b.waits()],
    [
      [0, 0],
      [1, 0],
    ],
  )
  await b.queue.schedule('nightly', { every: 60_000 }, prepared)
  await assert.rejects(a.queue.schedule('nightly', { every: 60_000 }, prepared), OptionError)
})

test('in a transaction it is a call of the other queue', async () => {
  await using a = stage()
  await using b = stage()
  await rejection(
    a.queue.transaction(() => {
      a.echo.with({ queue: b.queue })(1)
      throw new Error('no')
    }),
  )
  await a.queue.transaction(() => [a.echo(1), a.echo.with({ queue: b.queue })(2)])
  assert.deepEqual(
    [await a.waits(), await b.waits()],
    [
      [1, 0],
      [1, 0],
    ],
  )
})

test('inline queues too', async () => {
  await using a = new Queue('here', { inline: true })
  const b = createTestQueue('there')
  const echo = a.task('echo', (n: number) => `a ${n}`)
  b.task('echo', (n: number) => `b ${n}`)
  const handle = echo.with({ queue: b })(1)
  await b.drain()
  assert.equal(await handle.get(), 'b 1')
  await b.close()
  assert.throws(() => echo.with({ queue: b })(2), /queue "there" is closed/)
})

test('bad input', async () => {
  await using a = stage()
  for (const queue of [null, 'name', 5, {}, { name: 'a', handle() {} }, a.echo] as never[]) {
    assert.throws(() => a.echo.with({ queue }), /echo\.with: queue must be a Queue/)
  }
  assert.equal(a.echo.with({ queue: undefined }).taskName, 'echo')
  assert.throws(() => a.queue.task('other', () => {}, { queue: a.queue } as never), /unknown option "queue"/)
  assert.throws(() => a.queue.remote('other', { queue: a.queue } as never), /unknown option "queue"/)
})
