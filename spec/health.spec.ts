/** Health: what a worker and a queue say of themselves while Redis is well, silent, gone, full or forgetful. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OptionError, Queue, type Worker, type WorkerHealth, type WorkerOptions } from '../lib/index.ts'
import { createTestQueue } from '../lib/testing.ts'
import { gate, rejection } from './support/fresh.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { until } from './support/until.ts'

/** Generous for a busy machine, and far below what a wait without an end would take. */
const BOUND = 15_000

async function scene(options: WorkerOptions = {}) {
  const redis = await startRedis()
  const queue = new Queue('health', { redis: redis.url })
  queue.on('error', () => {})
  const { passed, open } = gate()
  const hold = queue.task('hold', () => passed)
  const echo = queue.task('echo', (value: string) => value)
  const worker = queue.worker({ lease: 3_000, drainTimeout: 10_000, concurrency: 2, prefetch: 1, ...options })
  worker.on('error', () => {})
  const work = async (): Promise<void> => {
    const ready = new Promise((resolve) => worker.once('ready', resolve))
    void worker.run()
    await ready
    await healthy(worker)
  }
  const dispose = async (): Promise<void> => {
    open()
    await worker.stop({ timeout: 0 })
    await queue.close()
    await redis.stop()
  }
  return { redis, queue, worker, work, hold, echo, open, [Symbol.asyncDispose]: dispose }
}

/** Once it consumes, which its first answer tells. */
const healthy = (worker: Worker): Promise<WorkerHealth> =>
  until('the worker to be healthy', async () => {
    const health = await worker.health()
    return health.ok && health.since && health
  })

