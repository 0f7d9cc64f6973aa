/** What operators see of queues and workers, and what they can tell workers. */

import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { describe, test } from 'node:test'
import { OptionError, Queue, RedisError, type Worker, type WorkerInfo } from '../lib/index.ts'
import { type Fresh, freshQueues, gate, rejection } from './support/fresh.ts'
import { delayReplies } from './support/late.ts'
import { start } from './support/processes.ts'
import { startProxy } from './support/proxy.ts'
import { startRedis } from './support/redis.ts'
import { until } from './support/until.ts'

const served = freshQueues()
const { fresh } = served
const DAY = 86_400_000

/** Runs until the spec opens the gate; says where. */
function holding(s: Fresh) {
  const { passed, open } = gate()
  const began: string[] = []
  const defineAt = (where: string, queue = s.queue) =>
    queue.task('hold', async (n: number) => {
      began.push(`${where} ${n}`)
      await passed
      return `${where} ${n}`
    })
  return { open, began, defineAt }
}

const stateOf = async (s: Fresh, id: string): Promise<string | undefined> =>
  (await s.queue.workers()).find((worker) => worker.id === id)?.state

/** To be asked for before it can happen. */
function stopped(worker: Worker): () => Promise<unknown> {
  let isStopped = false
  worker.once('stopped', () => {
    isStopped = true
  })
  return () => until('the worker to stop', () => isStopped)
}

describe('Queue.list', () => {
  test('names queues that a producer or a worker has used, sorted, and no other namespace', async () => {
    await using redis = await startRedis()
    const list = (namespace?: string) => Queue.list({ redis: redis.url, ...(namespace && { namespace }) })
    assert.deepEqual(await list(), [])
    await using called = new Queue('called', { redis: redis.url })
    await called.remote<() => void>('task')().enqueued
    await using worked = new Queue('a-worker', { redis: redis.url })
    void worked.run()
    await using other = new Queue('other', { redis: redis.url, namespace: 'other' })
    await other.remote<() => void>('task')().enqueued
    await until('the worker to be seen', async () => (await list()).length === 2)
    assert.deepEqual(await list(), ['a-worker', 'called'])
    await until('the other', async () => (await list('other'))[0] === 'other')
  })

  test('a queue that one call is sent to is in it when close() resolves', async () => {
    await using redis = await startRedis()
    const queue = new Queue('short', { redis: redis.url })
    queue.remote<() => void>('task')()
    await queue.close()
    assert.deepEqual(await Queue.list({ redis: redis.url }), ['short'])
  })

  test('forgets what was not seen for 30 days, and is written once for many calls', async () => {
    await using redis = await startRedis()
    const now = Date.now()
    await redis.client.zadd('millrace:queues', now - 31 * DAY, 'old', now - 29 * DAY, 'recent')
    const queue = new Queue('new', { redis: redis.url })
    const task = queue.remote<() => void>('task')
    for (let i = 0; i < 5; i++) await task().enqueued
    await queue.close()
    assert.deepEqual(await Queue.list({ redis: redis.url }), ['new', 'recent'])
    assert.match(await redis.client.info('commandstats'), /cmdstat_zremrangebyrank:calls=1,/)
  })

  test('where it may not be written, calls and workers do not notice', async () => {
    await using redis = await startRedis()
    await redis.client.call('ACL', 'SETUSER', 'default', 'resetkeys', '~millrace:{q}*')
    await using queue = new Queue('q', { redis: redis.url })
    const errors: Error[] = []
    queue.on('error', (error) => errors.push(error))
    const task = queue.task('task', (n: number) => n)
    const worker = queue.worker()
    worker.on('error', (error) => errors.push(error))
    void worker.run()
    for (let n = 0; n < 5; n++) assert.equal(await task(n).get(), n)
    const refused = async () => ((await redis.client.acl('LOG')) as unknown[]).length
    await until('both to have tried', async () => (await refused()) > 0)
    assert.equal((await worker.health()).ok, true)
    assert.deepEqual(errors, [])
  })

  test('a Redis that cannot be reached, or is silent, is a RedisError in time', async () => {
    const error = await rejection(Queue.list({ redis: 'redis://127.0.0.1:1', timeout: 300 }))
    assert.ok(error instanceof RedisError)
    assert.match(error.message, /ECONNREFUSED/)
    await using redis = await startRedis()
    redis.pause()
    assert.ok((await rejection(Queue.list({ redis: redis.url, timeout: 300 }))) instanceof RedisError)
    redis.resume()
    await assert.rejects(async () => Queue.list({ queue: 'q' } as object), OptionError)
  })
})

