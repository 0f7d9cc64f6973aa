/** A queue and a worker as their user sees them, in one process, against a real Redis. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Redis } from 'ioredis'
import {
  currentTask,
  NoCurrentTaskError,
  OptionError,
  Queue,
  type QueueOptions,
  TaskFailedError,
  TaskLostError,
  type Worker,
} from '../lib/index.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { until } from './support/until.ts'

let redis: TestRedis
before(async () => {
  redis = await startRedis()
})
after(() => redis.stop())

let count = 0

/** A queue of its own name, with a worker once it is asked for. */
function fresh(options?: QueueOptions) {
  count += 1
  const queue = new Queue(`q${count}`, { redis: redis.url, ...options })
  const errors: Error[] = []
  queue.on('error', (error) => errors.push(error))
  const work = async (): Promise<Worker> => {
    const worker = queue.worker({ concurrency: 10, lease: 5_000 })
    const ready = new Promise((resolve) => worker.once('ready', resolve))
    void worker.run()
    await ready
    return worker
  }
  return { queue, errors, work, prefix: `millrace:{q${count}}`, [Symbol.asyncDispose]: () => queue.close() }
}

const rejection = (promise: Promise<unknown>): Promise<Error & Record<string, unknown>> =>
  promise.then(
    () => assert.fail('it should have rejected'),
    (error) => error,
  )

describe('calling', () => {
  test('a call gives its result, and a handle that is not thenable', async () => {
    await using s = fresh()
    const add = s.queue.task('add', (a: number, b: number) => a + b)
    const handle = add(1, 2)
    assert.match(handle.id, /^[\w-]{22}$/)
    assert.equal('then' in handle, false)
    await s.work()
    await handle.enqueued
    assert.equal(await handle.get(), 3)
    assert.equal(await handle.get(), 3, 'again')
    assert.equal(await s.queue.handle<number>(handle.id).get(), 3, 'by id')
  })

  test('a task may be named by its function', async () => {
    await using s = fresh()
    const double = s.queue.task(function double(n: number) {
      return 2 * n
    })
    await s.work()
    assert.equal(double.taskName, 'double')
    assert.equal(await double(4).get(), 8)
  })

  test('a remote task needs no handler here', async () => {
    await using s = fresh()
    const add = s.queue.task('add', (a: number, b: number) => a + b)
    await s.work()
    await using other = new Queue(s.queue.name, { redis: redis.url })
    const remote = other.remote<typeof add>('add')
    assert.equal(await remote(2, 2).get(), 4)
    assert.throws(() => remote.local(1, 2), /remote task/)
  })

  test('options, or an ioredis client whose configuration is taken, name the Redis; the client stays as it is', async () => {
    const client = new Redis(redis.url, { commandTimeout: 50, connectionName: 'mine' })
    for (const target of [client, { host: '127.0.0.1', port: redis.port }]) {
      await using s = fresh({ redis: target })
      const pause = s.queue.task(
        'pause',
        (ms: number) => new Promise((resolve) => setTimeout(resolve, ms, ms)),
      )
      await s.work()
      assert.equal(await pause(200).get(), 200)
    }
    assert.equal(client.listenerCount('close'), 0)
    assert.equal(await client.ping(), 'PONG')
    client.disconnect()
    assert.throws(
      () => new Queue('q', { redis: new Redis({ keyPrefix: 'x', lazyConnect: true }) }),
      /keyPrefix/,
    )
  })

  test('local runs the handler here and now, without Redis', () => {
    const queue = new Queue('local', { redis: 'redis://127.0.0.1:1' })
    const id = queue.task('id', () => currentTask().id)
    assert.equal(id.local(), 'local')
    const progress = queue.task('progress', () => queue.updateProgress(1))
    return progress.local()
  })

  test('10,000 calls in one tick all come back right', async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', async (n: number) => n)
    await s.work()
    const results = await Promise.all(Array.from({ length: 10_000 }, (_, i) => echo(i).get()))
    assert.deepEqual(
      results,
      Array.from({ length: 10_000 }, (_, i) => i),
    )
  })

  test('a call made before its worker came is found; so is a wait that began in between', async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', (x: string) => x)
    const early = echo('early')
    await early.enqueued
    const wait = early.get()
    await s.work()
    assert.equal(await wait, 'early')
  })

  test('high goes before normal before low, in the order of the calls within each', async () => {
    await using s = fresh()
    const ran: string[] = []
    const note = s.queue.task('note', (what: string) => void ran.push(what))
    const low = s.queue.task('note-low', (what: string) => void ran.push(what), { priority: 'low' })
    const calls = [low('e'), note('c'), note.with({ priority: 'high' })('a'), low('f'), note('d')]
    calls.push(low.with({ priority: 'high' })('b'))
    await Promise.all(calls.map((call) => call.enqueued))
    const worker = s.queue.worker({ concurrency: 1, prefetch: 0 })
    void worker.run()
    await Promise.all(calls.map((call) => call.get()))
    assert.deepEqual(ran, ['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test('arguments are taken as they are at the call', async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', (x: number[]) => x)
    const list = [1]
    const handle = echo(list)
    list.push(2)
    await s.work()
    assert.deepEqual(await handle.get(), [1])
  })
})

