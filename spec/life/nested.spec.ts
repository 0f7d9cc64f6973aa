/** Handlers that wait for tasks of their own queue: they lend their slot meanwhile, so no worker waits for itself. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentTask, type Task } from '../../lib/index.ts'
import { freshQueues, gate, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()

for (const prefetch of [0, 512]) {
  const ONE = { concurrency: 1, prefetch }

  test(`20 deep at concurrency 1, prefetch ${prefetch}`, async () => {
    await using s = fresh()
    const deep: Task<[number], Promise<number>> = s.queue.task('deep', async (n: number) => {
      return n === 0 ? 0 : 1 + (await deep(n - 1).get())
    })
    await s.work(ONE)
    assert.equal(await deep(20).get({ timeout: 20_000 }), 20)
    // And several of these at once.
    assert.deepEqual(
      await Promise.all([deep(20), deep(20), deep(20)].map((call) => call.get())),
      [20, 20, 20],
    )
  })

  test(`ten at once, for all of which the handler waits, at concurrency 1, prefetch ${prefetch}`, async () => {
    await using s = fresh()
    let running = 0
    let most = 0
    const leaf = s.queue.task('leaf', async (n: number) => {
      running += 1
      most = Math.max(most, running)
      await new Promise(setImmediate)
      running -= 1
      return n
    })
    const sum = s.queue.task('sum', async () => {
      const parts = await Promise.all(Array.from({ length: 10 }, (_, n) => leaf(n).get()))
      return parts.reduce((a, b) => a + b)
    })
    await s.work(ONE)
    assert.equal(await sum().get({ timeout: 20_000 }), 45)
    assert.equal(most, 1, 'they do not run beside each other')
  })
}

test('a call from inside a handler keeps its rejection, and the slot comes back', async () => {
  await using s = fresh()
  const bad = s.queue.task('bad', () => {
    throw new Error('no')
  })
  const outer = s.queue.task('outer', async () => {
    const error = await rejection(bad().get())
    await rejection(bad.with({ delay: 60_000 })().get({ timeout: 50 }))
    return (error.cause as Error).message
  })
  await s.work({ concurrency: 1, prefetch: 0 })
  for (let i = 0; i < 3; i++) assert.equal(await outer().get({ timeout: 20_000 }), 'no')
})

test('also for progress and results of tasks of another Queue object', async () => {
  await using s = fresh()
  const other = s.other()
  const leaf = s.queue.task('leaf', async () => {
    await currentTask().updateProgress('half')
    return 'leaf'
  })
  const outer = s.queue.task('outer', async () => other.remote<typeof leaf>('leaf')().get())
  await s.work({ concurrency: 1, prefetch: 0 })
  assert.equal(await outer().get({ timeout: 20_000 }), 'leaf')
})

test('stop() waits for a handler that waits for a task that runs', async () => {
  await using s = fresh()
  const { passed, open } = gate<string>()
  const begun: string[] = []
  const child = s.queue.task('child', () => {
    begun.push('child')
    return passed
  })
  const parent = s.queue.task('parent', async () => `the parent of ${await child().get()}`)
  const worker = await s.work({ concurrency: 1, prefetch: 0, drainTimeout: 20_000 })
  const handle = parent()
  const wait = handle.get()
  await until('the child to begin', () => begun.length === 1)
  let stopped = false
  const stopping = worker.stop().then(() => {
    stopped = true
  })
  await until('it to drain', async () => (await s.queue.tasks({ state: 'running' })).length === 2)
  assert.equal(stopped, false)
  open('a child')
  assert.equal(await wait, 'the parent of a child')
  await stopping
  assert.equal((await handle.info())?.attempt, 1)
})

test('stop() waits for a handler that waits for a task that another worker runs', async () => {
  await using s = fresh()
  const { passed, open } = gate()
  const child = s.queue.task('child', async () => 'child')
  let hasBegun = false
  const parent = s.queue.task('parent', async () => {
    hasBegun = true
    await passed
    return child().get()
  })
  const worker = await s.work({ concurrency: 1, prefetch: 0, drainTimeout: 20_000 })
  const handle = parent()
  await until('it to begin', () => hasBegun)
  const { id } = worker
  const stopping = worker.stop()
  await s.work({ concurrency: 1, prefetch: 0 })
  open()
  assert.equal(await handle.get(), 'child')
  await stopping
  const info = await handle.info()
  assert.deepEqual([info?.attempt, info?.worker], [1, id])
})
