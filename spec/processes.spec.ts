/** The promise, with real processes that really die: kept apart from the callers, watched from outside. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TaskFailedError } from '../lib/index.ts'
import { LANES, leftovers, P, registered, scene } from './support/scene.ts'
import { until } from './support/until.ts'

const CLEAN = { entries: 0, pending: 0, consumers: 0 }

test('RPC, background call and progress from another process', async () => {
  await using s = await scene()
  const worker = await s.worker()
  assert.equal(await s.tasks.add(2, 3).get(), 5)

  const background = s.tasks.add(20, 30)
  await background.enqueued
  const info = await until('the background task to end', async () => {
    const now = await s.queue.getTask(background.id)
    return now?.state === 'succeeded' && now
  })
  assert.equal(info.result, 50)
  assert.deepEqual(info.args, [20, 30])

  const seen: unknown[] = []
  const steps = s.tasks.steps(5, 30)
  for await (const value of steps.progress()) seen.push(value)
  assert.equal(await steps.get(), 5)
  assert.deepEqual(seen.at(-1), { step: 5, of: 5 })
  assert.ok(seen.length >= 3, `saw ${seen.length} of 5 values`)

  worker.signal('SIGTERM')
  assert.equal(await worker.ended, 0)
  assert.deepEqual(await leftovers(s.redis), CLEAN)
})

test('a worker killed in mid-task: the task ends on another, once, and its caller hears', async () => {
  await using s = await scene()
  const lease = 1_000
  const first = await s.worker({ lease })
  const handle = s.tasks.slow(700)
  const wait = handle.get({ timeout: 30_000 })
  await first.prints(`running ${handle.id} attempt 1`)
  first.signal('SIGKILL')
  const second = await s.worker({ lease })
  assert.equal(await wait, second.pid)
  assert.match(second.output, new RegExp(`running ${handle.id} attempt 2`))

  const info = await handle.info()
  assert.equal(info?.state, 'succeeded')
  assert.equal(info?.attempt, 2)
  assert.equal(info?.crashes, 1)
  assert.deepEqual(
    s.journal().map(([, pid, what]) => [Number(pid), what]),
    [
      [first.pid, 'start'],
      [second.pid, 'start'],
      [second.pid, 'end'],
    ],
  )
  await until('the dead worker to be forgotten', async () => (await registered(s.redis)).length === 1)
  second.signal('SIGTERM')
  await second.ended
  assert.deepEqual(await leftovers(s.redis), CLEAN)
})

test('a worker that was stopped for longer than its lease: its late result is refused', async () => {
  await using s = await scene()
  const lease = 900
  const paused = await s.worker({ lease })
  const handle = s.tasks.slow(1_000)
  const wait = handle.get({ timeout: 30_000 })
  await paused.prints(`running ${handle.id}`)
  paused.signal('SIGSTOP')
  const other = await s.worker({ lease })
  assert.equal(await wait, other.pid)
  const before = await s.redis.client.hgetall(`${P}:task:${handle.id}`)
  const [deadId] = (await registered(s.redis)).filter((id) => id.includes(`-${paused.pid}-`))
  assert.equal(deadId, undefined, 'it is not registered any more')

  paused.signal('SIGCONT')
  await until('it to come back under a new id', async () => {
    return (await registered(s.redis)).some((id) => id.includes(`-${paused.pid}-`))
  })
  assert.deepEqual(await s.redis.client.hgetall(`${P}:task:${handle.id}`), before)
  // It is a worker again, and a good one.
  other.signal('SIGTERM')
  await other.ended
  assert.equal(await s.tasks.slow(1).get({ timeout: 20_000 }), paused.pid)
})

test('a handler that blocks its event loop for three leases keeps its task', async () => {
  await using s = await scene()
  const lease = 700
  const busy = await s.worker({ lease })
  const handle = s.tasks.block(3 * lease)
  await busy.prints(`blocking ${handle.id}`)
  const idle = await s.worker({ lease })
  assert.equal(await handle.get({ timeout: 30_000 }), busy.pid)
  assert.equal((await handle.info())?.attempt, 1)
  assert.equal(idle.output.includes(handle.id), false)
})

test('a task that kills its workers fails as poison, and its neighbours end well', async () => {
  await using s = await scene()
  const options = { lease: 500, maxCrashes: 2 }
  // One dies of it, then the next; the third finds it.
  for (let i = 0; i < 3; i++) await s.worker(options)
  const poison = s.tasks.die()
  const failed = poison.get({ timeout: 60_000 }).catch((error: TaskFailedError) => error)
  const neighbours: Promise<unknown>[] = []
  const call = (): number => neighbours.push(s.tasks.add(1, 1).get({ timeout: 60_000 }))
  const calling = setInterval(call, 100)
  const error = await failed
  clearInterval(calling)
  call()
  assert.equal((error as TaskFailedError).code, 'ERR_MILLRACE_TASK_FAILED')
  const cause = (error as TaskFailedError).cause as { name: string; code: string }
  assert.equal(cause.name, 'PoisonTaskError')
  assert.equal(cause.code, 'ERR_MILLRACE_POISON')
  assert.equal(s.journal().filter(([id]) => id === poison.id).length, 2)
  assert.deepEqual(new Set(await Promise.all(neighbours)), new Set([2]))
  const info = await poison.info()
  assert.deepEqual([info?.state, info?.crashes, info?.args], ['failed', 2, []])
})

test('1,000 calls in flight from one client use as many connections as one', async () => {
  await using s = await scene()
  await s.worker({ concurrency: 100 })
  assert.equal(await s.tasks.add(1, 1).get(), 2)
  const list = async (): Promise<string> => String(await s.redis.client.client('LIST'))
  const connections = async (): Promise<number> => (await list()).trim().split('\n').length
  await until('the heartbeat thread to be connected', async () =>
    (await list()).includes('millrace:heartbeat'),
  )
  const before = await connections()
  const calls = Array.from({ length: 1_000 }, (_, i) => s.tasks.add(i, i).get())
  const during = await connections()
  const results = await Promise.all(calls)
  assert.deepEqual(
    results,
    results.map((_, i) => 2 * i),
  )
  assert.equal(during, before)
  assert.equal(await connections(), before)
})

test('SIGTERM under load: nothing lost, nothing repeated, nothing left behind', async () => {
  await using s = await scene()
  const workers = [await s.worker({ concurrency: 8 }), await s.worker({ concurrency: 8 })]
  const calls = Array.from({ length: 400 }, () => s.tasks.slow(15))
  const results = calls.map((call) => call.get({ timeout: 60_000 }))
  await until('some to have run', () => s.journal().length > 60)
  const third = await s.worker({ concurrency: 8 })
  for (const worker of workers) worker.signal('SIGTERM')
  assert.deepEqual(await Promise.all(workers.map((worker) => worker.ended)), [0, 0])
  await Promise.all(results)
  const runs = new Map<string, number>()
  for (const [id, , what] of s.journal()) if (what === 'start') runs.set(id!, (runs.get(id!) ?? 0) + 1)
  assert.deepEqual(new Set(calls.map(({ id }) => runs.get(id))), new Set([1]))
  for (const call of calls) assert.equal((await call.info())?.attempt, 1)
  third.signal('SIGINT')
  assert.equal(await third.ended, 0)
  assert.deepEqual(await leftovers(s.redis), CLEAN)
  const keys = (await s.redis.client.keys('*')).filter((key) => !key.includes(':task:')).sort()
  assert.deepEqual(
    keys,
    ['millrace:queues', `${P}:ended`, ...LANES.map((lane) => `${P}:stream:${lane}`)].sort(),
  )
})

test('a handler that outlives the drain is aborted; if it heeds that, its own outcome counts', async () => {
  await using s = await scene()
  const worker = await s.worker({ drainTimeout: 300 })
  const handle = s.tasks.patient()
  const wait = handle.get({ timeout: 30_000 })
  await worker.prints(`running ${handle.id}`)
  worker.signal('SIGTERM')
  assert.equal(await worker.ended, 0)
  assert.match(worker.output, /aborted: the worker stops/)
  // It heeded the signal and ended in time: that is its outcome.
  assert.equal(await wait, 'late')
})

test('a handler that does not heed its abort is left behind by the drain, and its task runs elsewhere', async () => {
  await using s = await scene()
  const worker = await s.worker({ drainTimeout: 300 })
  const handle = s.tasks.slow(3_000)
  await worker.prints(`running ${handle.id}`)
  worker.signal('SIGTERM')
  await until('the task to be given back', async () => (await handle.info())?.state === 'queued')
  const info = await handle.info()
  assert.deepEqual([info?.attempt, info?.crashes], [1, 0])
  const other = await s.worker()
  assert.equal(await handle.get({ timeout: 30_000 }), other.pid)
  assert.equal(await worker.ended, 0)
})

test('a second signal ends a worker at once; what it held runs elsewhere', async () => {
  await using s = await scene()
  const worker = await s.worker()
  const handle = s.tasks.slow(3_000)
  await worker.prints(`running ${handle.id}`)
  worker.signal('SIGTERM')
  await worker.prints('heard SIGTERM')
  worker.signal('SIGTERM')
  assert.equal(await worker.ended, 143)
  const info = await handle.info()
  assert.deepEqual([info?.state, info?.attempt, info?.crashes], ['queued', 1, 0])
  const other = await s.worker()
  assert.equal(await handle.get({ timeout: 30_000 }), other.pid)
})