describe('values', () => {
  const shared = { x: 1 }
  const circular: Record<string, unknown> = { name: 'loop' }
  circular.self = circular
  const VALUES: Record<string, unknown> = {
    bigints: [2n ** 20000n, -(2n ** 100n), 5n],
    date: new Date(0),
    map: new Map<unknown, unknown>([[{ k: 1 }, new Set([1, 'a'])]]),
    buffer: Buffer.from([0, 255, 1]),
    typed: [new Float64Array([1.5, Number.NaN]), new Uint8Array([1, 2])],
    odd: [undefined, Number.NaN, Number.POSITIVE_INFINITY, null, ''],
    nested: { a: [{ b: { c: [[[1]]] } }] },
    shared: [shared, shared],
    circular,
    text: 'ünïcödé 🎡'.repeat(20_000),
  }

  for (const [name, value] of Object.entries(VALUES)) {
    test(`${name}: as argument, as result, as progress, and in getTask`, async () => {
      await using s = fresh()
      const echo = s.queue.task('echo', async (x: unknown) => {
        await currentTask().updateProgress(x)
        return x
      })
      await s.work()
      const handle = echo(value)
      const seen: unknown[] = []
      for await (const progress of handle.progress()) seen.push(progress)
      assert.deepEqual(await handle.get(), value)
      assert.deepEqual(seen, [value])
      const info = await handle.info()
      assert.deepEqual(info?.progress, value)
      assert.deepEqual(info?.result, value)
    })
  }
})