/** What it answers within the bound. */
async function soon<T>(health: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${BOUND} ms`)), BOUND)
  })
  try {
    return await Promise.race([health, late])
  } finally {
    clearTimeout(timer)
  }
}

const registrations = (redis: TestRedis): Promise<string[]> =>
  redis.client.zrange('millrace:{health}:workers', '0', '-1')

describe('a worker', () => {
  test('that is well says who it is, since when it consumes, and what it holds', async () => {
    await using s = await scene()
    await s.work()
    const began = await healthy(s.worker)
    assert.deepEqual(
      { ...began, since: 0, lastBeat: 0, latency: 0 },
      {
        ...{ ok: true, reasons: [], state: 'running', id: s.worker.id, isPaused: false },
        ...{ since: 0, running: 0, waiting: 0, concurrency: 2, lastBeat: 0, latency: 0 },
      },
    )
    assert.ok(began.latency! > 0 && began.latency! < BOUND)
    assert.ok(Math.abs(Date.now() - began.lastBeat!.getTime()) < BOUND)
    assert.ok(began.since!.getTime() <= Date.now())

    const handles = [s.hold(), s.hold(), s.hold()]
    const full = await until('both slots to be taken', async () => {
      const health = await s.worker.health()
      return health.running === 2 && health
    })
    assert.equal(full.ok, true)
    s.open()
    await Promise.all(handles.map((handle) => handle.get()))
    const after = await s.worker.health()
    assert.equal(after.running, 0)
    assert.deepEqual(after.since, began.since, 'it has consumed without a break')
  })

  test('that has not been started, or has stopped, says so and asks nobody', async () => {
    await using s = await scene()
    const idle = await s.worker.health()
    assert.deepEqual([idle.ok, idle.state, idle.id, idle.latency], [false, 'idle', '', undefined])
    assert.deepEqual(idle.reasons, ['it has not been started'])
    await s.work()
    await s.worker.stop()
    const stopped = await s.worker.health()
    assert.deepEqual([stopped.ok, stopped.state, stopped.lastBeat], [false, 'stopped', undefined])
    assert.deepEqual(stopped.reasons, ['it has stopped'])
  })

  test('whose Redis is silent answers in time, and is well when Redis goes on', async () => {
    await using s = await scene()
    await s.work()
    s.redis.pause()
    const health = await soon(s.worker.health({ timeout: 200 }))
    assert.equal(health.ok, false)
    assert.deepEqual([health.latency, health.since], [undefined, undefined])
    assert.deepEqual(health.reasons, ['Redis gave no answer for 200 ms'])
    await until('the lease to be over', async () => {
      const { reasons } = await soon(s.worker.health({ timeout: 200 }))
      return reasons.includes('no beat has reached Redis within its lease of 3000 ms')
    })
    s.redis.resume()
    await healthy(s.worker)
    assert.equal(await s.echo('a').get({ timeout: BOUND }), 'a')
  })

  test('whose Redis is gone says why, and is well when Redis is back', async () => {
    await using s = await scene()
    await s.work()
    const before = await healthy(s.worker)
    // A turn was answered, perhaps ahead of the connection that reads: one that is not made yet cannot be lost.
    await until('its read to block', async () =>
      /name=millrace:fetch .*flags=\w*b/.test(String(await s.redis.client.client('LIST'))),
    )
    await s.redis.kill()
    const gone = await until('the loss to be seen', async () => {
      const health = await soon(s.worker.health({ timeout: 300 }))
      return /ECONNREFUSED/.test(health.reasons.join()) && health
    })
    assert.equal(gone.ok, false)
    await s.redis.restart()
    const after = await healthy(s.worker)
    assert.ok(after.since! > before.since!, 'it consumes anew')
    assert.equal(await s.echo('a').get({ timeout: BOUND }), 'a')
  })

  test('that cannot reach Redis yet says why', async () => {
    await using s = await scene()
    await s.redis.kill()
    void s.worker.run()
    const health = await soon(s.worker.health({ timeout: 200 }))
    assert.deepEqual([health.ok, health.state, health.id], [false, 'starting', ''])
    assert.equal(health.reasons[0], 'it is not registered yet')
    assert.match(health.reasons[1]!, /ECONNREFUSED|not connected/)
  })

  test('is well with an empty script cache', async () => {
    await using s = await scene()
    await s.work()
    await s.redis.client.script('FLUSH')
    assert.equal((await s.worker.health()).ok, true)
  })

  test('of a Redis that takes no writes is not well, although PING is answered', async () => {
    await using s = await scene()
    await s.work()
    await s.redis.client.call('REPLICAOF', '127.0.0.1', '1')
    assert.equal(await s.redis.client.ping(), 'PONG')
    const health = await s.worker.health()
    assert.equal(health.ok, false)
    assert.match(health.reasons[0]!, /^READONLY/)
    await s.redis.client.call('REPLICAOF', 'NO', 'ONE')
    await healthy(s.worker)
  })

  test('whose registration is gone from Redis is not well until it has another', async () => {
    // Its own beats are far apart, but a read of 2 s that ends just now shows it too: then it is asked once more.
    await using s = await scene({ lease: 60_000 })
    await s.work()
    let id = ''
    const health = await until('it to say so', async () => {
      await healthy(s.worker)
      id = s.worker.id
      const gone = s.redis.client.multi().del(`millrace:{health}:worker:${id}`)
      await gone.zrem('millrace:{health}:workers', id).exec()
      const now = await s.worker.health()
      assert.equal(now.ok, false)
      return s.worker.id === id && now
    })
    assert.deepEqual(health.reasons, ['its registration is gone from Redis'])
    await s.redis.client.flushall()
    const again = await healthy(s.worker)
    assert.notEqual(again.id, id)
    assert.deepEqual(await registrations(s.redis), [again.id])
  })

  test('of a paused queue is well: it does not consume, and begins anew', async () => {
    await using s = await scene()
    await s.work()
    const before = await healthy(s.worker)
    // Until then it would not hear of a pause that is over at once.
    await until('it to listen', async () => {
      const [, listeners] = await s.redis.client.pubsub('NUMSUB', 'millrace:{health}:control')
      return listeners === 1
    })
    await s.queue.pause()
    const paused = await s.worker.health()
    assert.deepEqual([paused.ok, paused.isPaused, paused.since], [true, true, undefined])
    await s.queue.resume()
    const after = await healthy(s.worker)
    assert.equal(after.isPaused, false)
    assert.ok(after.since! > before.since!)
  })

  test('that drains is not well for new work, and says what still runs', async () => {
    await using s = await scene()
    await s.work()
    const handle = s.hold()
    await until('it to run', async () => (await s.worker.health()).running === 1)
    const stopped = s.worker.stop()
    const health = await s.worker.health()
    assert.deepEqual([health.ok, health.state, health.running], [false, 'draining', 1])
    assert.deepEqual(health.reasons, ['it stops: what runs goes on, and nothing more is taken'])
    assert.equal(health.since, undefined)
    s.open()
    await handle.get()
    await stopped
  })

  test('that is forbidden to read is not well, although scripts run', async () => {
    await using s = await scene()
    await s.work()
    await s.redis.client.call('ACL', 'SETUSER', 'default', '-subscribe')
    await s.redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    const health = await until('its silence to be seen', async () => {
      const now = await s.worker.health()
      return !now.ok && now
    })
    assert.match(health.reasons[0]!, /^it has asked for work in vain for \d{5,} ms$/)
    assert.ok(health.latency! > 0)
    await s.redis.client.call('ACL', 'SETUSER', 'default', '+subscribe')
    await healthy(s.worker)
  })

  test('refuses options that it does not know', async () => {
    await using s = await scene()
    assert.ok((await rejection(s.worker.health({ timeout: 0 }))) instanceof OptionError)
    assert.ok((await rejection(s.worker.health({ time: 1 } as object))) instanceof OptionError)
  })
})

describe('a queue', () => {
  test('that is well has a round trip, before its first call too', async () => {
    await using redis = await startRedis()
    await using queue = new Queue('health', { redis: redis.url })
    const health = await queue.health()
    assert.ok(health.latency! > 0)
    assert.deepEqual(
      { ...health, latency: 0 },
      { ok: true, isConnected: true, latency: 0, unsent: 0, problem: undefined },
    )
    await redis.client.script('FLUSH')
    assert.equal((await queue.health()).ok, true)
    assert.deepEqual(await redis.client.keys('*'), [], 'it has left nothing')
  })

  test('whose Redis is silent, then gone, says what waits here', async () => {
    await using redis = await startRedis()
    await using queue = new Queue('health', { redis: redis.url, enqueueTimeout: 30_000 })
    queue.on('error', () => {})
    const echo = queue.remote<(value: string) => string>('echo')
    await queue.health()
    redis.pause()
    const calls = [echo('a'), echo('b')]
    const silent = await soon(queue.health({ timeout: 200 }))
    assert.deepEqual([silent.ok, silent.latency, silent.unsent], [false, undefined, 2])
    assert.equal(silent.problem, 'Redis gave no answer for 200 ms')
    redis.resume()
    await Promise.all(calls.map((call) => call.enqueued))
    const back = await queue.health()
    assert.deepEqual([back.ok, back.unsent], [true, 0])

    await redis.kill()
    const gone = await until('the loss to be seen', async () => {
      const health = await soon(queue.health({ timeout: 300 }))
      return /ECONNREFUSED/.test(health.problem ?? '') && health
    })
    assert.deepEqual([gone.ok, gone.isConnected], [false, false])
  })

  test('at maxmemory is not well, because calls are refused; its workers are', async () => {
    await using s = await scene()
    await s.work()
    await s.redis.client.config('SET', 'maxmemory', '1')
    const health = await s.queue.health()
    assert.deepEqual([health.ok, health.isConnected], [false, true])
    assert.match(health.problem!, /^OOM/)
    assert.equal((await s.worker.health()).ok, true)
    await s.redis.client.config('SET', 'maxmemory', '0')
    assert.equal((await s.queue.health()).ok, true)
  })

  test('with a wrong password says so at once', async () => {
    await using redis = await startRedis({ args: ['--requirepass', 'secret'] })
    await using queue = new Queue('health', { redis: { port: redis.port, password: 'wrong' } })
    queue.on('error', () => {})
    const health = await soon(queue.health({ timeout: 60_000 }))
    assert.equal(health.ok, false)
    assert.match(health.problem!, /WRONGPASS/)
  })

  test('that was closed says so', async () => {
    await using redis = await startRedis()
    const queue = new Queue('health', { redis: redis.url })
    await queue.close()
    const health = await queue.health()
    assert.deepEqual([health.ok, health.isConnected], [false, false])
    assert.equal(health.problem, 'queue "health" is closed')
  })

  test('without Redis is well as long as it is open', async () => {
    const expected = { ok: true, isConnected: true, latency: 0, unsent: 0, problem: undefined }
    for (const queue of [new Queue('here', { inline: true }), createTestQueue('here')]) {
      assert.deepEqual(await queue.health(), expected)
      await queue.close()
      assert.equal((await queue.health()).ok, false)
    }
  })

  test('refuses options that it does not know', async () => {
    await using queue = new Queue('here', { inline: true })
    assert.ok((await rejection(queue.health({ timeout: '1' } as object))) instanceof OptionError)
  })
})
