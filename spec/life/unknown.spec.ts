/** Tasks of a name that a worker does not know: as during a deploy, when old and new workers run side by side. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionError, type TaskFailedError, type TaskHandle } from '../../lib/index.ts'
import { freshQueues, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()

type Greet = (who: string) => string
const greet: Greet = (who) => `hello ${who}`
const isParked = (handle: TaskHandle) =>
  until('it to be parked', async () => (await handle.info())?.state === 'parked')

test('where no worker knows it, it is parked, without an attempt', async () => {
  await using s = fresh()
  s.queue.task('known', () => 'fine')
  await s.work()
  const handle = s.queue.remote<Greet>('greet', { priority: 'low' })('you')
  await isParked(handle)
  const info = await handle.info()
  assert.deepEqual([info?.name, info?.args, info?.attempt, info?.lane], ['greet', ['you'], 0, 'low'])
  assert.equal((await s.queue.counts()).parked, 1)
  assert.deepEqual(
    (await s.queue.tasks({ state: 'parked' })).map(({ id }) => id),
    [handle.id],
  )
  assert.equal(await s.queue.remote<() => string>('known')().get(), 'fine', 'others go on')
})

test('it comes back when a worker registers that knows it', async () => {
  await using s = fresh()
  await s.work()
  const calls = ['a', 'b', 'c'].map((who) => s.queue.remote<Greet>('greet')(who))
  const waits = calls.map((call) => call.get())
  await Promise.all(calls.map(isParked))
  const newer = s.other()
  newer.task('greet', greet)
  await s.work({}, newer)
  assert.deepEqual(await Promise.all(waits), ['hello a', 'hello b', 'hello c'])
  const { parked, scheduled } = await s.queue.counts()
  assert.deepEqual([parked, scheduled], [0, 0])
  assert.equal((await calls[0]!.info())?.attempt, 1)
})

test('500 that were parked all come back', async () => {
  await using s = fresh()
  await s.work()
  const calls = Array.from({ length: 500 }, (_, n) => s.queue.remote<Greet>('greet')(String(n)))
  await until('all to be parked', async () => (await s.queue.counts()).parked === 500)
  const newer = s.other()
  let runs = 0
  newer.task('greet', (who: string) => {
    runs += 1
    return greet(who)
  })
  await s.work({}, newer)
  await Promise.all(calls.map((call) => call.get()))
  assert.deepEqual([runs, (await s.queue.counts()).parked], [500, 0])
})

test('of two live workers one knows it: all end well', async () => {
  await using s = fresh()
  const newer = s.other()
  newer.task('greet', greet)
  await s.work({}, newer)
  await s.work()
  await s.work({}, s.other())
  const calls = Array.from({ length: 40 }, (_, n) => s.queue.remote<Greet>('greet')(String(n)))
  const results = await Promise.all(calls.map((call) => call.get({ timeout: 60_000 })))
  assert.deepEqual(
    results,
    results.map((_, n) => `hello ${n}`),
  )
  for (const call of calls) assert.equal((await call.info())?.attempt, 1, 'being refused is no attempt')
})

test('a task that is defined while its worker runs is known to it', async () => {
  await using s = fresh()
  await s.work()
  s.queue.task('greet', greet)
  assert.equal(await s.queue.remote<Greet>('greet')('you').get(), 'hello you')
})

test('when unknownTtl is over it fails with an UnknownTaskError that names it, and can be run again', async () => {
  await using s = fresh({ unknownTtl: 300 })
  await s.work()
  const handle = s.queue.remote<Greet>('greet')('you')
  const error = await rejection<TaskFailedError>(handle.get({ timeout: 8_000 }))
  const cause = error.cause as Error & { code: string }
  assert.deepEqual([cause.name, cause.code], ['UnknownTaskError', 'ERR_MILLRACE_UNKNOWN_TASK'])
  assert.match(cause.message, /greet/)
  const info = await handle.info()
  assert.deepEqual([info?.state, info?.args], ['failed', ['you']])
  const { parked, failed } = await s.queue.counts()
  assert.deepEqual([parked, failed], [0, 1])
  const newer = s.other()
  newer.task('greet', greet)
  await s.work({}, newer)
  assert.equal(await s.queue.retry(handle.id), 'retried')
  assert.equal(await s.other().handle(handle.id).get(), 'hello you')
})

test('with an unknownTtl of 0 it fails at once, and the error names what the worker knows', async () => {
  await using s = fresh({ unknownTtl: 0 })
  s.queue.task('known', () => {})
  await s.work()
  const error = await rejection<TaskFailedError>(s.queue.remote<Greet>('greet', { retries: 5 })('you').get())
  assert.equal((error.cause as Error).name, 'UnknownTaskError')
  assert.match((error.cause as Error).message, /no task named "greet" in this worker \(it knows: known\)/)
})

test('an unknownTtl that cannot be is refused', () => {
  for (const unknownTtl of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => fresh({ unknownTtl }), OptionError)
  }
})