describe('bad input', () => {
  test('a function or symbol as argument is refused at the call, naming where', async () => {
    await using s = fresh()
    const take = s.queue.task('take', (_: unknown) => {})
    assert.throws(() => take({ a: [1, { done: () => {} }] }), {
      code: 'ERR_MILLRACE_UNSUPPORTED_VALUE',
      message: 'arguments[0].a[1].done is a function, which cannot be sent',
    })
    assert.throws(() => take(Symbol('s')), { path: 'arguments[0]' })
    assert.throws(() => take(Promise.resolve(1)), { message: /arguments\[0\] is a promise: await it/ })
  })

  test('too large or too deep an argument is refused at the call', async () => {
    await using s = fresh({ maxPayload: 1_000 })
    const take = s.queue.task('take', (_: unknown) => {})
    assert.throws(() => take('x'.repeat(1_000)), { code: 'ERR_MILLRACE_PAYLOAD_TOO_LARGE', limit: 1_000 })
    let deep: unknown = 1
    for (let i = 0; i < 200; i++) deep = [deep]
    assert.throws(() => take(deep), {
      code: 'ERR_MILLRACE_UNSUPPORTED_VALUE',
      message: /nested deeper than 128/,
    })
  })

  test('results that cannot be sent fail the task, saying so; the worker goes on', async () => {
    await using s = fresh({ maxResult: 1_000 })
    const give = s.queue.task('give', (what: string): unknown => {
      if (what === 'function') return { f: () => {} }
      if (what === 'symbol') return Symbol('s')
      return what === 'large' ? 'x'.repeat(2_000) : what
    })
    await s.work()
    const cause = async (what: string) =>
      (await rejection(give(what).get())).cause as Error & { code: string }
    assert.deepEqual(
      [(await cause('function')).code, (await cause('function')).message],
      ['ERR_MILLRACE_UNSUPPORTED_VALUE', 'result.f is a function, which cannot be sent'],
    )
    assert.equal((await cause('symbol')).code, 'ERR_MILLRACE_UNSUPPORTED_VALUE')
    assert.equal((await cause('large')).code, 'ERR_MILLRACE_PAYLOAD_TOO_LARGE')
    assert.equal(await give('fine').get(), 'fine')
  })

  test('progress that cannot be sent throws inside the handler', async () => {
    await using s = fresh()
    const bad = s.queue.task('bad', async () => {
      try {
        await currentTask().updateProgress(() => {})
      } catch (error) {
        return (error as { code: string }).code
      }
      return 'nothing was thrown'
    })
    await s.work()
    assert.equal(await bad().get(), 'ERR_MILLRACE_UNSUPPORTED_VALUE')
  })

  test('names, ids and options outside of what is allowed are refused where they are given', async () => {
    for (const name of ['', 'a b', 'a{b}', 'x'.repeat(129), 'ä', 7]) {
      assert.throws(() => new Queue(name as string), OptionError)
    }
    await using s = fresh()
    assert.throws(() => s.queue.task('a/b', () => {}), OptionError)
    assert.throws(() => s.queue.task((() => () => {})()), /the function's own name/)
    assert.throws(() => s.queue.remote('a b'), OptionError)
    await assert.rejects(s.queue.getTask('a b'), OptionError)
    assert.throws(() => s.queue.handle(''), OptionError)
    assert.throws(
      () => new Queue('q', { resultTTL: 1 } as QueueOptions),
      /unknown option "resultTTL" \(known: redis, /,
    )
    assert.throws(
      () => new Queue('q', { resultTtl: -1 }),
      /resultTtl must be a whole number of at least 0 \(given: -1\)/,
    )
    const urgent = { priority: 'urgent' } as object
    assert.throws(() => s.queue.task('t2', () => 1, urgent), /priority must be one of high, normal, low/)
    assert.throws(() => s.queue.worker({ prefetch: -1 }), /prefetch must be a whole number from 0 to 4096/)
    assert.throws(() => s.queue.worker({ concurrency: 0 }), /concurrency must be a whole number from 1/)
    assert.throws(() => s.queue.worker({ threads: 2 } as object), /unknown option "threads"/)
    const task = s.queue.task('t', () => {})
    assert.throws(() => task.with({ retrys: 3 } as object), /unknown option "retrys"/)
    await assert.rejects(task().get({ timeot: 1 } as object), /unknown option "timeot"/)
    assert.throws(() => s.queue.task('t', () => {}), { code: 'ERR_MILLRACE_DUPLICATE_TASK' })
    assert.throws(() => s.queue.task('u', 'not a function' as never), OptionError)
    assert.throws(() => currentTask(), NoCurrentTaskError)
  })

  test('with unknownTtl: 0, a task that the worker does not know fails, naming those that it knows', async () => {
    await using s = fresh({ unknownTtl: 0 })
    s.queue.task('known', () => {})
    await s.work()
    const error = await rejection(s.queue.remote<() => void>('unknown')().get())
    const cause = error.cause as Error & { code: string }
    assert.equal(cause.code, 'ERR_MILLRACE_UNKNOWN_TASK')
    assert.equal(cause.message, 'no task named "unknown" in this worker (it knows: known)')
  })

  test('junk put in Redis by hand is set aside or fails its task, and the worker goes on', async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', (x: number) => x)
    await s.work()
    assert.equal(await echo(1).get(), 1)
    const stream = `${s.prefix}:stream:normal`
    const add = (...fields: (string | Buffer)[]) => redis.client.xadd(stream, '*', ...fields)
    await add('bad id!', 'x')
    await add('no-record', 'x')
    await add('a', '1', 'b', '2', 'c', '3')
    await redis.client.set(`${s.prefix}:task:string`, 'x')
    await add('string', 'x')
    // A record with its entry, but the call is not one.
    for (const [id, call] of [
      ['empty', ''],
      ['garbage', Buffer.from([0, 0xc1, 0xff])],
      ['bomb', Buffer.from([0, 0xdd, 0xff, 0xff, 0xff, 0xff])],
      ['deep', Buffer.concat([Buffer.from([0]), Buffer.alloc(500_000, 0x91)])],
      ['head', Buffer.from([200, 1])],
      ['large', Buffer.alloc(2 * 1024 * 1024)],
    ] as const) {
      const entry = await redis.client.multi().xadd(stream, '*', id, call).exec()
      await redis.client.hset(`${s.prefix}:task:${id}`, 'entry', `${entry?.[0]?.[1]}`)
      assert.equal(await echo(2).get(), 2)
    }
    await until('everything to be dealt with', async () => (await redis.client.xlen(stream)) === 0)
    assert.equal((await redis.client.llen(`${s.prefix}:quarantine`)) >= 4, true)
    // The same with a backlog, where entries come by turns.
    assert.deepEqual(s.errors, [])
  })

  test('a record that is not one of ours shows as nothing', async () => {
    await using s = fresh()
    await redis.client.set(`${s.prefix}:task:a`, 'x')
    await redis.client.hset(`${s.prefix}:task:b`, 'hello', 'world')
    await redis.client.hset(`${s.prefix}:task:c`, 'entry', '1-0', 'end', 'nonsense')
    await redis.client.hset(`${s.prefix}:task:d`, 'entry', '1-0', 'end', 's 1 5 100 w1', 'result', '\xff')
    for (const id of ['a', 'b', 'c', 'e']) assert.equal(await s.queue.getTask(id), null, id)
    const unreadable = await s.queue.getTask('d')
    assert.deepEqual([unreadable?.state, unreadable?.result], ['succeeded', undefined])
    await assert.rejects(s.queue.handle('a').get({ timeout: 5_000 }), TaskLostError)
  })
})

describe('errors', () => {
  test('the remote error arrives as the cause, and the stack is the caller’s', async () => {
    await using s = fresh()
    const fail = s.queue.task('fail', () => {
      const root = Object.assign(new Error('disk full'), { code: 'ENOSPC', errno: -28 })
      throw new TypeError('cannot save', { cause: root })
    })
    await s.work()
    const handle = fail()
    async function theCaller(): Promise<unknown> {
      return await handle.get()
    }
    const error = await rejection(theCaller())
    assert.ok(error instanceof TaskFailedError)
    assert.equal(error.code, 'ERR_MILLRACE_TASK_FAILED')
    assert.equal(error.taskId, handle.id)
    assert.equal(error.message, `task ${handle.id} failed: TypeError: cannot save`)
    assert.match(error.stack ?? '', /theCaller/)
    const cause = error.cause as Error & { cause: Error & { code: string; errno: number } }
    assert.deepEqual([cause.name, cause.message], ['TypeError', 'cannot save'])
    assert.match(cause.stack ?? '', /queue\.spec\.ts/)
    assert.deepEqual([cause.cause.message, cause.cause.code, cause.cause.errno], ['disk full', 'ENOSPC', -28])
    const info = await handle.info()
    assert.equal((info?.error as Error | undefined)?.message, 'cannot save')
  })

  test('an AggregateError, a string, undefined and a rejected promise cross too', async () => {
    await using s = fresh()
    const fail = s.queue.task('fail', async (how: string) => {
      if (how === 'aggregate') throw new AggregateError([new Error('one'), 'two'], 'both')
      throw how === 'string' ? 'just text' : undefined
    })
    await s.work()
    const aggregate = (await rejection(fail('aggregate').get())).cause as AggregateError
    assert.ok(aggregate instanceof AggregateError)
    assert.deepEqual([(aggregate.errors[0] as Error).message, aggregate.errors[1]], ['one', 'two'])
    assert.equal((await rejection(fail('string').get())).cause, 'just text')
    const error = await rejection(fail('undefined').get())
    assert.ok(error instanceof TaskFailedError)
    assert.equal(error.cause, undefined)
  })
})

describe('waiting', () => {
  test('a timeout ends the wait and not the task', async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', (x: number) => x)
    const handle = echo(1)
    assert.equal((await rejection(handle.get({ timeout: 30 }))).code, 'ERR_MILLRACE_WAIT_TIMEOUT')
    await s.work()
    assert.equal(await handle.get({ timeout: 10_000 }), 1)
  })

  test('a signal ends the wait with its reason', async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', (x: number) => x)
    const controller = new AbortController()
    const wait = echo(1).get({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await assert.rejects(wait, /enough/)
    await assert.rejects(echo(1).get({ signal: AbortSignal.abort(new Error('at once')) }), /at once/)
  })

  test('closing the queue rejects what is waited for, and what is called after', async () => {
    const s = fresh()
    const echo = s.queue.task('echo', (x: number) => x)
    const wait = rejection(echo(1).get())
    await s.queue.close()
    await s.queue.close()
    assert.equal((await wait).code, 'ERR_MILLRACE_QUEUE_CLOSED')
    assert.throws(() => echo(2), { code: 'ERR_MILLRACE_QUEUE_CLOSED' })
    assert.equal(
      await redis.client.xlen(`${s.prefix}:stream:normal`),
      1,
      'the call was sent before it closed',
    )
  })

  test('a wait for an id that nobody knows is told so', async () => {
    await using s = fresh()
    await assert.rejects(s.queue.handle('nobody').get(), TaskLostError)
    assert.equal(await s.queue.handle('nobody').info(), null)
    for await (const _ of s.queue.handle('nobody').progress()) assert.fail('no progress')
  })

  test('a wait hears when the record is deleted under it', { timeout: 40_000 }, async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', (x: number) => x)
    const handle = echo(1)
    const wait = rejection(handle.get())
    await handle.enqueued
    await redis.client.del(`${s.prefix}:task:${handle.id}`)
    assert.ok((await wait) instanceof TaskLostError)
  })

  test('a wait hears when the entry is deleted under it', { timeout: 40_000 }, async () => {
    await using s = fresh()
    const echo = s.queue.task('echo', (x: number) => x)
    const handle = echo(1)
    const wait = rejection(handle.get())
    await handle.enqueued
    await redis.client.del(`${s.prefix}:stream:normal`)
    assert.ok((await wait) instanceof TaskLostError)
    assert.ok((await redis.client.pttl(`${s.prefix}:task:${handle.id}`)) > 0, 'and its record goes')
  })

  test('progress is an iterator that ends with the task, for several listeners, also elsewhere', async () => {
    await using s = fresh()
    let go = (): void => {}
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    const steps = s.queue.task('steps', async () => {
      await currentTask().updateProgress('first')
      await gate
      await currentTask().updateProgress('second')
      throw new Error('in the end')
    })
    await s.work()
    await using elsewhere = new Queue(s.queue.name, { redis: redis.url })
    const handle = steps()
    const failed = rejection(handle.get())
    await until('the first value', async () => (await handle.info())?.progress === 'first')
    const watch = async (iterable: AsyncIterable<unknown>): Promise<unknown[]> => {
      const seen: unknown[] = []
      for await (const value of iterable) {
        seen.push(value)
        if (seen.length === 1) ready.shift()?.()
      }
      return seen
    }
    const ready: (() => void)[] = []
    const bothReady = Promise.all([1, 2].map(() => new Promise<void>((resolve) => ready.push(resolve))))
    const watching = [watch(handle.progress()), watch(elsewhere.handle(handle.id).progress())]
    await bothReady
    go()
    assert.deepEqual(await Promise.all(watching), [
      ['first', 'second'],
      ['first', 'second'],
    ])
    await failed
  })
})