describe('queue.workers', () => {
  test('says who each is, and how many tasks it holds', async () => {
    await using s = fresh()
    const { open, began, defineAt } = holding(s)
    const hold = defineAt('here')
    s.queue.task('other', () => {})
    assert.deepEqual(await s.queue.workers(), [])
    const before = Date.now()
    const worker = await s.work({ concurrency: 3, name: 'first' })
    const second = await s.work({ concurrency: 2, name: 'second' })
    await s.queue.setConcurrency(second.id, 1)
    const handles = [hold(1), hold(2), hold(3), hold(4)]
    await until('all to run', () => began.length === 4)
    const [one, two] = (await s.other().workers()) as [WorkerInfo, WorkerInfo]
    assert.deepEqual([one.id, two.id], [worker.id, second.id])
    assert.deepEqual([one.state, one.host, one.pid], ['running', hostname(), process.pid])
    assert.deepEqual([one.concurrency, two.concurrency], [3, 1])
    assert.deepEqual([...one.tasks], ['hold', 'other'])
    assert.equal(one.running + two.running, 4)
    assert.ok(one.startedAt! >= new Date(before - 1_000) && one.lastBeat! >= one.startedAt!)
    open()
    await Promise.all(handles.map((handle) => handle.get()))
    await worker.stop()
    await until('one to be left', async () => (await s.queue.workers()).length === 1)
  })

  test('paused, quiet, stopping', async () => {
    await using s = fresh()
    const { open, began, defineAt } = holding(s)
    const hold = defineAt('here')
    const worker = await s.work({ drainTimeout: 60_000 })
    const handle = hold(1)
    await until('it to run', () => began.length === 1)
    await s.queue.pause()
    assert.equal(await stateOf(s, worker.id), 'paused')
    await s.queue.quietWorker(worker.id)
    assert.equal(await stateOf(s, worker.id), 'quiet')
    await s.queue.resume()
    assert.equal(await stateOf(s, worker.id), 'quiet')
    const other = await s.work({ drainTimeout: 60_000 })
    assert.equal(await stateOf(s, other.id), 'running')
    const end = worker.stop()
    await until('it to be seen to stop', async () => (await stateOf(s, worker.id)) === 'stopping')
    open()
    await Promise.all([end, handle.get()])
    assert.equal(await stateOf(s, worker.id), undefined)
  })

  test('silent: it was killed, and nobody has recovered what it holds', async () => {
    await using s = fresh()
    const env = { REDIS_URL: served.redis.url, QUEUE: s.queue.name }
    await using child = start('spec/life/support/worker.ts', {
      args: [JSON.stringify({ lease: 1_000 })],
      env,
    })
    const [, id] = await child.prints(/ready (\S+)/)
    const handle = s.queue.remote<(ms: number) => number>('neighbour')(60_000)
    await child.prints(`start ${handle.id}`)
    child.signal('SIGKILL')
    const silent = await until('its lease to be over', async () =>
      (await s.queue.workers()).find(({ state }) => state === 'silent'),
    )
    assert.deepEqual([silent.id, silent.running, silent.pid], [id, 1, child.pid])
  })

  test('an inline queue is its own one worker, and takes no orders', async () => {
    await using queue = new Queue('here', { inline: true })
    const { passed, open } = gate()
    const { started, say } = { started: gate(), say: () => started.open() }
    const task = queue.task('task', async () => {
      say()
      await passed
    })
    const handle = task()
    await started.passed
    const [worker, ...others] = await queue.workers()
    assert.deepEqual(others, [])
    assert.deepEqual([worker!.state, worker!.running, worker!.pid], ['running', 1, process.pid])
    assert.deepEqual([worker!.concurrency, ...worker!.tasks], [10, 'task'])
    await queue.pause()
    assert.equal((await queue.workers())[0]!.state, 'paused')
    await queue.resume()
    open()
    await handle.get()
    assert.equal((await handle.info())?.worker, worker!.id)
    await assert.rejects(queue.stopWorker('all'), OptionError)
    await assert.rejects(queue.quietWorker(worker!.id), OptionError)
  })
})

