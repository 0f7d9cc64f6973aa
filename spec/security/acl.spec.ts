/** docs/security.md says which rights each role needs. Here each has just those, and does all that it is for: Redis refuses nothing. */

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { chain, currentTask, Queue, RetryLater, type Worker } from '../../lib/index.ts'
import { gate, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'
import { sender } from '../support/wishes.ts'
import { documentedRules, ROLES, type Roles, startRoles } from './roles.ts'

const P = 'millrace:{orders}'
/** More than a message carries: it is read from the record. */
const LARGE = 'x'.repeat(200_000)

/** What each role has for its own: the callers know the tasks by name alone. */
type Remote = {
  add: (a: number, b: number) => number
  large: () => string
  steps: () => string
  flaky: () => number
  wait: (gate: string) => string
  /** The same, whatever its signal says. */
  stubborn: (gate: string) => string
  fail: (n: number) => never
  later: () => string
  count: (n: number) => Generator<number, string>
}

let roles: Roles
const gates = new Map<string, ReturnType<typeof gate<void>>>()
const gateOf = (name: string) => {
  const found = gates.get(name) ?? gate()
  gates.set(name, found)
  return found
}

before(async () => {
  roles = await startRoles()
})
after(() => roles[Symbol.asyncDispose]())
afterEach(async () => {
  assert.deepEqual(await roles.refused(), [], 'what Redis refused')
  assert.deepEqual(roles.errors.splice(0), [])
})

function define(queue: Queue): Queue {
  queue.task('add', (a: number, b: number) => a + b)
  queue.task('large', async () => {
    await currentTask().updateProgress(LARGE)
    return LARGE
  })
  queue.task('steps', async () => {
    for (let i = 1; i <= 3; i++) await currentTask().updateProgress(i)
    return 'done'
  })
  queue.task(
    'flaky',
    () => {
      if (currentTask().attempt < 3) throw new Error('not yet')
      return currentTask().attempt
    },
    { retries: 3, backoff: 20 },
  )
  queue.task('wait', async (name: string) => {
    const { signal } = currentTask()
    const aborted = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    await Promise.race([gateOf(name).passed, aborted])
    return name
  })
  queue.task('stubborn', async (name: string) => {
    await gateOf(name).passed
    return name
  })
  queue.task(
    'count',
    function* (n: number) {
      for (let i = 1; i <= n; i++) yield i
      return 'counted'
    },
    { streamBuffer: 100, streamPatience: 0 },
  )
  queue.task('fail', (n: number) => {
    throw new Error(`failure ${n}`)
  })
  queue.task('later', () => {
    if (currentTask().attempt === 1) throw new RetryLater({ delay: 0 })
    return 'later'
  })
  return queue
}

const remote = <Name extends keyof Remote>(queue: Queue, name: Name) => queue.remote<Remote[Name]>(name)
const stop = (...workers: Worker[]) => Promise.all(workers.map((worker) => worker.stop()))

test('the rules are there: one for each role, without a password that somebody might keep', () => {
  const users = documentedRules().map(([acl, setuser, user]) => [acl, setuser, user])
  assert.deepEqual(
    users,
    ROLES.map((role) => ['ACL', 'SETUSER', `orders-${role}`]),
  )
  for (const rule of documentedRules()) {
    assert.deepEqual(rule.slice(3, 5), ['reset', 'on'])
    assert.match(rule[5]!, /^>change-me-/)
    assert.ok(!rule.some((word) => /^(\+@|~\*|&\*|allkeys|allcommands|allchannels|nopass)/.test(word)))
  }
})

describe('a producer', () => {
  let queue: Queue
  let worker: Worker
  before(async () => {
    queue = roles.queue('producer', { maxQueued: 1_000 })
    worker = await roles.work(define(roles.queue('worker')))
  })
  after(() => stop(worker))

  test('calls, and gets results small and large, progress, errors', async () => {
    assert.equal(await remote(queue, 'add')(1, 2).get(), 3)
    assert.equal(await remote(queue, 'large')().get(), LARGE)
    const steps: unknown[] = []
    const heard = remote(queue, 'steps').with({ onProgress: remote(queue, 'add').prepare(1, 1) })()
    for await (const step of heard.progress()) steps.push(step)
    assert.equal(steps.at(-1), 3)
    assert.equal(await queue.handle(`${heard.id}.0.1`).get(), 2)
    assert.equal((await rejection(remote(queue, 'fail')(1).get())).code, 'ERR_MILLRACE_TASK_FAILED')
    assert.deepEqual(
      await Promise.all(Array.from({ length: 300 }, (_, i) => remote(queue, 'add')(i, 1).get())),
      Array.from({ length: 300 }, (_, i) => i + 1),
    )
  })

  test('reads what a task yields, also where it has to wait, and leaves', async () => {
    const counts = remote(queue, 'count')(1_000)
    const seen: number[] = []
    for await (const n of counts.stream()) seen.push(n)
    assert.equal(seen.length, 1_000)
    for await (const n of remote(queue, 'count')(1_000).stream()) if (n === 10) break
    assert.equal(await counts.get(), 'counted')
  })

  test('uses transactions, callbacks, dependencies and flows', async () => {
    const add = remote(queue, 'add')
    const [first, second] = await queue.transaction(() => {
      const call = add.with({ onSuccess: add.prepare(1, 1) })(1, 2)
      return [call, add.with({ after: call })(3, 4)]
    })
    assert.deepEqual(await Promise.all([first!.get(), second!.get()]), [3, 7])
    const flow = chain(add.prepare(1, 2), add.prepare(3)).start()
    assert.equal(await flow.get(), 6)
    const found = await queue.flow<number>(flow.id)
    assert.equal((await found!.tree()).state, 'succeeded')
    const later = chain(add.with({ delay: 60_000 }).prepare(1, 2), add.prepare(3)).start()
    assert.equal(await later.cancel(), 2)
  })

  test('asks for a task, of another handle too, with arguments and result', async () => {
    const handle = remote(queue, 'add')(2, 3)
    await handle.get()
    const info = await queue.getTask(handle.id)
    assert.deepEqual([info?.state, info?.args, info?.result], ['succeeded', [2, 3], 5])
    assert.equal(await queue.handle(handle.id).get(), 5)
    const open = remote(queue, 'wait')('asked')
    await until('it runs', async () => (await open.info())?.state === 'running')
    const other = queue.handle(open.id).get()
    gateOf('asked').open()
    assert.equal(await other, 'asked')
  })

  test('uses keys, delays, times and lanes', async () => {
    const keyed = remote(queue, 'wait').with({ key: 'k' })
    const [first, second] = [keyed('keyed'), keyed('keyed')]
    await second.enqueued
    assert.equal(second.joined, true)
    const again = keyed.with({ onDuplicate: 'again' })('keyed')
    await again.enqueued
    assert.equal((await keyed.find('keyed')).state, 'running')
    assert.equal((await keyed.ensure('keyed')).state, 'running')
    gateOf('keyed').open()
    assert.deepEqual(await Promise.all([first.get(), second.get(), again.get()]), ['keyed', 'keyed', 'keyed'])
    const held = remote(queue, 'add').with({ key: 'held', keyTtl: 60_000 })
    assert.equal(await held(1, 1).get(), 2)
    assert.equal(await held(5, 5).get(), 2)
    const add = remote(queue, 'add')
    for (const options of [
      { delay: 10 },
      { at: new Date(Date.now() + 10) },
      { first: true },
      { first: 'newest' },
      { priority: 'high' },
      { ttl: 60_000, deadline: 60_000 },
      { delay: 10, ttl: 60_000, deadline: 60_000 },
      { first: 'newest', ttl: 60_000 },
    ] as const)
      assert.equal(await add.with(options)(1, 1).get(), 2)
  })

  test('calls with limits, more than may begin, and cancels some that wait', async () => {
    const one = remote(queue, 'wait').with({ limit: { concurrency: 1 } })
    const held = one('limited')
    await until('it runs', async () => (await held.info())?.state === 'running')
    const [next, third] = [one('limited'), one('limited')]
    await Promise.all([next.enqueued, third.enqueued])
    assert.equal(await third.cancel(), 'cancelled')
    gateOf('limited').open()
    assert.deepEqual(await Promise.all([held.get(), next.get()]), ['limited', 'limited'])
    const rare = remote(queue, 'add').with({ limit: { max: 1, per: 600_000 } })
    assert.equal(await rare(1, 1).get(), 2)
    const waits = rare(1, 1)
    await waits.enqueued
    assert.equal((await waits.info())?.state, 'queued')
    assert.equal(await waits.cancel(), 'cancelled')
    const often = remote(queue, 'add').with({ limit: { max: 2, per: 50, key: 'often' } })
    assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map((n) => often(n, 1).get())), [2, 3, 4, 5, 6])
  })

  test('brings a waiting task to the front by its key, and ends one whose time is over while no worker is there', async () => {
    await stop(worker)
    const { add, low } = {
      add: remote(queue, 'add'),
      low: remote(queue, 'add').with({ key: 'up', priority: 'low' }),
    }
    const waits = low(1, 1)
    await waits.enqueued
    const up = low.with({ first: true, priority: undefined })(1, 1)
    await up.enqueued
    assert.equal((await waits.info())?.lane, 'first')
    const overdue = add.with({ ttl: 1 })(1, 1)
    await overdue.enqueued
    // Who asks first ends it: no worker is there to do so.
    assert.equal((await rejection(overdue.get())).code, 'ERR_MILLRACE_TASK_EXPIRED')
    worker = await roles.work(define(roles.queue('worker')))
    assert.equal(await waits.get(), 2)
  })

  test('cancels what waits, what is delayed, and what runs', async () => {
    const running = remote(queue, 'wait')('never')
    await until('it runs', async () => (await running.info())?.state === 'running')
    const delayed = remote(queue, 'wait').with({ delay: 60_000, key: 'c' })('never')
    const follows = remote(queue, 'add').with({ key: 'c', onDuplicate: 'again' })(1, 2)
    await follows.enqueued
    assert.equal(await delayed.cancel(), 'cancelled')
    assert.equal(await follows.get(), 3)
    assert.equal(await running.cancel('enough'), 'running')
    assert.match((await rejection(running.get())).message, /enough/)
    await stop(worker)
    const queued = remote(queue, 'wait')('never')
    assert.equal(await queued.cancel(), 'cancelled')
    worker = await roles.work(define(roles.queue('worker')))
  })
})

