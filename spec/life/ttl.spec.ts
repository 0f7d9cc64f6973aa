/** `ttl`: a task that has not begun in time never does, whether a worker is there or not. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentTask, TaskExpiredError, type TaskHandle } from '../../lib/index.ts'
import { type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()
const ONE = { concurrency: 1, prefetch: 0 }

function noted(s: Fresh) {
  const ran: string[] = []
  const task = s.queue.task('noted', (what: string) => {
    ran.push(what)
    return what
  })
  return { task, ran }
}

/** Until so many ms after it was made. */
async function pass(handle: TaskHandle, ms: number): Promise<void> {
  const made = (await handle.info())!.createdAt.getTime()
  await until('the time to be over', () => Date.now() > made + ms + 10)
}

test('a task that was not started in time expires where no worker runs, as soon as somebody asks', async () => {
  await using s = fresh()
  const { task } = noted(s)
  const handle = task.with({ ttl: 100 })('a')
  const first = rejection(handle.get())
  await handle.enqueued
  await pass(handle, 100)
  const error = await rejection(s.other().handle(handle.id).get({ timeout: 8_000 }))
  assert.ok(error instanceof TaskExpiredError)
  assert.match(error.message, /did not start in time/)
  assert.ok((await first) instanceof TaskExpiredError, 'who waits already is told')
  const info = await handle.info()
  assert.deepEqual([info?.state, info?.attempt, info?.args], ['expired', 0, ['a']])
  assert.equal((await s.queue.counts()).ended.expired, 1)
})

test('one that expired never starts, also where the worker comes before anybody has noticed', async () => {
  await using s = fresh()
  const { task, ran } = noted(s)
  const calls = ['a', 'b', 'c'].map((what) => task.with({ ttl: 100 })(what))
  const errors = calls.map((call) => rejection(call.get()))
  await Promise.all(calls.map((call) => call.enqueued))
  await pass(calls[2]!, 100)
  await s.work()
  for (const error of await Promise.all(errors)) assert.ok(error instanceof TaskExpiredError)
  assert.equal(await task('d').get(), 'd')
  assert.deepEqual(ran, ['d'])
})

test('one that waits for a slot for too long expires there', async () => {
  await using s = fresh()
  const { task, ran } = noted(s)
  const { passed, open } = gate()
  const hold = s.queue.task('hold', () => passed)
  await s.work(ONE)
  const held = hold()
  await until('it to run', async () => (await held.info())?.state === 'running')
  const late = task.with({ ttl: 150 })('late')
  assert.ok((await rejection(late.get({ timeout: 8_000 }))) instanceof TaskExpiredError)
  open()
  await held.get()
  assert.equal(await task('next').get(), 'next')
  assert.deepEqual(ran, ['next'])
})

test('one that began in time may run for longer', async () => {
  await using s = fresh()
  const { passed, open } = gate<string>()
  const hold = s.queue.task('hold', () => passed)
  await s.work()
  const handle = hold.with({ ttl: 300 })()
  await until('it to run', async () => (await handle.info())?.state === 'running')
  await pass(handle, 300)
  const other = s.other().handle(handle.id).get()
  open('well')
  assert.equal(await handle.get(), 'well')
  assert.equal(await other, 'well')
})

test('one that began in time may be tried again after it', async () => {
  await using s = fresh()
  const task = s.queue.task('second', () => {
    const { attempt } = currentTask()
    if (attempt === 1) throw new Error('no')
    return attempt
  })
  await s.work()
  const handle = task.with({ ttl: 300, retries: 1, backoff: 1_500 })()
  await until('the first attempt to have failed', async () => (await handle.info())?.state === 'scheduled')
  await pass(handle, 400)
  assert.equal(await s.other().handle<number>(handle.id).get(), 2)
})

test('it counts from the time that the task was put off to', async () => {
  await using s = fresh()
  const { task } = noted(s)
  await s.work()
  assert.equal(await task.with({ delay: 700, ttl: 5_000 })('a').get(), 'a')
  const handle = task.with({ delay: 600, ttl: 400 })('b')
  assert.equal(await handle.get(), 'b')
})

test('the time of a definition and of a remote task count too, and that of the call overrides them', async () => {
  await using s = fresh()
  s.queue.task('defined', () => 'done', { ttl: 60_000 })
  const remote = s.other().remote<() => string>('defined', { ttl: 50 })
  const short = remote()
  const long = remote.with({ ttl: 60_000 })()
  await Promise.all([short.enqueued, long.enqueued])
  await pass(short, 50)
  await s.work()
  assert.ok((await rejection(short.get())) instanceof TaskExpiredError)
  assert.equal(await long.get(), 'done')
})
