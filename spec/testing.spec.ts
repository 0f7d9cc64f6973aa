/** `millrace/testing`, as a test of its user's would use it. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, mock, test } from 'node:test'
import {
  currentTask,
  OptionError,
  Queue,
  QueueClosedError,
  type TaskInfo,
  TaskTimeoutError,
  WaitTimeoutError,
} from '../lib/index.ts'
import { createTestQueue } from '../lib/testing.ts'

const HOUR = 3_600_000

const rejection = (promise: Promise<unknown>): Promise<Error & Record<string, unknown>> =>
  promise.then(
    () => assert.fail('it should have rejected'),
    (error) => error,
  )

const briefly = (infos: readonly TaskInfo[]): unknown[] =>
  infos.map(({ name, args, state }) => [name, ...(args ?? []), state])

describe('drain', () => {
  test('nothing runs before it; it answers what ran, in the order in which it began', async () => {
    await using queue = createTestQueue()
    const ran: string[] = []
    const note = queue.task('note', (what: string) => void ran.push(what))
    note.with({ priority: 'low' })('b')
    note('a')
    note.with({ delay: 1_000 })('later')
    for (let i = 0; i < 5; i++) await new Promise(setImmediate)
    assert.deepEqual([ran, (await queue.counts()).queued], [[], 2])
    assert.deepEqual(briefly(await queue.drain()), [
      ['note', 'a', 'succeeded'],
      ['note', 'b', 'succeeded'],
    ])
    assert.deepEqual(ran, ['a', 'b'])
    assert.deepEqual(await queue.drain(), [])
  })

  test('goes on until what was called has called nothing more, and waits for what is not the clock', async () => {
    await using queue = createTestQueue()
    const read = queue.task('read', async (url: string) => (await readFile(new URL(url))).length > 0)
    const deep = queue.task('deep', async (n: number): Promise<boolean> => {
      if (n === 0) return read(import.meta.url).get()
      return deep(n - 1).get()
    })
    const fan = queue.task('fan', () => {
      for (let i = 0; i < 30; i++) deep(2)
    })
    await queue.setConcurrency('all', 1)
    fan()
    const ran = await queue.drain()
    assert.equal(ran.length, 1 + 30 * 4)
    assert.ok(ran.every((info) => info.state === 'succeeded'))
    const { queued, running } = await queue.counts()
    assert.deepEqual([queued, running], [0, 0])
  })

  test('tells each task once, however many attempts it took', async () => {
    await using queue = createTestQueue()
    const flaky = queue.task(
      'flaky',
      () => {
        if (currentTask().attempt < 3) throw new Error('no')
      },
      { retries: 5, backoff: 0 },
    )
    flaky()
    const [info, ...others] = await queue.drain()
    assert.deepEqual([info?.attempt, info?.errors.length, others], [3, 2, []])
  })

  test('ends when only the clock can go on: a handler that waits for a task that is not due', async () => {
    await using queue = createTestQueue()
    const inner = queue.task('inner', () => 'inner')
    const outer = queue.task('outer', () => inner.with({ delay: 500 })().get())
    const handle = outer()
    assert.deepEqual(briefly(await queue.drain()), [['outer', 'running']])
    await queue.clock.advance(500)
    assert.equal(await handle.get(), 'inner')
  })

  test('runs nothing while the queue is paused', async () => {
    await using queue = createTestQueue()
    const note = queue.task('note', () => {})
    await queue.pause()
    note()
    assert.deepEqual(await queue.drain(), [])
    await queue.resume()
    assert.equal((await queue.drain()).length, 1)
  })
})

describe('the clock', () => {
  test('stands still, from a time of choice', async () => {
    await using queue = createTestQueue('t', { now: new Date('2030-01-01T00:00:00Z') })
    const { clock } = queue
    const start = Date.UTC(2030, 0, 1)
    assert.equal(clock.now, start)
    const note = queue.task('note', () => {})
    const handle = note.with({ at: new Date('2030-01-02T00:00:00Z') })()
    await queue.drain()
    const info = await handle.info()
    assert.equal(info?.state, 'scheduled')
    assert.deepEqual(info?.createdAt, new Date(start))
    await clock.advance(24 * HOUR - 1)
    assert.equal((await handle.info())?.state, 'scheduled')
    await clock.advance(1)
    const after = await handle.info()
    assert.equal(after?.state, 'succeeded')
    assert.deepEqual(after?.startedAt, new Date('2030-01-02T00:00:00Z'))
    assert.equal(clock.now, start + 24 * HOUR)
  })

  test('everything on the way happens at its moment, in its order', async () => {
    await using queue = createTestQueue('t', { now: 0 })
    const seen: [string, number][] = []
    const note = queue.task('note', (what: string) => void seen.push([what, queue.clock.now]))
    const every = queue.task('every', (left: number) => {
      seen.push(['every', queue.clock.now])
      if (left > 1) every.with({ delay: 1_000 })(left - 1)
    })
    every(4)
    note.with({ delay: 2_000 })('second')
    note.with({ delay: 1_500 })('first')
    note.with({ delay: 2_000 })('third')
    await queue.clock.advance(2_500)
    assert.deepEqual(seen, [
      ...[['every', 0] as const, ['every', 1_000] as const, ['first', 1_500] as const],
      ...[['second', 2_000] as const, ['third', 2_000] as const, ['every', 2_000] as const],
    ])
    await queue.clock.advance(10_000)
    assert.deepEqual(seen.at(-1), ['every', 3_000])
  })

  test('retries follow it', async () => {
    await using queue = createTestQueue('t', { now: 0 })
    const begun: number[] = []
    const fail = queue.task(
      'fail',
      () => {
        begun.push(queue.clock.now)
        throw new Error('no')
      },
      { retries: 2, backoff: { type: 'exponential', delay: 1_000, jitter: 0 } },
    )
    const handle = fail()
    await queue.drain()
    const info = await handle.info()
    assert.deepEqual([info?.state, info?.nextRunAt, info?.attempt], ['scheduled', new Date(1_000), 1])
    await queue.clock.advance(HOUR)
    assert.deepEqual(begun, [0, 1_000, 3_000])
    assert.equal((await rejection(handle.get())).code, 'ERR_MILLRACE_TASK_FAILED')
    assert.deepEqual((await handle.info())?.finishedAt, new Date(3_000))
  })

  test('timeouts follow it: of one that heeds its signal, and of one that does not', async () => {
    await using queue = createTestQueue('t', { now: 0 })
    const reasons: unknown[] = []
    const heeds = queue.task(
      'heeds',
      () =>
        new Promise((_, reject) => {
          const { signal } = currentTask()
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason)
            reject(signal.reason)
          })
        }),
      { timeout: 30_000 },
    )
    const deaf = queue.task('deaf', () => new Promise(() => {}), { timeout: 30_000 })
    const handles = [heeds(), deaf()]
    const states = async (): Promise<unknown[]> =>
      Promise.all(handles.map(async (handle) => (await handle.info())?.state))
    await queue.clock.advance(29_999)
    assert.deepEqual(await states(), ['running', 'running'])
    await queue.clock.advance(1)
    assert.deepEqual(await states(), ['failed', 'running'])
    assert.ok(reasons[0] instanceof TaskTimeoutError)
    await queue.clock.advance(5_000)
    assert.deepEqual(await states(), ['failed', 'failed'])
    const info = await handles[1]!.info()
    assert.deepEqual([info?.startedAt, info?.finishedAt], [new Date(0), new Date(35_000)])
  })

  test('drain and advance may be under way together', async () => {
    await using queue = createTestQueue()
    const deaf = queue.task('deaf', () => new Promise(() => {}), { timeout: 100 })
    deaf()
    const drained = queue.drain()
    await queue.clock.advance(5_100)
    assert.deepEqual(briefly(await drained), [['deaf', 'failed']])
  })

  test('ttl, deadline, keyTtl and get({ timeout }) follow it', async () => {
    await using queue = createTestQueue()
    let runs = 0
    const once = queue.task('once', () => ++runs)
    await queue.pause()
    const [short, long] = [once.with({ ttl: 1_000 })(), once.with({ deadline: 60_000 })()]
    const timeout = rejection(long.get({ timeout: 10_000 }))
    await queue.clock.advance(1_000)
    assert.equal((await rejection(short.get())).code, 'ERR_MILLRACE_TASK_EXPIRED')
    await queue.clock.advance(9_000)
    assert.ok((await timeout) instanceof WaitTimeoutError)
    assert.equal((await long.info())?.state, 'queued')
    await queue.clock.advance(50_000)
    assert.equal((await long.info())?.state, 'expired')
    await queue.resume()

    const keyed = once.with({ key: 'k', keyTtl: 5_000 })
    const results = [keyed(), keyed()]
    await queue.drain()
    await queue.clock.advance(4_999)
    results.push(keyed())
    await queue.clock.advance(1)
    results.push(keyed())
    await queue.drain()
    assert.deepEqual(await Promise.all(results.map((handle) => handle.get())), [1, 1, 1, 2])
  })

  test('retention follows it', async () => {
    await using queue = createTestQueue('t', { resultTtl: HOUR })
    const note = queue.task('note', (_: string) => {})
    const handle = note('x')
    await queue.drain()
    await queue.clock.advance(HOUR - 1)
    assert.equal((await handle.info())?.state, 'succeeded')
    await queue.clock.advance(1)
    assert.equal(await handle.info(), null)
    assert.equal((await rejection(queue.handle(handle.id).get())).code, 'ERR_MILLRACE_TASK_LOST')
    assert.deepEqual(briefly(queue.calls('note')), [['note', 'x', 'succeeded']])
  })

  test('goes forward only', async () => {
    await using queue = createTestQueue()
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY, '5' as never]) {
      await assert.rejects(queue.clock.advance(ms), OptionError)
    }
  })
})

describe('runTask', () => {
  test('calls, drains, and tells how the task stands', async () => {
    await using queue = createTestQueue()
    const add = queue.task('add', async (a: number, b: number) => a + b)
    const { state, result } = await queue.runTask(add, 1, 2)
    const typed: number | undefined = result
    assert.deepEqual([state, typed], ['succeeded', 3])
    // @ts-expect-error a string is no number
    await queue.runTask(add, 1, '2')
  })

  test('does not reject where the task fails, or has another attempt before it', async () => {
    await using queue = createTestQueue()
    const fail = queue.task('fail', () => {
      throw new TypeError('no')
    })
    const { state, error } = await queue.runTask(fail)
    assert.deepEqual([state, (error as Error).name, (error as Error).message], ['failed', 'TypeError', 'no'])
    const info = await queue.runTask(fail.with({ retries: 1, backoff: 500 }))
    assert.deepEqual([info.state, info.nextRunAt?.getTime()], ['scheduled', queue.clock.now + 500])
  })

  test('rejects where the call did', async () => {
    await using queue = createTestQueue('t', { maxQueued: 1 })
    const note = queue.task('note', (_: unknown) => {})
    await queue.pause()
    note(1)
    await assert.rejects(queue.runTask(note, 2), { code: 'ERR_MILLRACE_QUEUE_FULL' })
    await assert.rejects(queue.runTask(note, Symbol('s')), { code: 'ERR_MILLRACE_UNSUPPORTED_VALUE' })
  })
})

test('what a task yields is there after its run, the last of it where nobody read in time; or while it runs', async () => {
  await using queue = createTestQueue()
  const count = queue.task('count', function* (n: number) {
    for (let i = 1; i <= n; i++) yield i
    return 'counted'
  })
  const read = async (id: string, onGap: 'throw' | 'continue' = 'throw') => {
    const seen: unknown[] = []
    for await (const chunk of queue.handle(id).stream({ onGap })) seen.push(chunk)
    return seen
  }
  const few = await queue.runTask(count, 3)
  assert.deepEqual([few.state, few.result, await read(few.id)], ['succeeded', 'counted', [1, 2, 3]])
  const many = await queue.runTask(count, 1_000)
  assert.equal(many.state, 'succeeded')
  assert.equal((await read(many.id, 'continue')).length, 256)
  const handle = count(1_000)
  const [seen] = await Promise.all([read(handle.id), queue.drain()])
  assert.equal(seen.length, 1_000)
})

describe('calls', () => {
  test('are what was enqueued: by name, by task, or all; with their arguments, however large', async () => {
    await using queue = createTestQueue()
    const large = 'x'.repeat(5_000)
    const post = queue.task('post', (_to: string, _text: string) => {})
    const welcome = queue.task('welcome', (to: string) => {
      post(to, large)
      post.with({ delay: HOUR })(to, 'and?')
      post.with({ key: 'k' })(to, 'one')
      post.with({ key: 'k' })(to, 'joins it')
    })
    await queue.runTask(welcome, 'ann')
    assert.deepEqual(briefly(queue.calls(post)), [
      ['post', 'ann', large, 'succeeded'],
      ['post', 'ann', 'and?', 'scheduled'],
      ['post', 'ann', 'one', 'succeeded'],
    ])
    assert.deepEqual(queue.calls('post'), queue.calls(post))
    assert.equal(queue.calls().length, 4)
    assert.deepEqual(queue.calls('other'), [])
  })

  test('are of this process too where the handler is elsewhere', async () => {
    await using queue = createTestQueue()
    queue.remote<(n: number) => void>('elsewhere')(1)
    await queue.drain()
    assert.deepEqual(briefly(queue.calls('elsewhere')), [['elsewhere', 1, 'parked']])
  })
})

describe('a test queue', () => {
  test('with auto runs calls by itself, and time stands all the same', async () => {
    await using queue = createTestQueue('t', { auto: true })
    const echo = queue.task('echo', (x: string) => x)
    assert.equal(await echo('now').get(), 'now')
    const later = echo.with({ delay: 1_000 })('later')
    await later.enqueued
    await queue.drain()
    assert.equal((await later.info())?.state, 'scheduled')
    await queue.clock.advance(1_000)
    assert.equal(await later.get(), 'later')
  })

  test('is a queue like any other for the code under test', async () => {
    await using queue = createTestQueue()
    assert.ok(queue instanceof Queue)
    assert.equal(queue.name, 'test')
    const steps = queue.task('steps', async (n: number) => {
      for (let i = 1; i <= n; i++) await queue.updateProgress(i)
      return n
    })
    const handle = steps(3)
    const seen = (async () => {
      const values: unknown[] = []
      for await (const value of handle.progress()) values.push(value)
      return values
    })()
    await queue.drain()
    assert.deepEqual((await seen).at(-1), 3)
    assert.equal(await steps.local(2), 2)
    assert.equal((await queue.runTask(steps, 1)).progress, 1)
  })

  test('takes the options of a queue, and no others', () => {
    assert.throws(() => createTestQueue('t', { redis: 'redis://127.0.0.1:1' } as never), /exclude each other/)
    assert.throws(() => createTestQueue('t', { atuo: true } as never), /unknown option "atuo"/)
    assert.throws(
      () => createTestQueue('t', { auto: 1 as never }),
      /createTestQueue: auto must be true or false/,
    )
    assert.throws(() => createTestQueue('t', { now: 'now' as never }), /createTestQueue: now must be a Date/)
    assert.throws(() => createTestQueue('no blanks'), OptionError)
  })

  test('closes at once: what waits is dropped; what runs is aborted, and ends if it heeds that', async () => {
    const queue = createTestQueue()
    const ran: string[] = []
    const hang = queue.task('hang', (what: string) => {
      ran.push(what)
      return new Promise(() => {})
    })
    const heed = queue.task('heed', () => {
      const { signal } = currentTask()
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(signal.reason.message))
      })
    })
    const heeded = heed().get()
    const waits = [rejection(hang('one').get())]
    await queue.clock.advance(0)
    waits.push(rejection(hang('two').get()))
    await queue.close()
    assert.equal(await heeded, 'the worker stops')
    for (const error of await Promise.all(waits)) assert.ok(error instanceof QueueClosedError, error.message)
    assert.deepEqual(ran, ['one'])
  })

  test("works while a test library's own fakes stand in for timers and dates", async () => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'], now: 5_000 })
    try {
      await using queue = createTestQueue()
      const note = queue.task('note', () => queue.clock.now, { delay: 1_000 })
      const handle = note()
      await queue.drain()
      await queue.clock.advance(1_000)
      assert.equal(await handle.get(), 6_000)
    } finally {
      mock.timers.reset()
    }
  })
})

test('schedules follow the clock, each slot at its moment', async () => {
  await using queue = createTestQueue('q', { now: Date.parse('2026-03-28T00:00:00Z') })
  const ran: string[] = []
  const note = queue.task(
    'note',
    (what: string) => void ran.push(`${what} ${new Date(queue.clock.now).toISOString()}`),
  )
  const berlin = { cron: '30 8 * * *', timezone: 'Europe/Berlin' }
  assert.equal(await queue.schedule('morning', berlin, note.prepare('morning')), 'new')
  await queue.schedule('hourly', { every: HOUR }, note.prepare('hourly'))
  await queue.clock.advance(2.5 * HOUR)
  assert.deepEqual(ran, ['hourly 2026-03-28T01:00:00.000Z', 'hourly 2026-03-28T02:00:00.000Z'])
  await queue.unschedule('hourly')
  await queue.clock.advance(48 * HOUR)
  // The clocks were put forward in between.
  assert.deepEqual(ran.slice(2), ['morning 2026-03-28T07:30:00.000Z', 'morning 2026-03-29T06:30:00.000Z'])
  assert.deepEqual(
    queue.calls('note').map(({ id }) => id.split(':')[0]),
    ['hourly', 'hourly', 'morning', 'morning'],
  )
})