test('a producer of two queues uses transactions over both', async () => {
  await using own = await startRoles()
  const words = documentedRules()[0]!.slice(3)
  const rights = (queue: string): string[] =>
    words.filter((word) => /^[~&]/.test(word)).map((word) => word.replace('{orders}', `{${queue}}`))
  const both = [...rights('bills'), ...rights('mails')]
  await own.redis.client.call('ACL', 'SETUSER', 'two-producer', ...words, ...both)
  const redis = `redis://two-producer:change-me-producer@127.0.0.1:${own.redis.port}`
  await using bills = new Queue('bills', { redis, maxQueued: 1_000 })
  await using mails = new Queue('mails', { redis, maxQueued: 1_000 })
  const [add, send] = [bills, mails].map((queue) => remote(queue, 'add'))
  const every = () =>
    [add!, send!].flatMap((call) => [
      call(1, 1),
      call.with({ key: 'two', delay: 60_000 })(1, 1),
      call.with({ first: 'newest', ttl: 60_000 })(1, 1),
      call.with({ limit: { concurrency: 1 } })(1, 1),
    ])
  await bills.transaction(every)
  const handles = await mails.transaction(every)
  assert.deepEqual(
    handles.map(({ joined }) => joined),
    [false, true, false, false, false, true, false, false],
  )
  assert.deepEqual(await own.refused(), [])
})