describe('pause', () => {
  test('lasts, although the worker hears of it ahead of the answer to what it had asked before', async () => {
    await using proxy = await startProxy(served.redis.port)
    await using s = fresh()
    const there = s.other({ redis: proxy.url })
    let ran = 0
    const count = there.task('count', () => {
      ran += 1
    })
    await s.work({}, there)
    let [reads, answers, unblocked] = [0, 0, 0]
    // What `settings` answers comes late; words come on another connection.
    delayReplies(proxy, 500, (reply) => {
      const isAnswer = reply.endsWith('\r\n7\r\n$0\r\n\r\n')
      if (isAnswer) answers += 1
      return isAnswer
    })
    // Redis never hears it, so the read stays: as if it had come just before.
    proxy.answer = ({ name, args }) => {
      if (name === 'XREADGROUP') reads += 1
      if (name !== 'CLIENT' || String(args[0]).toUpperCase() !== 'UNBLOCK') return undefined
      unblocked += 1
      return ':0\r\n'
    }
    await until('a read to begin, which waits for 2 s', () => reads > 0)
    await s.queue.setConcurrency('all', 7)
    await until('the worker to have asked', () => answers >= 1)
    await s.queue.pause()
    await until('it to have heard the word', () => unblocked > 0)
    await until('it to have asked again', () => answers >= 2)
    const handle = s.queue.remote<typeof count>('count')()
    await handle.enqueued
    await until('it to be back in line', async () => (await s.queue.counts()).running === 0)
    assert.equal(ran, 0)
    proxy.answer = () => undefined
    await s.queue.resume()
    await handle.get()
  })
})

describe('quietWorker', () => {
  test('what runs ends there, what waits and what comes goes to another worker', async () => {
    await using s = fresh()
    const { open, began, defineAt } = holding(s)
    const hold = defineAt('quiet')
    const worker = await s.work({ concurrency: 1, prefetch: 4 })
    const running = hold(0)
    await until('it to run', () => began.length === 1)
    const waiting = [hold(1), hold(2)]
    await Promise.all(waiting.map((handle) => handle.enqueued))
    assert.equal(await s.queue.quietWorker(worker.id), 1)
    assert.equal(await s.queue.quietWorker(worker.id), 1, 'told twice it is told once')
    await until('it to hold nothing else', async () => {
      const { queued, running: runs } = await s.queue.counts()
      return queued === 2 && runs === 1
    })
    const other = s.other()
    const there = defineAt('other', other)
    await s.work({}, other)
    await until('those that waited to run there', () => began.length === 3)
    const later = there(3)
    await until('what came later to run there', () => began.length === 4)
    assert.equal((await worker.health()).ok, true)
    assert.equal((await worker.health()).isPaused, true)
    open()
    assert.equal(await running.get(), 'quiet 0')
    const handles = [...waiting, later]
    const results = await Promise.all(handles.map((handle) => handle.get()))
    assert.deepEqual(results, ['other 1', 'other 2', 'other 3'])
    const end = stopped(worker)
    assert.equal(await s.queue.stopWorker(worker.id), 1)
    await end()
  })

  test('lasts through a pause of the queue, and after it was declared dead under its next id', async () => {
    await using s = fresh()
    let ran = 0
    const count = s.queue.task('count', () => {
      ran += 1
    })
    const worker = await s.work()
    await s.queue.quietWorker('all')
    await until('it to be quiet', async () => (await worker.health()).isPaused)
    await s.queue.pause()
    await s.queue.resume()
    const again = new Promise<string>((resolve) => worker.once('ready', resolve))
    await served.redis.client.zadd(`${s.prefix}:workers`, 0, worker.id)
    const id = await again
    assert.equal(await stateOf(s, id), 'quiet')
    const handle = count()
    await handle.enqueued
    for (let i = 0; i < 10; i++) assert.equal((await handle.info())?.state, 'queued')
    assert.equal(ran, 0)
    await s.work()
    await handle.get()
  })
})

