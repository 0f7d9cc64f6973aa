/** Redis absent, gone in the middle, too old, read-only, locked, full: typed errors in bounded time, then on it goes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EnqueueError, Queue, type RedisError, type Worker } from '../lib/index.ts'
import { startProxy } from './support/proxy.ts'
import { startRedis } from './support/redis.ts'
import { isNothing } from './support/resp.ts'
import { until } from './support/until.ts'

function watched(url: string, options: object = {}) {
  const queue = new Queue('trouble', { redis: url, enqueueTimeout: 1_000, ...options })
  const errors: Error[] = []
  queue.on('error', (error) => errors.push(error))
  const echo = queue.task('echo', (x: unknown) => x)
  return { queue, errors, echo }
}

async function running(queue: Queue): Promise<Worker> {
  const worker = queue.worker({ lease: 1_500 })
  const ready = new Promise((resolve) => worker.once('ready', resolve))
  void worker.run()
  await ready
  return worker
}

const failure = (promise: Promise<unknown>): Promise<EnqueueError> =>
  promise.then(
    () => assert.fail('it should have rejected'),
    (error) => error,
  )

test('Redis absent: a call rejects within its time, saying that it was not accepted', async () => {
  const { queue, errors, echo } = watched('redis://127.0.0.1:1')
  const handle = echo(1)
  const [enqueued, got] = await Promise.all([failure(handle.enqueued), failure(handle.get())])
  assert.ok(enqueued instanceof EnqueueError)
  assert.equal(enqueued.accepted, false)
  assert.match(
    enqueued.message,
    /the call was not enqueued: not connected to Redis: connect ECONNREFUSED 127\.0\.0\.1:1/,
  )
  assert.equal(got, enqueued)
  const before = errors.length
  echo(2)
  echo(3)
  await until('the failure of calls that nobody awaits', () => errors.length > before)
  assert.ok(errors.at(-1) instanceof EnqueueError)
  assert.match(errors.at(-1)?.message ?? '', /2 calls were not enqueued/)
  await queue.close()
})

test('a failed call that nobody awaits is a warning where nobody listens, never an unhandled rejection', async () => {
  const queue = new Queue('trouble', { redis: 'redis://127.0.0.1:1', enqueueTimeout: 100 })
  const warnings: Error[] = []
  // Node prints warnings by a listener of its own; the spec stays quiet.
  const printing = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => warnings.push(warning))
  queue.task('t', () => {})()
  await until('the warning', () => warnings.some(({ message }) => /not enqueued/.test(message)))
  await queue.close()
  process.removeAllListeners('warning')
  for (const listener of printing) process.on('warning', listener)
})

test('a worker that was started before its Redis begins when Redis does', async () => {
  const redis = await startRedis()
  await redis.kill()
  const { queue, echo } = watched(redis.url, { enqueueTimeout: 20_000 })
  const worker = queue.worker()
  const run = worker.run()
  const result = echo('at last').get({ timeout: 30_000 })
  await redis.restart()
  assert.equal(await result, 'at last')
  await queue.close()
  await run
  await redis.stop()
})

test('Redis killed under waits and a worker: it comes back with its data, and everything goes on', async () => {
  await using redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  const { queue, echo } = watched(redis.url, { enqueueTimeout: 20_000 })
  let release = (): void => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const hold = queue.task('hold', () => gate.then(() => 'held'))
  const worker = await running(queue)
  const waiting = hold()
  const result = waiting.get({ timeout: 60_000 })
  const brief = hold()
  await until('it to run', async () => (await waiting.info())?.state === 'running')
  await redis.kill()
  assert.equal(
    (await failure(brief.get({ timeout: 400 }))).code,
    'ERR_MILLRACE_WAIT_TIMEOUT',
    'a timeout holds while Redis is away',
  )
  const meanwhile = echo('meanwhile').get({ timeout: 60_000 })
  release()
  await redis.restart()
  assert.equal(await result, 'held')
  assert.equal(await meanwhile, 'meanwhile')
  assert.equal((await waiting.info())?.attempt, 1)
  await worker.stop()
  await queue.close()
})

test('everything deleted under a running worker: it begins anew, and waits are told', async () => {
  await using redis = await startRedis()
  const { queue, echo } = watched(redis.url)
  await running(queue)
  assert.equal(await echo(1).get(), 1)
  await redis.client.flushall()
  assert.equal(await echo(2).get({ timeout: 30_000 }), 2)
  await redis.client.xgroup('DESTROY', 'millrace:{trouble}:stream:normal', 'workers')
  assert.equal(await echo(3).get({ timeout: 30_000 }), 3)
  await redis.client.del('millrace:{trouble}:stream:normal')
  assert.equal(await echo(4).get({ timeout: 30_000 }), 4)
  await queue.close()
})

test('the script cache emptied: nobody notices', async () => {
  await using redis = await startRedis()
  const { queue, errors, echo } = watched(redis.url)
  await running(queue)
  for (let i = 0; i < 20; i++) {
    await redis.client.script('FLUSH')
    assert.equal(await echo(i).get({ timeout: 10_000 }), i)
  }
  assert.deepEqual(errors, [])
  await queue.close()
})

test('all connections cut again and again: every call comes back once', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy(redis.port)
  const { queue } = watched(proxy.url, { enqueueTimeout: 20_000 })
  let runs = 0
  const count = queue.task('count', (i: number) => {
    runs += 1
    return i
  })
  await running(queue)
  const results: Promise<number>[] = []
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 20; i++) results.push(count(round * 20 + i).get({ timeout: 60_000 }))
    await new Promise((resolve) => setTimeout(resolve, 30))
    proxy.cut()
  }
  assert.deepEqual(
    await Promise.all(results),
    Array.from({ length: 200 }, (_, i) => i),
  )
  // At least once: a worker whose connection is cut keeps its tasks, so here it is once.
  assert.equal(runs, 200)
  await queue.close()
})

test('a server that accepts and says nothing, and one that goes silent: calls end, and resume', {
  timeout: 60_000,
}, async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy(redis.port)
  proxy.silence()
  const { queue, echo } = watched(proxy.url)
  assert.equal((await failure(echo(1).get())).accepted, false)
  proxy.speak()
  proxy.cut()
  const worker = await running(queue)
  await until('a call to pass', () =>
    echo(2)
      .get({ timeout: 5_000 })
      .catch(() => false),
  )
  proxy.silence()
  assert.equal((await failure(echo(3).get())).accepted, 'unknown')
  proxy.speak()
  const passes = async (): Promise<boolean> =>
    (await echo(4)
      .get({ timeout: 5_000 })
      .catch(() => 0)) === 4
  await until('silent sockets to be replaced', passes, 40_000)
  await worker.stop()
  await queue.close()
})

test('a delivery whose reply was lost on the way is found in the pending list, and runs once', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy(redis.port)
  const { queue } = watched(proxy.url)
  let runs = 0
  const count = queue.task('count', () => {
    runs += 1
    return runs
  })
  await running(queue)
  assert.equal(await count().get(), 1)
  // Before it blocks, a turn may still bring the next one.
  await until('the read to block', async () =>
    /name=millrace:fetch .*flags=\w*b/.test(String(await redis.client.client('LIST'))),
  )
  let swallowed = 0
  proxy.fate = ({ name }, reply) => {
    if (swallowed > 0 || name !== 'XREADGROUP' || isNothing(reply)) return 'pass'
    swallowed += 1
    return 'swallow'
  }
  const handle = count()
  assert.equal(await handle.get({ timeout: 30_000 }), 2)
  assert.deepEqual([swallowed, runs, (await handle.info())?.attempt], [1, 2, 1])
  await queue.close()
})

test('what is told while a worker does not listen is looked for once it does, before it waits for more', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy(redis.port)
  const { queue } = watched(redis.url)
  const far = watched(proxy.url)
  const seen: string[] = []
  const note = far.queue.task('note', () => void seen.push('ran'))
  proxy.answer = ({ name, from }) => {
    if (from === 'millrace:fetch') seen.push(name)
    return undefined
  }
  const worker = await running(far.queue)
  await until('it to wait for work', () => seen.includes('XREADGROUP'))
  proxy.silence(({ name }) => name === 'millrace:fetch')
  // It is in a list where only turns look, and workers are told so.
  const handle = queue.remote<typeof note>('note', { first: 'newest' })()
  await handle.enqueued
  const before = seen.length
  proxy.cut(({ name }) => name === 'millrace:fetch')
  await handle.get({ timeout: 10_000 })
  const after = seen.slice(before)
  assert.ok(after.includes('SUBSCRIBE'))
  assert.ok(!after.slice(0, after.indexOf('ran')).includes('XREADGROUP'), after.join(' '))
  await worker.stop()
  await Promise.all([queue.close(), far.queue.close()])
})

test('a Redis that is too old is refused, saying which is needed', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy(redis.port)
  proxy.rewrite = (chunk) =>
    Buffer.from(chunk.toString('latin1').replace(/redis_version:\d/, 'redis_version:6'), 'latin1')
  const { queue, errors, echo } = watched(proxy.url)
  const error = await failure(echo(1).enqueued)
  assert.match(error.message, /Redis 6\.\S+ is too old: Millrace needs 7\.0 or newer/)
  const worker = queue.worker()
  void worker.run()
  proxy.rewrite = (chunk) => chunk
  await until('a call to pass', () =>
    echo('upgraded')
      .get({ timeout: 1_000 })
      .catch(() => false),
  )
  assert.match(errors[0]?.message ?? '', /too old/)
  await queue.close()
})

test('a Redis that asks for a password: refused at once, without it or with a wrong one; the right one works', async () => {
  await using redis = await startRedis({ args: ['--requirepass', 'open-sesame'] })
  const bare = new URL(redis.url)
  bare.password = ''
  for (const password of ['', 'wrong-word']) {
    bare.password = password
    const { queue, echo } = watched(bare.href, { enqueueTimeout: 30_000 })
    const error = await failure(echo(1).enqueued)
    assert.equal(error.accepted, false)
    assert.match(error.message, /NOAUTH|WRONGPASS/)
    assert.equal(error.message.includes('wrong-word'), false)
    await queue.close()
  }
  bare.password = 'open-sesame'
  const { queue, echo } = watched(bare.href)
  await running(queue)
  assert.equal(await echo(1).get(), 1)
  await queue.close()
})

test('a read-only Redis: calls reject in their time; when it is a master again all goes on', async () => {
  await using redis = await startRedis()
  const { queue, echo } = watched(redis.url)
  const worker = await running(queue)
  assert.equal(await echo(1).get(), 1)
  await redis.client.replicaof('127.0.0.1', 1)
  const error = await failure(echo(2).enqueued)
  assert.equal(error.accepted, false)
  assert.match(error.message, /READONLY/)
  await redis.client.replicaof('NO', 'ONE')
  assert.equal(await echo(3).get({ timeout: 20_000 }), 3)
  await worker.stop()
  await queue.close()
})

test('a full Redis: a call is refused at once; what runs still ends', async () => {
  await using redis = await startRedis()
  const { queue, echo } = watched(redis.url, { enqueueTimeout: 30_000 })
  let release = (): void => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const hold = queue.task('hold', () => gate.then(() => 'held'))
  await running(queue)
  const result = hold()
  await until('it to run', async () => (await result.info())?.state === 'running')
  await redis.client.config('SET', 'maxmemory', '1')
  const error = await failure(echo(1).enqueued)
  assert.equal(error.accepted, false)
  assert.match(error.message, /^the call was not enqueued: OOM /)
  assert.equal((error.cause as RedisError).executed, false)
  release()
  assert.equal(await result.get({ timeout: 10_000 }), 'held')
  await redis.client.config('SET', 'maxmemory', '0')
  assert.equal(await echo(2).get(), 2)
  await queue.close()
})

test('more calls than may wait: the rest reject at once, and memory stays bounded', async () => {
  const { queue, echo } = watched('redis://127.0.0.1:1', { maxBuffered: 100_000 })
  const calls = Array.from({ length: 1_000 }, () => echo('x'.repeat(500)).enqueued)
  const errors = await Promise.all(calls.map(failure))
  const full = errors.filter(({ message }) => /maxBuffered/.test(message))
  assert.ok(full.length > 850 && full.length < 950, `${full.length} rejected`)
  assert.ok(errors.every(({ accepted }) => accepted === false))
  await queue.close()
})