test('before there was any worker, and of what was deleted by hand', async () => {
  await using early = await startRoles()
  const [producer, operator] = [early.queue('producer'), early.queue('operator')]
  const call = remote(producer, 'add')(1, 1)
  await call.enqueued
  assert.equal((await operator.counts()).queued, 1)
  assert.equal((await operator.tasks({ state: 'queued' })).length, 1)
  await early.redis.client.del(`${P}:stream:normal`)
  assert.equal((await rejection(producer.handle(call.id).get())).code, 'ERR_MILLRACE_TASK_LOST')
  const keyed = remote(producer, 'add').with({ key: 'k', delay: 60_000 })(1, 1)
  assert.equal(await keyed.cancel(), 'cancelled')
  assert.equal((await producer.health()).ok, true)
  assert.deepEqual(await early.refused(), [])
})

describe('a worker', () => {
  test('runs, retries, puts off, reports progress, keeps few failures, and trims', async () => {
    const producer = roles.queue('producer')
    const worker = await roles.work(define(roles.queue('worker', { maxFailed: 2 })))
    assert.equal(await remote(producer, 'flaky')().get(), 3)
    assert.equal(await remote(producer, 'later')().get(), 'later')
    const fail = remote(producer, 'fail').with({ key: 'failing' })
    for (let i = 0; i < 5; i++) await rejection(fail(i).get())
    assert.equal(await roles.redis.client.zcard(`${P}:failed`), 2)
    const slow = remote(producer, 'wait')('trim')
    await until('it runs', async () => (await slow.info())?.state === 'running')
    const many = Array.from({ length: 500 }, (_, i) => remote(producer, 'add')(i, 0).get())
    await Promise.all(many)
    gateOf('trim').open()
    await slow.get()
    await stop(worker)
  })

  test('gives back what it cannot end, and leaves', async () => {
    const producer = roles.queue('producer')
    const worker = await roles.work(define(roles.queue('worker')), { drainTimeout: 1 })
    const waits = remote(producer, 'stubborn')('given back')
    await until('it runs', async () => (await waits.info())?.state === 'running')
    await stop(worker)
    assert.equal(await roles.redis.client.zcard(`${P}:workers`), 0)
    gateOf('given back').open()
    const next = await roles.work(define(roles.queue('worker')))
    assert.equal(await waits.get(), 'given back')
    await stop(next)
  })

  test('recovers what a dead neighbour held, fails what is poison, takes up what it holds without knowing', async () => {
    const { client } = roles.redis
    const producer = roles.queue('producer')
    const calls = [
      remote(producer, 'add')(1, 1),
      remote(producer, 'add')(2, 2),
      remote(producer, 'add')(3, 3),
    ]
    await Promise.all(calls.map((call) => call.enqueued))
    const take = (name: string, count: number) =>
      client.xreadgroup('GROUP', 'workers', name, 'COUNT', count, 'STREAMS', `${P}:stream:normal`, '>')
    await take('a-stranger', 1)
    await take('a-neighbour', 1)
    await client.zadd(`${P}:workers`, 1, 'a-neighbour')
    const worker = await roles.work(define(roles.queue('worker')))
    assert.deepEqual(await Promise.all(calls.map((call) => call.get())), [2, 4, 6])
    // As a read whose answer was lost on its way.
    await roles.queue('operator').pause()
    const stray = remote(producer, 'add')(4, 4)
    await stray.enqueued
    await take(worker.id, 1)
    await roles.queue('operator').resume()
    assert.equal(await stray.get(), 8)
    await stop(worker)

    const poison = remote(producer, 'add')(1, 1)
    await poison.enqueued
    await take('a-third', 1)
    await client.zadd(`${P}:workers`, 1, 'a-third')
    const strict = await roles.work(define(roles.queue('worker')), { maxCrashes: 1 })
    assert.match((await rejection(poison.get())).message, /workers died/)
    await stop(strict)
  })

  test('promotes and expires, quarantines junk, obeys a cancelling that it slept through', async () => {
    const { client } = roles.redis
    const producer = roles.queue('producer')
    const delayed = remote(producer, 'add').with({ delay: 300 })(1, 1)
    const late = remote(producer, 'add').with({ delay: 50_000, deadline: 300 })(1, 1)
    const overdue = remote(producer, 'add').with({ ttl: 1 })(1, 1)
    await Promise.all([delayed.enqueued, late.enqueued, overdue.enqueued])
    await client.xadd(`${P}:stream:normal`, '*', 'junk', 'junk')
    await client.xadd(`${P}:stream:normal`, '*', 'a', 'b', 'c', 'd', 'e', 'f')
    const dropped = remote(producer, 'add')(1, 1)
    await dropped.cancel()
    const worker = await roles.work(define(roles.queue('worker')))
    assert.equal(await delayed.get(), 2)
    for (const over of [late, overdue])
      assert.equal((await rejection(over.get())).code, 'ERR_MILLRACE_TASK_EXPIRED')
    await until('the junk to be kept apart', async () => (await client.llen(`${P}:quarantine`)) === 2)
    await stop(worker)
  })

  test('parks what it does not know; another takes it; without one it fails', async () => {
    const producer = roles.queue('producer')
    const other = producer.remote<() => string>('other')
    const parked = other()
    const worker = await roles.work(define(roles.queue('worker', { unknownTtl: 60_000 })))
    await until('it is parked', async () => (await parked.info())?.state === 'parked')
    const knows = roles.queue('worker')
    knows.task('other', () => 'known')
    const second = await roles.work(knows)
    assert.equal(await parked.get(), 'known')
    await stop(second, worker)

    const hasty = await roles.work(define(roles.queue('worker', { unknownTtl: 100 })))
    assert.match((await rejection(other().get())).message, /no worker came/)
    await stop(hasty)
  })

  test('makes the tasks of schedules, with what their calls want, and defines some', async () => {
    const operator = roles.queue('operator')
    const queue = define(roles.queue('worker'))
    const worker = await roles.work(queue)
    const add = remote(operator, 'add')
    const soon = { at: Date.now() + 2_000 }
    await operator.schedule('plain', soon, add.prepare(1, 1))
    const wishes = { key: 'k', keyTtl: 60_000, ttl: 60_000, deadline: 60_000, priority: 'low' } as const
    await operator.schedule('wishes', { ...soon, overlap: 'skip' }, add.with(wishes).prepare(1, 1))
    await operator.schedule('later', soon, add.with({ delay: 20 }).prepare(1, 1))
    await queue.schedule('own', { every: 50, overlap: 'skip' }, remote(queue, 'add').prepare(1, 1))
    for (const name of ['plain', 'wishes', 'later', 'own'])
      await until(`${name} to run`, async () => {
        const found = (await operator.schedules()).find((one) => one.name === name)
        return found?.lastTask && (await operator.getTask(found.lastTask))?.state === 'succeeded'
      })
    assert.equal(await queue.pauseSchedule('own'), true)
    assert.equal(await queue.resumeSchedule('own'), true)
    assert.notEqual(await operator.getTask((await queue.runSchedule('own'))!.id), null)
    for (const name of ['plain', 'wishes', 'later', 'own']) assert.equal(await queue.unschedule(name), true)
    await stop(worker)
  })

  test('stops while it is paused, changes its concurrency when told, comes back after it was declared dead', async () => {
    const { client } = roles.redis
    const [producer, operator] = [roles.queue('producer'), roles.queue('operator')]
    const worker = await roles.work(define(roles.queue('worker')))
    await operator.pause()
    const waits = remote(producer, 'add')(1, 1)
    await waits.enqueued
    assert.equal(await operator.setConcurrency(worker.id, 2), true)
    await operator.resume()
    assert.equal(await waits.get(), 2)
    assert.equal((await worker.health()).ok, true)
    const again = new Promise((resolve) => worker.once('ready', resolve))
    await client.zadd(`${P}:workers`, 0, worker.id)
    await again
    assert.equal(await remote(producer, 'add')(1, 1).get(), 2)
    await stop(worker)
  })
})

