/** Workers share the work: what one of them cannot begin soon is not kept from another that is idle. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Scene, scene } from './support/scene.ts'
import { until } from './support/until.ts'

/** Short tasks, so that the worker has learned to fetch ahead. */
async function warm({ tasks }: Scene): Promise<void> {
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 200 }, () => tasks.add(1, 1).get()))
  }
}

/** Every call ran once: what was given back had not begun. */
function assertOneRunEach({ journal }: Scene): void {
  const starts = journal().filter(([, , what]) => what === 'start')
  assert.equal(new Set(starts.map(([id]) => id)).size, starts.length, 'a task ran twice')
}

test('two workers share 100 CPU-bound calls evenly', async () => {
  await using stage = await scene()
  // One of them could take all of the calls at once.
  const options = { concurrency: 100 }
  const [a, b] = await Promise.all([stage.worker(options), stage.worker(options)])
  const pids = await Promise.all(Array.from({ length: 100 }, () => stage.tasks.block(20).get()))
  const ofA = pids.filter((pid) => pid === a.pid).length
  assert.equal(pids.filter((pid) => pid === b.pid).length, 100 - ofA)
  assert.ok(ofA >= 35 && ofA <= 65, `one ran ${ofA} of 100`)
  assertOneRunEach(stage)
})

test('while the main loop is blocked, its thread gives back what waits behind the blocking task', async () => {
  await using stage = await scene()
  const a = await stage.worker({ concurrency: 2 })
  await warm(stage)
  const blocking = stage.tasks.block(6_000)
  const behind = Array.from({ length: 40 }, () => stage.tasks.block(0))
  await a.prints(`blocking ${blocking.id}`)
  const b = await stage.worker()
  const pids = await Promise.all(behind.map((call) => call.get()))
  assert.equal((await blocking.info())?.state, 'running', 'they did not wait for it')
  assert.deepEqual([...new Set(pids)], [b.pid])
  assert.equal(await blocking.get(), a.pid)
  // The worker that was blocked goes on.
  assert.ok(await stage.tasks.add(1, 2).get())
  assertOneRunEach(stage)
})

test('what was fetched ahead is given back when all slots are taken by long tasks', async () => {
  await using stage = await scene()
  const a = await stage.worker({ concurrency: 3 })
  await warm(stage)
  const long = Array.from({ length: 3 }, () => stage.tasks.slow(6_000))
  const behind = Array.from({ length: 20 }, () => stage.tasks.block(0))
  for (const { id } of long) await a.prints(`running ${id}`)
  const b = await stage.worker()
  const pids = await Promise.all(behind.map((call) => call.get()))
  assert.deepEqual([...new Set(pids)], [b.pid])
  assert.deepEqual(await Promise.all(long.map((call) => call.get())), [a.pid, a.pid, a.pid])
  assertOneRunEach(stage)
})

test('with prefetch 0 a worker takes no more than it has slots', async () => {
  await using stage = await scene()
  await stage.worker({ concurrency: 2, prefetch: 0 })
  await warm(stage)
  const calls = Array.from({ length: 10 }, () => stage.tasks.slow(1_500))
  await until('two of them to run', async () => {
    const states = await Promise.all(calls.map((call) => call.info()))
    return states.filter((info) => info?.state === 'running').length === 2
  })
  const states = await Promise.all(calls.map((call) => call.info()))
  assert.equal(states.filter((info) => info?.state === 'queued').length, 8)
})
