/** Transactions: what is called inside is accepted all or none, in Redis and on an inline queue. */

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  EnqueueError,
  OptionError,
  Queue,
  QueueClosedError,
  QueueFullError,
  type QueueOptions,
  type TaskHandle,
  TransactionAbortedError,
  TransactionTooLargeError,
} from '../../lib/index.ts'
import { gate, rejection } from '../support/fresh.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

let redis: TestRedis
let count = 0
before(async () => {
  redis = await startRedis()
})
after(() => redis.stop())

const MINUTE = 60_000

for (const inline of [false, true]) {
  /** A queue, what it said that nobody awaited, and a task whose calls stay where they are. */
  function stage(options: QueueOptions = {}) {
    count += 1
    const where = inline ? { inline } : { redis: redis.url }
    const queue = new Queue(`q${count}`, { ...where, ...options })
    const errors: Error[] = []
    queue.on('error', (error) => errors.push(error))
    const echo = queue.task('echo', (n: number) => n)
    const later = echo.with({ delay: MINUTE })
    const waiting = async (): Promise<number> => (await queue.counts()).scheduled
    const work = async (): Promise<void> => {
      if (inline) return
      const worker = queue.worker({ concurrency: 5, lease: 5_000 })
      const ready = new Promise((resolve) => worker.once('ready', resolve))
      void worker.run()
      await ready
    }
    const dispose = (): Promise<void> => queue.close()
    return { queue, errors, echo, later, waiting, work, [Symbol.asyncDispose]: dispose }
  }

  describe(inline ? 'inline' : 'in Redis', () => {
    test('what is called inside is accepted when the function has returned, and not before', async () => {
      await using s = stage()
      const value = await s.queue.transaction(async () => {
        s.later(1)
        await delay(1)
        const nested = async (): Promise<void> => void s.later(2)
        await nested()
        s.later.many([[3], [4]])
        await s.queue.enqueueMany([s.later.prepare(5)])
        await s.queue.getTask('none')
        assert.equal(await s.waiting(), 0)
        return 'value'
      })
      assert.equal(value, 'value')
      assert.equal(await s.waiting(), 5)
      assert.equal(await s.queue.transaction(() => 5), 5)
    })

    test('a handle made inside gives the result, also to who asked for it before the end', async () => {
      await using s = stage()
      await s.work()
      const { passed, open } = gate()
      const { passed: called, open: isCalled } = gate<TaskHandle<number>>()
      const done = s.queue.transaction(async () => {
        isCalled(s.echo(7))
        await passed
        return s.echo(8)
      })
      const first = await called
      const early = [first.get(), first.enqueued]
      open()
      const second = await done
      assert.deepEqual(await Promise.all(early), [7, undefined])
      assert.equal(await second.get(), 8)
    })

    test('when it throws, nothing is sent and its handles say why', async () => {
      await using s = stage()
      const thrown = new RangeError('no')
      const handles: TaskHandle<number>[] = []
      const done = s.queue.transaction(async () => {
        handles.push(s.later(1), ...s.later.many([[2]]))
        await delay(1)
        throw thrown
      })
      assert.equal(await rejection(done), thrown)
      for (const handle of handles) {
        const error = await rejection(handle.enqueued)
        assert.ok(error instanceof TransactionAbortedError)
        assert.deepEqual([error.code, error.cause], ['ERR_MILLRACE_TRANSACTION_ABORTED', thrown])
        assert.match(error.message, /^the transaction was aborted: no$/)
        assert.ok((await rejection(handle.get())) instanceof TransactionAbortedError)
      }
      assert.equal(await s.waiting(), 0)
      assert.deepEqual(s.errors, [], 'the transaction has told of it')
    })

    test('what would wait for itself is refused at once', async () => {
      await using s = stage()
      const { signal } = new AbortController()
      await s.queue.transaction(async () => {
        const handle = s.later(1)
        const waits = [
          handle.enqueued,
          handle.get(),
          handle.get({ timeout: MINUTE, signal }),
          handle.cancel(),
          handle.progress().next(),
          s.later.with({ key: 'k' }).ensure(1),
        ].map((wait) => rejection(wait))
        for (const error of await Promise.all(waits)) assert.ok(error instanceof OptionError)
        assert.equal(getEventListeners(signal, 'abort').length, 0, 'nothing is left of a wait')
        assert.match(
          (await rejection(handle.get())).message,
          /its transaction sends the call when its function/,
        )
        await s.later.with({ transaction: false })(2).enqueued
        await s.later.with({ key: 'k', transaction: false }).ensure(3)
      })
      assert.equal(await s.waiting(), 3)
    })

    test('a call can opt out: it is sent at once, and stays when the rest is dropped', async () => {
      await using s = stage()
      const alone = s.later.with({ transaction: false })
      const thrown = new Error('no')
      const done = s.queue.transaction(async () => {
        s.later(1)
        await alone(2).enqueued
        await s.queue.enqueueMany([alone.prepare(3)])
        throw thrown
      })
      assert.equal(await rejection(done), thrown)
      assert.equal(await s.waiting(), 2)
      const queue = s.queue.task('audit', () => {}, { transaction: false, delay: MINUTE })
      await s.queue.transaction(() => queue().enqueued)
      assert.equal(await s.waiting(), 3)
    })

    test('one inside of another is a part of it', async () => {
      await using s = stage()
      const done = s.queue.transaction(async () => {
        s.later(1)
        const inner = await s.queue.transaction(async () => s.later(2))
        assert.ok((await rejection(inner.enqueued)) instanceof OptionError, 'it waits for the outer one')
        assert.equal(await s.waiting(), 0)
        throw new Error('no')
      })
      await rejection(done)
      assert.equal(await s.waiting(), 0)
      await s.queue.transaction(async () => {
        s.later(1)
        await s.queue.transaction(async () => {
          s.later(2)
          await s.queue.transaction(() => s.later(3))
        })
      })
      assert.equal(await s.waiting(), 3)
    })

    test('one inside that throws drops its own calls; the outer one decides about the rest', async () => {
      await using s = stage()
      const kept = await s.queue.transaction(async () => {
        const before = s.later(1)
        let dropped = before
        const error = await rejection(
          s.queue.transaction(async () => {
            dropped = await s.queue.transaction(() => s.later(2))
            throw new Error('inner')
          }),
        )
        assert.equal(error.message, 'inner')
        assert.ok((await rejection(dropped.enqueued)) instanceof TransactionAbortedError)
        return before
      })
      await kept.enqueued
      assert.equal(await s.waiting(), 1)
    })

    test('a call that comes when it has ended throws', async () => {
      await using s = stage()
      const { passed, open } = gate()
      const late: Promise<Error>[] = []
      const call = (): void => {
        late.push(rejection(passed.then(() => s.later(1))))
        late.push(rejection(passed.then(() => s.queue.transaction(() => s.later(1)))))
      }
      await s.queue.transaction(async () => call())
      await rejection(
        s.queue.transaction(async () => {
          call()
          throw new Error('no')
        }),
      )
      open()
      const errors = await Promise.all(late)
      assert.match(errors[0]!.message, /has ended: await in its function what that begins/)
      assert.deepEqual(
        errors.map((error) => error.constructor),
        [OptionError, OptionError, TransactionAbortedError, TransactionAbortedError],
      )
      assert.equal(await s.waiting(), 0)
    })

    test('one inside that is still open when the outer one ends is dropped with it', async () => {
      await using s = stage()
      const { passed, open } = gate()
      for (const end of ['returns', 'throws']) {
        let inner: Promise<unknown> | undefined
        let handle = s.later(0)
        await handle.enqueued
        const done = s.queue.transaction(async () => {
          inner = s.queue.transaction(async () => {
            handle = s.later(1)
            await passed
          })
          inner.catch(() => {})
          if (end === 'throws') throw new Error('no')
        })
        await done.catch(() => {})
        assert.ok((await rejection(handle.enqueued)) instanceof TransactionAbortedError)
        open()
        await rejection(inner!)
      }
      assert.equal(await s.waiting(), 2)
    })

    test('where there is no room for all of them, none is accepted', async () => {
      await using s = stage({ maxQueued: 3 })
      await s.later(1).enqueued
      const handles: TaskHandle<number>[] = []
      const error = await rejection(
        s.queue.transaction(async () => handles.push(...s.later.many([[2], [3], [4]]))),
      )
      assert.ok(error instanceof QueueFullError)
      assert.equal(await s.waiting(), 1)
      for (const handle of handles) assert.ok((await rejection(handle.get())) instanceof QueueFullError)
      assert.deepEqual(s.errors, [])
      await s.queue.transaction(async () => s.later.many([[2], [3]]))
      assert.equal(await s.waiting(), 3)
    })

    test("onFull: 'wait': all of them wait for room", async () => {
      await using s = stage({ maxQueued: 2, onFull: 'wait' })
      const held = [s.later(1), s.later(2)]
      await Promise.all(held.map(({ enqueued }) => enqueued))
      let isDone = false
      const done = s.queue
        .transaction(async () => s.later.many([[3], [4]]))
        .then((handles) => {
          isDone = true
          return handles
        })
      await held[0]!.cancel()
      // Some tries: there is room for one of them.
      for (let i = 0; i < 3; i++) await delay(60)
      assert.equal(isDone, false)
      assert.equal(await s.waiting(), 1)
      await held[1]!.cancel()
      for (const handle of await done) await handle.enqueued
      assert.equal(await s.waiting(), 2)
    })

    test('a call that joins a live task needs no room, and is joined to it', async () => {
      await using s = stage({ maxQueued: 1 })
      const keyed = s.later.with({ key: 'k' })
      const live = keyed(1)
      await live.enqueued
      const handle = await s.queue.transaction(() => keyed(2))
      assert.deepEqual([handle.joined, handle.id], [true, live.id])
      const all = await s.queue.transaction(() => keyed.many(Array.from({ length: 4_500 }, (_, n) => [n])))
      assert.ok(all.every((one) => one.id === live.id))
    })

    test('it is bounded in calls and in bytes, and says so at the call that is one too many', async () => {
      await using s = stage({ maxPayload: 20 * 1024 * 1024 })
      const error = await rejection(
        s.queue.transaction(async () => {
          s.later.many(Array.from({ length: 10_000 }, (_, n) => [n]))
          assert.throws(() => s.later(1), TransactionTooLargeError)
          throw new Error('thrown')
        }),
      )
      assert.equal(error.message, 'thrown')
      const keep = s.queue.task('keep', (_: Buffer) => {}, { delay: MINUTE })
      const block = Buffer.alloc(17 * 1024 * 1024)
      const large = await rejection(s.queue.transaction(async () => keep.many([[block], [block]])))
      assert.ok(large instanceof TransactionTooLargeError)
      assert.match(large.message, /at most 10000 calls and 33554432 bytes, packed \(with this: 2 calls, 356/)
      assert.equal(await s.waiting(), 0)
    })

    test("with others: 'each' calls of another queue are accepted for themselves", async () => {
      await using s = stage()
      await using t = stage({ maxQueued: 1 })
      const each = { others: 'each' } as const
      await s.queue.transaction(async () => [s.later(1), await t.queue.transaction(() => t.later(1))], each)
      assert.deepEqual([await s.waiting(), await t.waiting()], [1, 1])
      // The other one alone refuses.
      const full = rejection(s.queue.transaction(() => [s.later(2), t.later(2)], each))
      assert.ok((await full) instanceof QueueFullError)
      assert.deepEqual([await s.waiting(), await t.waiting()], [2, 1])
      // Its own queue is asked first: when that refuses, the other hears of nothing.
      let other = s.later(2)
      const done = t.queue.transaction(async () => {
        other = s.later(3)
        t.later(2)
      }, each)
      assert.ok((await rejection(done)) instanceof QueueFullError)
      assert.ok((await rejection(other.enqueued)) instanceof TransactionAbortedError)
      assert.deepEqual([await s.waiting(), await t.waiting()], [3, 1])
    })

    test('of a queue that is closed meanwhile nothing is sent', async () => {
      const s = stage()
      let handle = s.later(0)
      await handle.enqueued
      const done = s.queue.transaction(async () => {
        handle = s.later(1)
        await s.queue.close()
      })
      assert.ok((await rejection(done)) instanceof QueueClosedError)
      assert.ok((await rejection(handle.enqueued)) instanceof TransactionAbortedError)
      assert.ok((await rejection(s.queue.transaction(() => {}))) instanceof QueueClosedError)
    })

    test('bad input', async () => {
      await using s = stage()
      for (const run of [undefined, 5, {}] as never[]) {
        assert.ok((await rejection(s.queue.transaction(run))) instanceof OptionError)
      }
      const run = (): void => {}
      await assert.rejects(
        s.queue.transaction(run, { others: 'all' as never }),
        /others must be one of together, each/,
      )
      await assert.rejects(s.queue.transaction(run, { other: 'each' } as never), /unknown option "other"/)
      assert.throws(() => s.echo.with({ transaction: 'no' as never }), /transaction must be true or false/)
    })
  })
}

test('a transaction of as many calls as it takes', async () => {
  await using queue = new Queue('large', { redis: redis.url })
  const echo = queue.remote<(n: number) => number>('echo')
  await queue.transaction(async () => echo.many(Array.from({ length: 10_000 }, (_, n) => [n])))
  assert.equal((await queue.counts()).queued, 10_000)
})

test('where Redis is not reached, the transaction and its handles say so', async () => {
  await using queue = new Queue('away', { redis: 'redis://127.0.0.1:1', enqueueTimeout: 200 })
  const errors: Error[] = []
  queue.on('error', (error) => errors.push(error))
  const echo = queue.remote<(n: number) => number>('echo')
  let handle: TaskHandle<number> | undefined
  const error = await rejection(
    queue.transaction(async () => {
      handle = echo(1)
    }),
  )
  assert.ok(error instanceof EnqueueError)
  assert.equal(error.accepted, false)
  assert.equal(await rejection(handle!.enqueued), error)
  assert.ok(!errors.includes(error))
})

test('what an error listener calls is no part of the transaction in which the error came up', async () => {
  await using queue = new Queue('listener', { redis: redis.url, maxQueued: 1 })
  const log = queue.remote<() => void>('log')
  const heard: Promise<void>[] = []
  queue.once('error', () => heard.push(log.with({ key: 'first' })().enqueued))
  const first = log.with({ key: 'first' })()
  await first.enqueued
  await queue.transaction(async () => {
    log.with({ transaction: false })()
    await delay(50)
    while (heard.length === 0) await delay(5)
  })
  await Promise.all(heard)
  assert.equal(heard.length, 1)
})