/** What waits for a rate, and for a slot. */
async function operateLimited(producer: Queue, operator: Queue): Promise<void> {
  const rare = remote(producer, 'fail').with({ limit: { max: 1, per: 600_000 } })
  const one = remote(producer, 'wait').with({ limit: { concurrency: 1, key: 'operated' } })
  const failed = rare(1)
  await rejection(failed.get())
  const held = one('limited by operators')
  await until('it runs', async () => (await held.info())?.state === 'running')
  const [moved, cancelled] = [one('limited by operators'), one('limited by operators')]
  await Promise.all([moved.enqueued, cancelled.enqueued])
  await operator.pause()
  assert.equal(await operator.retry(failed.id), 'retried')
  assert.equal(await operator.move(moved.id, 'high'), 'moved')
  assert.equal(await operator.cancel(cancelled.id), 'cancelled')
  assert.equal(await operator.retry(cancelled.id), 'retried')
  assert.equal((await operator.tasks({ state: 'queued', name: 'wait' })).length, 2)
  for (const { id } of [failed, moved, cancelled]) assert.equal(await operator.remove(id), 'removed')
  gateOf('limited by operators').open()
  await operator.resume()
  await held.get()
}

describe('an operator', () => {
  test('counts, lists, looks, retries, moves, cancels, removes, clears, pauses', async () => {
    const [producer, operator] = [roles.queue('producer'), roles.queue('operator')]
    const worker = await roles.work(define(roles.queue('worker')))
    const failed = remote(producer, 'fail').with({ key: 'f' })(1)
    await rejection(failed.get())
    const running = remote(producer, 'wait')('operated')
    await until('it runs', async () => (await running.info())?.state === 'running')
    await operateLimited(producer, operator)
    await operator.pause()
    assert.equal(await operator.isPaused(), true)
    const queued = [remote(producer, 'add')(1, 1), remote(producer, 'add').with({ key: 'q' })(2, 2)]
    const delayed = remote(producer, 'add').with({ delay: 60_000, key: 'd' })(3, 3)
    const newest = remote(producer, 'add').with({ first: 'newest', deadline: 60_000 })(4, 4)
    const unknown = producer.remote<() => void>('nobody')()
    const waits = remote(producer, 'add').with({ after: delayed })(5, 5)
    await Promise.all([...queued, delayed, newest, unknown, waits].map((handle) => handle.enqueued))

    const counts = await operator.counts()
    assert.deepEqual([counts.queued, counts.running, counts.scheduled, counts.waiting], [4, 1, 1, 1])
    for (const state of ['queued', 'running', 'waiting', 'scheduled', 'parked', 'failed'] as const)
      await operator.tasks({ state })
    assert.equal((await operator.tasks({ state: 'queued' })).length, 4)
    assert.ok((await operator.failures()).some(({ example }) => example === failed.id))
    assert.equal((await operator.getTask(running.id))?.worker, worker.id)
    assert.equal(await operator.move(queued[0]!.id, 'high'), 'moved')
    assert.equal(await operator.move(newest.id, 'low'), 'moved')
    assert.equal(await operator.move(delayed.id, 'first'), 'moved')
    assert.equal(await operator.cancel(queued[1]!.id, 'no'), 'cancelled')
    assert.equal(await operator.retry(failed.id), 'retried')
    assert.equal(await operator.remove(failed.id), 'removed')
    assert.equal(await operator.remove(queued[1]!.id), 'removed')
    assert.equal(await operator.cancel(running.id, 'enough'), 'running')
    await rejection(running.get())
    assert.equal(await operator.setConcurrency('all', 3), true)
    assert.equal(await operator.setConcurrency(worker.id, 2), true)
    assert.equal(await operator.setConcurrency('all', null), true)
    assert.equal((await operator.health()).ok, true)
    assert.equal((await operator.workers()).find(({ id }) => id === worker.id)?.state, 'paused')
    assert.deepEqual(await Queue.list({ redis: roles.url('operator') }), ['orders'])
    await operator.resume()
    assert.equal(await newest.get(), 8)
    await until('the unknown to be parked', async () => (await operator.counts()).parked === 1)
    for (const state of ['queued', 'waiting', 'scheduled', 'parked', 'failed'] as const)
      await operator.clear(state)
    const after = await operator.counts()
    assert.deepEqual([after.queued, after.waiting, after.scheduled, after.parked], [0, 0, 0, 0])
    assert.equal(after.failed, 0)
    assert.equal(await operator.retry({}), 0)
    assert.equal((await operator.stacks(worker.id))?.blocked, 0)
    await operator.schedule('n', { every: 60_000 }, remote(operator, 'add').prepare(1, 1))
    assert.equal(await operator.hasSchedule('n'), true)
    assert.equal(await operator.pauseSchedule('n'), true)
    assert.equal((await operator.runSchedule('n')) === null, false)
    assert.equal(await operator.resumeSchedule('n'), true)
    assert.equal((await operator.schedules()).length, 1)
    assert.equal(await operator.unschedule('n'), true)
    const stopped = new Promise<void>((resolve) => worker.once('stopped', () => resolve()))
    assert.equal(await operator.quietWorker(worker.id), 1)
    assert.equal(await operator.stopWorker(worker.id), 1)
    await stopped
  })
})