describe('stopWorker', () => {
  test('it drains, emits stopped, its run() resolves, and it is gone', async () => {
    await using s = fresh()
    const { open, began, defineAt } = holding(s)
    const hold = defineAt('here')
    const worker = s.queue.worker({ drainTimeout: 60_000 })
    const events: string[] = []
    worker.on('stopped', () => events.push('stopped'))
    const ready = new Promise((resolve) => worker.once('ready', resolve))
    const run = worker.run().then(() => events.push('run'))
    await ready
    const handle = hold(1)
    await until('it to run', () => began.length === 1)
    assert.equal(await s.queue.stopWorker(worker.id), 1)
    await until('it to drain', async () => (await worker.health()).state === 'draining')
    open()
    assert.equal(await handle.get(), 'here 1')
    await until('run() to resolve', () => events.length === 2)
    await run
    assert.deepEqual(events, ['stopped', 'run'])
    assert.deepEqual(await s.queue.workers(), [])
  })

  test('all: those that are there, and none that comes later', async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', (n: number) => n)
    const workers = [await s.work(), await s.work()]
    const ends = workers.map(stopped)
    assert.equal(await s.queue.stopWorker('all'), 2)
    const later = await s.work()
    await Promise.all(ends.map((end) => end()))
    assert.equal(await echo(1).get(), 1)
    assert.equal(await stateOf(s, later.id), 'running')
  })

  test('nobody of that id: 0, and nothing is left of the asking', async () => {
    await using s = fresh()
    assert.equal(await s.queue.stopWorker('nobody'), 0)
    assert.equal(await s.queue.quietWorker('all'), 0)
    assert.deepEqual(await served.redis.client.keys(`${s.prefix}*`), [])
    await assert.rejects(s.queue.stopWorker(''), OptionError)
  })

  test('a process that is a worker by queue.run() ends by itself', async () => {
    await using s = fresh()
    const code = `import { Queue } from '${import.meta.resolve('../lib/index.ts')}'
      const queue = new Queue('${s.queue.name}', { redis: '${served.redis.url}' })
      queue.task('echo', (n) => n)
      await queue.run()
      console.log('run resolved')`
    await using child = start('--input-type=module', { args: ['-e', code] })
    const [worker] = await until('it to be there', async () => {
      const workers = await s.queue.workers()
      return workers.length === 1 && workers
    })
    assert.equal(await s.queue.stopWorker(worker!.id), 1)
    assert.equal(await child.ended, 0)
    assert.match(child.output, /run resolved/)
  })
})

describe('an order that a worker cannot hear now', () => {
  for (const order of ['quietWorker', 'stopWorker'] as const) {
    test(`${order}: all its connections are half open, and are made anew later`, async () => {
      await using s = fresh()
      await using proxy = await startProxy(served.redis.port)
      const queue = s.other({ redis: proxy.url })
      const worker = await s.work({ lease: 20_000 }, queue)
      await s.queue.counts()
      const end = stopped(worker)
      proxy.silence()
      assert.equal(await s.queue[order](worker.id), 1)
      proxy.speak()
      proxy.cut()
      if (order === 'stopWorker') await end()
      else await until('it to be quiet', async () => (await worker.health()).isPaused)
    })
  }

  test('the word comes again, and the answer to its question is lost: it asks once more', async () => {
    await using s = fresh()
    await using proxy = await startProxy(served.redis.port)
    const worker = await s.work({ lease: 20_000 }, s.other({ redis: proxy.url }))
    const end = stopped(worker)
    let lost = 0
    proxy.fate = ({ name }, reply) => {
      // What `settings` answers: it ends in what the worker was told.
      if (!name.startsWith('EVAL') || !reply.toString('latin1').endsWith('\r\nstop\r\n') || lost >= 3)
        return 'pass'
      lost += 1
      return 'cut'
    }
    await s.queue.stopWorker(worker.id)
    await end()
    assert.equal(lost, 3)
  })
})
