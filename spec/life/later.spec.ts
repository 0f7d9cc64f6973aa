/** Tasks that are put off: by a delay, or to a time. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionError } from '../../lib/index.ts'
import { type Fresh, freshQueues } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()
const MINUTE = 60_000

/** Notes what ran, and when. */
function noted(s: Fresh) {
  const ran: { what: string; at: number }[] = []
  const task = s.queue.task('noted', (what: string) => {
    ran.push({ what, at: Date.now() })
    return what
  })
  return { task, ran, order: () => ran.map(({ what }) => what) }
}

test('a delayed task waits in state `scheduled` and does not begin before its delay', async () => {
  await using s = fresh()
  const { task, ran } = noted(s)
  await s.work()
  const before = Date.now()
  const handle = task.with({ delay: 400 })('a')
  await handle.enqueued
  const info = await handle.info()
  assert.deepEqual([info?.state, info?.attempt, info?.args], ['scheduled', 0, ['a']])
  assert.equal(info!.nextRunAt!.getTime() - info!.createdAt.getTime(), 400)
  assert.equal(await handle.get(), 'a')
  assert.ok(ran[0]!.at - before >= 400, `after ${ran[0]!.at - before} ms`)
  assert.equal((await handle.info())?.nextRunAt, undefined)
})

test('`at` is a Date or a number, and a time that has passed is now', async () => {
  await using s = fresh()
  const { task, ran } = noted(s)
  await s.work()
  const at = Date.now() + 300
  const handles = [task.with({ at })('number'), task.with({ at: new Date(at) })('date')]
  for (const handle of handles) {
    await handle.enqueued
    assert.equal((await handle.info())?.nextRunAt?.getTime(), at)
  }
  await Promise.all(handles.map((handle) => handle.get()))
  for (const { what, at: ranAt } of ran) assert.ok(ranAt >= at, `${what} ${at - ranAt} ms too early`)
  for (const past of [0, Date.now() - 1_000, new Date(0)]) {
    const handle = task.with({ at: past })('past')
    await handle.enqueued
    assert.notEqual((await handle.info())?.state, 'scheduled')
    assert.equal(await handle.get(), 'past')
  }
  assert.equal(await task.with({ delay: 0 })('no delay').get(), 'no delay')
})

test('tasks begin in the order of their times, not of their calls', async () => {
  await using s = fresh()
  const { task, order } = noted(s)
  const at = Date.now() + 300
  const whats = ['d', 'b', 'e', 'a', 'c']
  const calls = whats.map((what) => task.with({ at: at + 10 * what.charCodeAt(0) - 970 })(what))
  await Promise.all(calls.map((call) => call.enqueued))
  const listed = await s.queue.tasks({ state: 'scheduled' })
  assert.deepEqual(
    listed.map(({ args }) => args?.[0]),
    ['a', 'b', 'c', 'd', 'e'],
  )
  await s.work({ concurrency: 1, prefetch: 0 })
  await Promise.all(calls.map((call) => call.get()))
  assert.deepEqual(order(), ['a', 'b', 'c', 'd', 'e'])
})

test('a worker that sleeps until a far time hears of a nearer one', async () => {
  await using s = fresh()
  const { task } = noted(s)
  await s.work()
  const far = task.with({ delay: MINUTE })('far')
  await far.enqueued
  // The worker's look at all that is scheduled comes every ten seconds; this must not wait for it.
  const near = s.other().remote<typeof task>('noted', { delay: 600 })('near')
  assert.equal(await near.get({ timeout: 6_000 }), 'near')
  assert.equal((await far.info())?.state, 'scheduled')
})

test('2,000 that are due at the same instant all run, once each', async () => {
  await using s = fresh()
  const runs = new Map<number, number>()
  const count = s.queue.task('count', (n: number) => void runs.set(n, (runs.get(n) ?? 0) + 1))
  await s.work()
  await s.work()
  const later = count.with({ at: Date.now() + 1_000 })
  const calls = Array.from({ length: 2_000 }, (_, n) => later(n))
  await Promise.all(calls.map((call) => call.get()))
  assert.equal(runs.size, 2_000)
  assert.deepEqual(new Set(runs.values()), new Set([1]))
  assert.equal((await s.queue.counts()).scheduled, 0)
})

test('delayed tasks do not need a worker while they wait, and survive the end of one', async () => {
  await using s = fresh()
  const { task, order } = noted(s)
  const worker = await s.work()
  const calls = [task.with({ delay: 500 })('a'), task.with({ delay: 900 })('b')]
  await Promise.all(calls.map((call) => call.enqueued))
  await worker.stop()
  assert.equal((await s.queue.counts()).scheduled, 2)
  await s.work()
  await Promise.all(calls.map((call) => call.get()))
  assert.deepEqual(order(), ['a', 'b'])
})

test('one that was due long before a worker came runs when it comes', async () => {
  await using s = fresh()
  const { task } = noted(s)
  const handle = task.with({ at: Date.now() + 1 })('a')
  await handle.enqueued
  await s.work()
  assert.equal(await handle.get(), 'a')
})

test('a delayed task goes to the lane that its priority says', async () => {
  await using s = fresh()
  const { task, order } = noted(s)
  const at = Date.now() + 200
  const calls = [
    task.with({ at, priority: 'low' })('low'),
    task.with({ at })('normal'),
    task.with({ at, priority: 'high' })('high'),
    task.with({ at, first: true })('first'),
  ]
  await Promise.all(calls.map((call) => call.enqueued))
  const lanes = await Promise.all(calls.map(async (call) => (await call.info())?.lane))
  assert.deepEqual(lanes, ['low', 'normal', 'high', 'first'])
  // A paused worker lines them up and takes none, so that all of them wait together.
  await s.queue.pause()
  await s.work({ concurrency: 1, prefetch: 0 })
  const { lanes: counts } = await until('all of them to be due', async () => {
    const now = await s.queue.counts()
    return now.queued === 4 && now
  })
  assert.deepEqual(counts, { first: 1, high: 1, normal: 1, low: 1 })
  await s.queue.resume()
  await Promise.all(calls.map((call) => call.get()))
  assert.deepEqual(order(), ['first', 'high', 'normal', 'low'])
})

test('times that cannot be are refused where they are given', async () => {
  await using s = fresh()
  const { task } = noted(s)
  const refuse = (options: object, message: RegExp): void => {
    const isRight = (error: unknown): boolean => error instanceof OptionError && message.test(error.message)
    assert.throws(() => task.with(options), isRight)
    assert.throws(() => s.queue.task('t', () => {}, options), isRight)
    assert.throws(() => s.queue.remote('t', options), isRight)
  }
  for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY, '1s', null]) {
    refuse({ delay: bad }, /: delay must be a number of ms from 0 to /)
    refuse({ at: bad }, /: at must be a Date or a number of ms since 1970 /)
  }
  refuse({ at: new Date(Number.NaN) }, /: at must be a Date or a number of ms since 1970/)
  refuse({ delay: 200 * 366 * 24 * 60 * MINUTE }, /: delay must be a number of ms from 0 to /)
  refuse({ delay: 1, at: 1 }, /delay and at exclude each other/)
  // The option of the call replaces the one that it excludes.
  const handle = task.with({ delay: MINUTE }).with({ at: 0 })('a')
  await handle.enqueued
  assert.equal((await handle.info())?.state, 'queued')
})