describe('of calls that wait for others', () => {
  test('a producer makes them and ends them, workers tell them, an operator ends and redrives them', async () => {
    const [producer, operator] = [roles.queue('producer'), roles.queue('operator')]
    const worker = await roles.work(define(roles.queue('worker')))
    using raw = await sender(roles.url('producer'), 'orders')
    const get = (id: string): Promise<unknown> => producer.handle(id).get({ timeout: 20_000 })
    const later = { delay: 60_000 }

    const first = await raw.call('add', [1, 2], { flow: 'f' })
    const second = await raw.call('add', [4], { after: [first], take: true, flow: 'f' })
    assert.equal(await get(second), 7)
    const failed = await raw.call('fail', [1])
    const behind = await raw.call('add', [1, 1], { after: [failed] })
    assert.match((await rejection(get(behind))).message, /DependencyError/)
    const late = await raw.call('add', [1, 1], { after: [failed] })
    assert.match((await rejection(get(late))).message, /DependencyError/)

    const ended = [await raw.call('add', [1, 1], later), await raw.call('add', [1, 1], later)]
    const waiting = await Promise.all(ended.map((id) => raw.call('add', [1, 1], { after: [id], flow: 'g' })))
    assert.equal(await producer.cancel(ended[0]!), 'cancelled')
    assert.equal(await operator.remove(ended[1]!), 'removed')
    for (const id of waiting) assert.match((await rejection(get(id))).message, /was cancelled$/)

    const lost = await raw.call('add', [1, 1], later)
    const last = await raw.call('add', [1, 1], { after: [lost] })
    await roles.redis.client.del(`${P}:task:${lost}`)
    assert.match((await rejection(get(last))).message, /is lost$/)

    assert.deepEqual([await operator.retry(failed), await operator.retry(behind)], ['retried', 'retried'])
    assert.match((await rejection(get(behind))).message, /DependencyError/)
    assert.equal(
      await operator.cancel(await raw.call('add', [1], { after: [await raw.call('add', [1], later)] })),
      'cancelled',
    )
    await stop(worker)
  })
})
