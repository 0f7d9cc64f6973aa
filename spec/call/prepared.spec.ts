/** Calls that are not made yet: packed when they are prepared, made later, as often as anybody wants. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import {
  currentTask,
  PayloadTooLargeError,
  type PreparedCall,
  QueueClosedError,
  SchemaError,
  UnsupportedValueError,
} from '../../lib/index.ts'
import { freshQueues, rejection } from '../support/fresh.ts'

const { fresh } = freshQueues()

test('a prepared call can be made more than once: each is a task of its own', async () => {
  await using s = fresh()
  const add = s.queue.task('add', (a: number, b: number) => a + b)
  const call = add.prepare(1, 2)
  assert.equal((await s.queue.counts()).queued, 0)
  await s.work()
  const made = await s.queue.enqueueMany([call, call, call])
  assert.equal(new Set(made.map(({ handle }) => handle.id)).size, 3)
  assert.deepEqual(await Promise.all(made.map(({ handle }) => handle.get())), [3, 3, 3])
})

test('its arguments are those of the moment at which it was prepared', async () => {
  await using s = fresh()
  const show = s.queue.task('show', (of: { n: number }) => of.n)
  const argument = { n: 1 }
  const call = show.prepare(argument)
  argument.n = 2
  await s.work()
  const [made] = await s.queue.enqueueMany([call])
  assert.equal(await made!.handle.get(), 1)
})

test('the options of `with` are part of it', async () => {
  await using s = fresh()
  const echo = s.queue.task('echo', (n: number) => n)
  const calls = [
    echo.with({ delay: 60_000 }).prepare(1),
    echo.with({ priority: 'low' }).prepare(2),
    echo.with({ key: 'k' }).prepare(3),
    echo.with({ unique: true }).prepare(4),
    echo.with({ unique: true }).prepare(4),
  ]
  const made = await s.queue.enqueueMany(calls)
  const infos = await Promise.all(made.map(({ handle }) => handle.info()))
  assert.deepEqual(
    infos.map((info) => [info?.state, info?.lane, info?.key?.length ?? 0]),
    [
      ['scheduled', 'normal', 0],
      ['queued', 'low', 0],
      ['queued', 'normal', 1],
      ['queued', 'normal', 43],
      ['queued', 'normal', 43],
    ],
  )
  assert.deepEqual([made[3]!.handle.joined, made[4]!.handle.joined], [false, true])
})

test('a deadline is inherited where the call is made, not where it was prepared', async () => {
  await using s = fresh()
  const left = s.queue.task('left', () => currentTask().deadline !== undefined)
  const outside = left.prepare()
  const outer = s.queue.task('outer', async () => {
    const [made] = await s.queue.enqueueMany([outside])
    return made!.handle.get()
  })
  let inside: PreparedCall<boolean> | undefined
  const preparing = s.queue.task('preparing', () => {
    inside = left.prepare()
  })
  await s.work()
  assert.equal(await outer.with({ deadline: 60_000 })().get(), true)
  await preparing.with({ deadline: 60_000 })().get()
  const [made] = await s.queue.enqueueMany([inside!])
  assert.equal(await made!.handle.get(), false)
})

test('what cannot be sent throws when it is prepared', async () => {
  await using s = fresh({ maxPayload: 1_000 })
  const echo = s.queue.task('echo', (value: unknown) => value)
  assert.throws(() => echo.prepare(() => {}), UnsupportedValueError)
  assert.throws(() => echo.prepare(Promise.resolve()), /arguments\[0\] is a promise/)
  assert.throws(() => echo.prepare('x'.repeat(1_000)), PayloadTooLargeError)
  const call = echo.prepare(1)
  await s.queue.close()
  assert.throws(() => echo.prepare(1), QueueClosedError)
  assert.ok((await rejection(s.queue.enqueueMany([call]))) instanceof QueueClosedError)
})

test('a schema is asked when it is prepared; where its argument is left out, when the call is made without one', async () => {
  await using s = fresh()
  const named = s.queue.task('named', (user) => user.name, { input: z.object({ name: z.string() }) })
  assert.throws(() => named.prepare({ name: 5 as never }), SchemaError)
  const step = named.prepare()
  const error = await rejection(s.queue.enqueueMany([named.prepare({ name: 'a' }), step as never]))
  assert.ok(error instanceof SchemaError)
  assert.equal((await s.queue.counts()).queued, 0, 'nothing of the list was sent')
})
