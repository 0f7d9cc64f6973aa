/** Handlers that yield, of every kind, in one process with their caller: what they may do, and what becomes of it. */

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { currentTask, OptionError, QueueClosedError, StreamRestartedError } from '../../lib/index.ts'
import { freshQueues, gate, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()
const ONE = { concurrency: 1, prefetch: 0 }

async function all<C>(chunks: AsyncIterable<C>): Promise<C[]> {
  const seen: C[] = []
  for await (const chunk of chunks) seen.push(chunk)
  return seen
}

describe('a handler that yields', () => {
  test('may be a generator of either kind, a promise of one, or give what can be iterated', async () => {
    await using s = fresh()
    const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
    const sync = s.queue.task('sync', function* (n: number) {
      yield* numbers(n)
      return `${n} in all`
    })
    const slow = s.queue.task('slow', async function* (n: number) {
      for (const one of numbers(n)) {
        await delay(1)
        yield { one, big: 2n ** 70n, at: new Date(one) }
      }
    })
    const promised = s.queue.task('promised', async (n: number) => {
      await delay(1)
      return sync.local(n)
    })
    const iterable = s.queue.task('iterable', () => Readable.from(['a', 'b']))
    const list = s.queue.task('list', () => [1, 2])
    await s.work()
    const handle = sync(1_000)
    assert.deepEqual(await all(handle.stream()), numbers(1_000))
    assert.equal(await handle.get(), '1000 in all')
    const rich = await all(slow(3).stream())
    assert.deepEqual(
      rich,
      [0, 1, 2].map((one) => ({ one, big: 2n ** 70n, at: new Date(one) })),
    )
    assert.deepEqual(await all(promised(5).stream()), numbers(5))
    const letters = iterable()
    assert.deepEqual(await all(letters.stream()), ['a', 'b'])
    assert.equal(await letters.get(), undefined)
    const both = list()
    assert.deepEqual(await all(both.stream()), [], 'a list is a value')
    assert.deepEqual(await both.get(), [1, 2])
  })

  test('knows its task, here and in local', async () => {
    await using s = fresh()
    const named = s.queue.task('named', async function* () {
      await currentTask().updateProgress('half')
      yield currentTask().name
      await delay(1)
      yield currentTask().id
      return currentTask().attempt
    })
    await s.work()
    const handle = named()
    assert.deepEqual(await all(handle.stream()), ['named', handle.id])
    assert.equal(await handle.get(), 1)
    assert.equal((await handle.info())?.progress, 'half')
    assert.deepEqual(await all(named.local()), ['named', 'local'])
    const local = named.local()
    assert.deepEqual(await local.next(), { done: false, value: 'named' })
    assert.deepEqual(await local.return(7), { done: true, value: 7 })
  })

  test('fails where a chunk cannot be sent, and its finally blocks run', async () => {
    await using s = fresh({ maxPayload: 1_000 })
    const left: string[] = []
    const bad = s.queue.task('bad', async function* (what: 'function' | 'large' | 'nested') {
      try {
        yield 'good'
        if (what === 'function') yield { done: () => {} }
        if (what === 'large') yield 'x'.repeat(2_000)
        return sub()
      } finally {
        left.push(what)
      }
    })
    function* sub() {
      yield 1
    }
    await s.work()
    const messages: string[] = []
    for (const what of ['function', 'large', 'nested'] as const) {
      const handle = bad(what)
      const seen: unknown[] = []
      const error = await rejection(
        (async () => {
          for await (const chunk of handle.stream()) seen.push(chunk)
        })(),
      )
      assert.deepEqual(seen, ['good'])
      messages.push((error.cause as Error).message)
    }
    assert.match(messages[0]!, /^chunk 2\.done is a function, which cannot be sent$/)
    assert.match(messages[1]!, /^chunk 2: 20\d\d bytes packed, and at most 1000 are allowed/)
    assert.match(messages[2]!, /yield\* inner/)
    assert.deepEqual(left, ['function', 'large', 'nested'])
  })

  test('that is retried begins anew', async () => {
    await using s = fresh()
    const flaky = s.queue.task(
      'flaky',
      async function* () {
        const { attempt } = currentTask()
        yield `${attempt}a`
        if (attempt === 1) await passed
        if (attempt < 3) throw new Error('again')
        yield `${attempt}b`
        return attempt
      },
      { retries: 3, backoff: 0 },
    )
    const { passed, open } = gate()
    await s.work()
    const handle = flaky()
    const attempts: number[] = []
    const seen: string[] = []
    for await (const chunk of handle.stream({ onRestart: (attempt) => attempts.push(attempt) })) {
      seen.push(chunk)
      open()
    }
    assert.equal(seen[0], '1a')
    assert.deepEqual(seen.slice(-2), ['3a', '3b'])
    assert.equal(attempts.at(-1), 3)
    assert.equal(await handle.get(), 3)
    assert.deepEqual(
      await all(flaky().stream({ onRestart: 'continue' })).then((chunks) => chunks.at(-1)),
      '3b',
    )
  })

  test('says by default that it begins anew', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    const flaky = s.queue.task(
      'flaky',
      async function* () {
        yield currentTask().attempt
        if (currentTask().attempt === 1) {
          await passed
          throw new Error('again')
        }
      },
      { retries: 1, backoff: 0 },
    )
    await s.work()
    const stream = flaky().stream()
    assert.deepEqual((await stream.next()).value, 1)
    open()
    const error = await rejection(stream.next())
    assert.ok(error instanceof StreamRestartedError)
    assert.equal(error.attempt, 2)
  })

  test('waits for nobody for longer than its patience', async () => {
    await using s = fresh()
    const count = s.queue.task(
      'count',
      function* (n: number) {
        for (let i = 1; i <= n; i++) yield i
        return 'counted'
      },
      { streamBuffer: 5, streamPatience: 0 },
    )
    await s.work()
    const handle = count(100)
    assert.equal(await handle.get(), 'counted')
    const missed: number[] = []
    const seen = await all(handle.stream({ onGap: (n) => missed.push(n) }))
    assert.deepEqual([seen, missed], [[96, 97, 98, 99, 100], [95]])
  })

  test('keeps its slot while it waits for room, and a handler that reads lends its own', async () => {
    await using s = fresh()
    const count = s.queue.task(
      'count',
      function* (n: number) {
        for (let i = 1; i <= n; i++) yield i
      },
      { streamBuffer: 5 },
    )
    const sum = s.queue.task('sum', async (n: number) => {
      let total = 0
      for await (const i of count(n).stream()) total += i
      return total
    })
    await s.work(ONE)
    assert.equal(await sum(100).get(), 5_050)
    const unread = count(100)
    const waits = sum(1)
    await until('it to run', async () => (await unread.info())?.state === 'running')
    assert.equal((await waits.info())?.state, 'queued')
    assert.equal((await all(unread.stream())).length, 100)
    assert.equal(await waits.get(), 1)
  })

  test('is given back when its worker stops, and begins anew elsewhere', async () => {
    await using s = fresh()
    const left: number[] = []
    const { passed, open } = gate()
    const slow = s.queue.task('slow', async function* () {
      const { attempt } = currentTask()
      try {
        yield attempt
        await Promise.race([passed, attempt === 1 ? new Promise(() => {}) : passed])
        yield 'end'
      } finally {
        left.push(attempt)
      }
    })
    const first = await s.work({ drainTimeout: 1 })
    const handle = slow()
    const stream = handle.stream({ onRestart: 'continue' })
    assert.equal((await stream.next()).value, 1)
    await first.stop()
    open()
    await s.work()
    assert.deepEqual(await all(stream), [2, 'end'])
    assert.equal((await handle.info())?.attempt, 2)
    assert.ok(left.includes(2))
  })
})

