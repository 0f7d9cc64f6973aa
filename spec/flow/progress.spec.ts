/** Callbacks of progress, from the caller's side: calls that are made whenever a task reports, two of each alive at most. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { chain, currentTask, EnqueueError, OptionError, Queue, type QueueOptions } from '../../lib/index.ts'
import { gate, rejection } from '../support/fresh.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

let redis: TestRedis
let count = 0
before(async () => {
  redis = await startRedis()
})
after(() => redis.stop())

for (const inline of [false, true]) {
  function stage(options: QueueOptions = {}) {
    count += 1
    const where = inline ? { inline } : { redis: redis.url }
    const queue = new Queue(`p${count}`, { ...where, ...options })
    const errors: Error[] = []
    queue.on('error', (error) => errors.push(error))
    const told: unknown[] = []
    const hears = (times: number): Promise<unknown> =>
      until(`${times} to be told`, () => told.length >= times)
    const tell = queue.task('tell', (...what: unknown[]) => {
      told.push(what)
    })
    /** Reports these values, each when the one before it was heard of. */
    const say = queue.task('say', async (...values: unknown[]) => {
      for (const value of values) {
        const heard = told.length
        await queue.updateProgress(value)
        await hears(heard + 1)
      }
      return values.length
    })
    const work = async (): Promise<void> => {
      if (inline) return
      const worker = queue.worker({ concurrency: 5, lease: 5_000 })
      const ready = new Promise((resolve) => worker.once('ready', resolve))
      void worker.run()
      await ready
    }
    /** State of the `n`th task that was made for the first callback of that one. */
    const made = async (id: string, n: number) => (await queue.getTask(`${id}.0.${n}`))?.state
    return { queue, errors, told, hears, tell, say, work, made, [Symbol.asyncDispose]: () => queue.close() }
  }

  describe(inline ? 'callbacks of progress, inline' : 'callbacks of progress', () => {
    test('each report is heard of, with its value where that is asked for', async () => {
      await using s = stage()
      await s.work()
      const call = s.say.with({ onProgress: { call: s.tell.prepare('own'), withProgress: true } })
      assert.equal(await call(1, { half: 2n }, undefined, 'end').get(), 4)
      assert.deepEqual(s.told, [
        [1, 'own'],
        [{ half: 2n }, 'own'],
        [undefined, 'own'],
        ['end', 'own'],
      ])
      const fixed = s.say.with({ onProgress: s.tell.prepare('as it is') })
      await fixed(5).get()
      assert.deepEqual(s.told.slice(4), [['as it is']])
    })

    test('several of them, of a definition, and of calls that are made in other ways', async () => {
      await using s = stage()
      await s.work()
      const other = s.queue.task('other', (value: number) => {
        s.told.push(`other ${value}`)
      })
      const task = s.queue.task(
        'task',
        async (n: number) => {
          await s.queue.updateProgress(n)
          await s.hears(2 * n)
          return n
        },
        {
          onProgress: [
            { call: s.tell.prepare(), withProgress: true },
            { call: other.prepare(), withProgress: true },
          ],
        },
      )
      await task(1).get()
      await (await s.queue.transaction(() => task(2))).get()
      await (await s.queue.enqueueMany([task.prepare(3)]))[0]!.handle.get()
      const flow = chain(task.prepare(4), s.queue.task('next', (n: number) => n + 1).prepare()).start()
      assert.equal(await flow.get(), 5)
      assert.equal(flow.handles.length, 2, 'what hears is no part of the flow')
      assert.deepEqual(
        new Set(s.told.map(String)),
        new Set(['1', '2', '3', '4', 'other 1', 'other 2', 'other 3', 'other 4']),
      )
      assert.deepEqual(s.errors, [])
    })

    test('a callback of success may have one of its own', async () => {
      await using s = stage()
      await s.work()
      const second = s.say.with({ onProgress: { call: s.tell.prepare(), withProgress: true } })
      await s.say
        .with({ onSuccess: second.prepare('second') })()
        .get()
      await s.hears(1)
      assert.deepEqual(s.told, [['second']])
    })

    test('a thousand reports while the callback is slow leave two of it, and the second brings the last', async () => {
      await using s = stage()
      await s.work()
      const isOpen = gate()
      const slow = s.queue.task('slow', async (value: number) => {
        s.told.push(value)
        await isOpen.passed
      })
      const task = s.queue.task('task', async () => {
        await s.queue.updateProgress(1)
        await s.hears(1)
        for (let i = 2; i <= 1_000; i++) await s.queue.updateProgress(i)
      })
      const handle = task.with({ onProgress: { call: slow.prepare(), withProgress: true } })()
      await handle.get()
      const states = await Promise.all([1, 2, 3].map((n) => s.made(handle.id, n)))
      assert.deepEqual(states, ['running', 'waiting', undefined])
      isOpen.open()
      await s.hears(2)
      await until('it to end', async () => (await s.made(handle.id, 2)) === 'succeeded')
      assert.deepEqual(s.told, [1, 1_000])
    })

    test('one that is put off brings the last value, once', async () => {
      await using s = stage()
      const later = s.tell.with({ delay: 60_000 })
      const task = s.queue.task('task', async () => {
        for (let i = 1; i <= 50; i++) await s.queue.updateProgress(i)
      })
      await s.work()
      const handle = task.with({ onProgress: { call: later.prepare(), withProgress: true } })()
      await handle.get()
      assert.deepEqual([await s.made(handle.id, 1), await s.made(handle.id, 2)], ['scheduled', undefined])
    })

    test('the last report is heard of though its handler does not wait for it, also the first time of all', async () => {
      await using s = stage()
      await s.work()
      const task = s.queue.task('task', () => {
        void s.queue.updateProgress('last')
      })
      await task
        .with({ onProgress: { call: s.tell.prepare(), withProgress: true } })()
        .get()
      await s.hears(1)
      assert.deepEqual(s.told, [['last']])
    })

    test('another attempt goes on reporting, and so does a task that is run again', async () => {
      await using s = stage()
      await s.work()
      let fails = true
      const task = s.queue.task(
        'task',
        async () => {
          const { attempt } = currentTask()
          const heard = s.told.length
          await s.queue.updateProgress(`attempt ${attempt}`)
          await s.hears(heard + 1)
          if (fails) throw new Error('not yet')
        },
        { retries: 1, backoff: 1 },
      )
      const handle = task.with({ onProgress: { call: s.tell.prepare(), withProgress: true } })()
      await rejection(handle.get())
      fails = false
      assert.equal(await s.queue.retry(handle.id), 'retried')
      await s.queue.handle(handle.id).get()
      assert.deepEqual(s.told, [['attempt 1'], ['attempt 2'], ['attempt 1']])
    })

    test('a callback that failed waits for its next attempt with the newest value', async () => {
      await using s = stage()
      await s.work()
      const shaky = s.queue.task('shaky', () => {
        throw new Error('no')
      })
      const callback = shaky.with({ retries: 1, backoff: 60_000 }).prepare()
      const task = s.queue.task('task', async () => {
        await s.queue.updateProgress(1)
        await until('it to have failed', async () => (await s.made(currentTask().id, 1)) === 'scheduled')
        await s.queue.updateProgress(2)
        await s.queue.updateProgress(3)
      })
      const handle = task.with({ onProgress: { call: callback, withProgress: true } })()
      await handle.get()
      assert.deepEqual([await s.made(handle.id, 1), await s.made(handle.id, 2)], ['scheduled', undefined])
    })

    test('a call that joins a task which runs brings its callbacks to that one, each once', async () => {
      await using s = stage()
      await s.work()
      const isOpen = gate()
      const task = s.queue.task(
        'task',
        async () => {
          await isOpen.passed
          await s.queue.updateProgress('first')
          await s.queue.updateProgress('last')
        },
        { key: 'k' },
      )
      const handle = task()
      await until('it to run', async () => (await handle.info())?.state === 'running')
      const joining = task.with({ onProgress: { call: s.tell.prepare('joined'), withProgress: true } })
      const others = [joining(), joining(), joining()]
      await Promise.all(others.map(({ enqueued }) => enqueued))
      assert.ok(others.every(({ joined }) => joined))
      isOpen.open()
      await handle.get()
      await until('the last to be told', () => s.told.some((what) => (what as unknown[])[0] === 'last'))
      assert.equal(await s.queue.getTask(`${handle.id}.1.1`), null, 'it is there once')
    })

    test('a call that would bring more than a hundred to a task is refused, alone or with others', async () => {
      await using s = stage()
      const keyed = s.say.with({ key: 'k', delay: 60_000 })
      const each = (from: number, to: number) =>
        Array.from({ length: to - from }, (_, i) => s.tell.prepare(from + i))
      await keyed.with({ onProgress: each(0, 100) })().enqueued
      await keyed.with({ onProgress: each(50, 100) })().enqueued
      const alone = keyed.with({ onProgress: each(100, 101) })()
      const error = (await rejection(alone.enqueued)) as EnqueueError
      assert.ok(error instanceof EnqueueError)
      assert.match(error.message, /^100 calls hear of the progress of task \S{22} already/)
      assert.equal(error.accepted, false)
      await rejection(
        s.queue.transaction(() => {
          s.say.with({ delay: 60_000 })()
          keyed.with({ onProgress: each(100, 101) })()
        }),
      )
      assert.equal((await s.queue.counts()).scheduled, 1)
      assert.deepEqual(s.errors, [])
    })

    test('bad input', async () => {
      await using s = stage()
      await using t = stage()
      const bad = (onProgress: unknown, message: RegExp): void => {
        assert.throws(
          () => s.say.with({ onProgress: onProgress as never }),
          (error) => error instanceof OptionError && message.test(error.message),
        )
      }
      bad(s.tell, /onProgress must be made by task\.prepare/)
      bad('tell', /onProgress must be made by task\.prepare.*withProgress: true.*\(given: "tell"\)/)
      bad([{ call: 5, withProgress: true }], /onProgress must be made by/)
      bad({ call: {}, withProgress: true }, /onProgress must be made by/)
      bad(
        { call: s.tell.prepare(), withResult: true },
        /unknown part "withResult" \(known: call, withProgress\)/,
      )
      bad({ call: s.tell.prepare() }, /withProgress must be true or false/)
      bad(t.tell.prepare(), /"tell" is of another queue/)
      bad(s.tell.with({ after: 'x' }).prepare(), /"tell" comes after other tasks already/)
      bad(s.tell.with({ key: 'k' }).prepare(), /"tell" has a key, which a callback of progress cannot have/)
      bad(s.tell.with({ unique: true }).prepare(), /"tell" has a key/)
      const own = /"tell" has callbacks of its own, which a callback of progress cannot have/
      bad(s.tell.with({ onSuccess: s.tell.prepare() }).prepare(), own)
      bad(s.tell.with({ onProgress: s.tell.prepare() }).prepare(), own)
      bad(
        Array.from({ length: 101 }, (_, i) => s.tell.prepare(i)),
        /onProgress takes at most 100 calls \(given: 101\)/,
      )
      const scheduled = s.say.with({ onProgress: s.tell.prepare() }).prepare()
      assert.match(
        (await rejection(s.queue.schedule('daily', { every: 60_000 }, scheduled))).message,
        /the call of a schedule has no callbacks/,
      )
    })
  })
}

test('at maxmemory progress is recorded, and no call is made of it; later ones are', async () => {
  await using own = await startRedis()
  await using queue = new Queue('full', { redis: own.url })
  queue.on('error', () => {})
  const told: unknown[] = []
  const tell = queue.task('tell', (value: unknown) => {
    told.push(value)
  })
  const isFull = gate()
  const hasRoom = gate()
  const task = queue.task('task', async () => {
    await isFull.passed
    await queue.updateProgress('while it is full')
    await hasRoom.passed
    await queue.updateProgress('later')
  })
  const worker = queue.worker({ concurrency: 2 })
  void worker.run()
  const handle = task.with({ onProgress: { call: tell.prepare(), withProgress: true } })()
  await until('it to run', async () => (await handle.info())?.state === 'running')
  await own.client.config('SET', 'maxmemory', '1')
  isFull.open()
  await until('its progress', async () => (await handle.info())?.progress === 'while it is full')
  assert.equal(await queue.getTask(`${handle.id}.0.1`), null)
  await own.client.config('SET', 'maxmemory', '0')
  hasRoom.open()
  await handle.get()
  await until('the later one to be told', () => told.length > 0)
  assert.deepEqual(told, ['later'])
})