describe('records', () => {
  test('getTask shows a task in every state', async () => {
    await using s = fresh()
    const running = new Map<string, (isGood: boolean) => void>()
    const hold = s.queue.task('hold', (label: string) =>
      new Promise<boolean>((resolve) => {
        running.set(label, resolve)
      }).then((isGood) => {
        if (!isGood) throw new Error('no')
        return 'yes'
      }),
    )
    const handle = hold('a')
    await handle.enqueued
    const queued = await handle.info()
    assert.deepEqual(
      [queued?.state, queued?.name, queued?.args, queued?.attempt, queued?.worker, queued?.startedAt],
      ['queued', 'hold', ['a'], 0, undefined, undefined],
    )
    assert.ok(Math.abs((queued?.createdAt.getTime() ?? 0) - Date.now()) < 60_000)
    const worker = await s.work()
    const release = await until('its handler to begin', () => running.get('a'))
    const info = await handle.info()
    assert.deepEqual([info?.state, info?.args, info?.attempt, info?.worker], ['running', ['a'], 1, worker.id])
    assert.ok(Math.abs((info?.startedAt?.getTime() ?? 0) - Date.now()) < 60_000)
    release(true)
    await handle.get()
    const succeeded = await handle.info()
    assert.deepEqual([succeeded?.state, succeeded?.args, succeeded?.result], ['succeeded', ['a'], 'yes'])
    assert.ok(succeeded?.finishedAt && succeeded.startedAt && succeeded.finishedAt >= succeeded.startedAt)

    const failing = hold('b')
    const fail = await until('its handler to begin', () => running.get('b'))
    fail(false)
    await rejection(failing.get())
    const failed = await failing.info()
    assert.deepEqual(
      [failed?.state, failed?.args, (failed?.error as Error | undefined)?.message],
      ['failed', ['b'], 'no'],
    )
  })

  test('results and failures are kept as long as queue, task and call say', async () => {
    await using s = fresh({ resultTtl: 100_000, failedTtl: 200_000 })
    const run = (fail: boolean): void => {
      if (fail) throw new Error('x')
    }
    const plain = s.queue.task('plain', run)
    const defined = s.queue.task('defined', run, { resultTtl: 300_000, failedTtl: 400_000 })
    await s.work()
    const ttl = async (handle: { id: string; get(): Promise<unknown> }): Promise<number> => {
      await handle.get().catch(() => {})
      return Math.ceil((await redis.client.pttl(`${s.prefix}:task:${handle.id}`)) / 10_000)
    }
    assert.equal(await ttl(plain(false)), 10)
    assert.equal(await ttl(plain(true)), 20)
    assert.equal(await ttl(defined(false)), 30)
    assert.equal(await ttl(defined(true)), 40)
    assert.equal(await ttl(defined.with({ resultTtl: 50_000 })(false)), 5)
    assert.equal(await ttl(defined.with({ resultTtl: 0 })(false)), 3, 'never less than 30 s')
  })

  test('large arguments of a succeeded task are not kept, those of a failed one are', async () => {
    await using s = fresh()
    const maybe = s.queue.task('maybe', (_: string, fail: boolean) => {
      if (fail) throw new Error('x')
    })
    await s.work()
    const large = 'x'.repeat(5_000)
    const good = maybe(large, false)
    await good.get()
    assert.deepEqual([(await good.info())?.name, (await good.info())?.args], ['maybe', undefined])
    const bad = maybe(large, true)
    await rejection(bad.get())
    assert.deepEqual((await bad.info())?.args, [large, true])
  })

  test('failures are capped: the oldest go, and their records within 30 s', async () => {
    await using s = fresh({ maxFailed: 5 })
    const fail = s.queue.task('fail', () => {
      throw new Error('x')
    })
    await s.work()
    const handles = []
    for (let i = 0; i < 8; i++) {
      handles.push(fail())
      await rejection(handles.at(-1)!.get())
      // Of failures of the same ms none is older.
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const ttls = await Promise.all(handles.map(({ id }) => redis.client.pttl(`${s.prefix}:task:${id}`)))
    const isGoing = ttls.map((ttl) => ttl <= 30_000)
    assert.deepEqual(isGoing, [true, true, true, false, false, false, false, false])
    assert.equal(await redis.client.zcard(`${s.prefix}:failed`), 5)
  })

  test('a large result is fetched from the record', async () => {
    await using s = fresh()
    const large = s.queue.task('large', (n: number) => Buffer.alloc(n, 7))
    await s.work()
    const result = await large(3 * 1024 * 1024).get()
    assert.ok(result.equals(Buffer.alloc(3 * 1024 * 1024, 7)))
  })
})