describe('handle.stream', () => {
  test('refuses options that it does not know, at the call', async () => {
    await using s = fresh()
    const handle = s.queue.handle('some-task')
    for (const [options, message] of [
      [
        { onRestart: 'ignore' },
        /stream: onRestart must be 'throw', 'continue' or a function \(given: "ignore"\)/,
      ],
      [{ onGap: 5 }, /stream: onGap must be/],
      [{ signal: {} }, /stream: signal must be an AbortSignal/],
      [{ buffer: 5 }, /stream: unknown option "buffer"/],
    ] as const) {
      assert.throws(() => handle.stream(options as never), { name: 'OptionError', message })
    }
    for (const options of [{ streamBuffer: 0 }, { onStreamFull: 'reject' }, { streamPatience: -1 }]) {
      assert.throws(() => s.queue.task('bad', () => {}, options as never), OptionError)
    }
  })

  test('of a task that nobody knows, or that does not yield', async () => {
    await using s = fresh()
    const plain = s.queue.task('plain', async () => 'value')
    await s.work()
    const error = await rejection(all(s.queue.handle('no-such-task').stream()))
    assert.equal(error.code, 'ERR_MILLRACE_TASK_LOST')
    assert.deepEqual(await all(plain().stream()), [])
  })

  test('ends by its signal, and when the queue is closed', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    const slow = s.queue.task('slow', async function* () {
      yield 1
      await passed
      yield 2
    })
    await s.work()
    const controller = new AbortController()
    const handle = slow()
    const stream = handle.stream({ signal: controller.signal })
    await stream.next()
    const next = rejection(stream.next())
    controller.abort(new Error('enough'))
    assert.equal((await next).message, 'enough')
    assert.deepEqual(await stream.next(), { done: true, value: undefined })

    const reader = s.other()
    const other = reader.handle(handle.id).stream()
    const waits = rejection(other.next())
    await until('it to wait', async () => (await handle.info())?.state === 'running')
    await reader.close()
    assert.ok((await waits) instanceof QueueClosedError)
    open()
    assert.equal(await handle.get(), undefined)
  })

  test('of a call that joins another reads that one', async () => {
    await using s = fresh()
    const count = s.queue.task('count', async function* (n: number) {
      for (let i = 1; i <= n; i++) yield i
    })
    const keyed = count.with({ key: 'k', delay: 50 })
    const [first, second] = [keyed(3), keyed(3)]
    await first.enqueued
    const seen = all(second.stream())
    await s.work()
    assert.deepEqual(await seen, [1, 2, 3])
    assert.equal(second.id, first.id)
  })

  test('of a call that was refused rejects', async () => {
    await using s = fresh({ maxQueued: 1 })
    const count = s.queue.task('count', async function* (n: number) {
      yield n
    })
    await count(1).enqueued
    assert.equal((await rejection(all(count(2).stream()))).code, 'ERR_MILLRACE_QUEUE_FULL')
  })

  test('a task that failed and is retried by hand yields anew', async () => {
    await using s = fresh()
    let isGood = false
    const count = s.queue.task('count', async function* (n: number) {
      for (let i = 1; i <= n; i++) yield i
      if (!isGood) throw new Error('bad')
    })
    await s.work()
    const handle = count(3)
    await rejection(handle.get())
    isGood = true
    assert.equal(await s.queue.retry(handle.id), 'retried')
    assert.deepEqual(await all(s.queue.handle(handle.id).stream()), [1, 2, 3])
    assert.equal(await s.queue.remove(handle.id), 'removed')
    assert.equal((await rejection(all(s.queue.handle(handle.id).stream()))).code, 'ERR_MILLRACE_TASK_LOST')
  })
})
