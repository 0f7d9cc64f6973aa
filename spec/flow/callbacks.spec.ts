/** Callbacks and `after`, from the caller's side: tasks that are made with another, or wait for others. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  type DependencyError,
  OptionError,
  Queue,
  type QueueOptions,
  type TaskFailure,
  UnknownParentError,
} from '../../lib/index.ts'
import { rejection } from '../support/fresh.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

let redis: TestRedis
let count = 0
before(async () => {
  redis = await startRedis()
})
after(() => redis.stop())

const MINUTE = 60_000

for (const inline of [false, true]) {
  function stage(options: QueueOptions = {}) {
    count += 1
    const name = `q${count}`
    const where = inline ? { inline } : { redis: redis.url }
    const queue = new Queue(name, { ...where, ...options })
    const errors: Error[] = []
    queue.on('error', (error) => errors.push(error))
    const told: unknown[] = []
    const tell = queue.task('tell', (...what: unknown[]) => {
      told.push(what)
      return what.length
    })
    const double = queue.task('double', (n: number) => {
      if (n < 0) throw Object.assign(new RangeError(`${n} is less than nothing`), { code: 'E_LESS' })
      return 2 * n
    })
    const work = async (): Promise<void> => {
      if (inline) return
      const worker = queue.worker({ concurrency: 5, lease: 5_000 })
      const ready = new Promise((resolve) => worker.once('ready', resolve))
      void worker.run()
      await ready
    }
    const hears = (times: number): Promise<unknown> =>
      until(`${times} to be told`, () => told.length >= times)
    return { queue, errors, told, tell, double, work, hears, [Symbol.asyncDispose]: () => queue.close() }
  }

  describe(inline ? 'callbacks, inline' : 'callbacks', () => {
    test('onSuccess: made with the call, begun by its success, with its result where that is asked for', async () => {
      await using s = stage()
      await s.work()
      const call = s.double.with({
        onSuccess: [s.tell.prepare('fixed'), { call: s.tell.prepare('and'), withResult: true }],
        onFailure: s.tell.prepare('never'),
      })
      assert.equal(await call(4).get(), 8)
      await s.hears(2)
      assert.deepEqual(
        new Set(s.told.map((what) => JSON.stringify(what))),
        new Set(['["fixed"]', '[8,"and"]']),
      )
    })

    test('onFailure: when it has failed for good, with name, message, code and state of its error', async () => {
      await using s = stage()
      await s.work()
      const call = s.double.with({
        onSuccess: s.tell.prepare('never'),
        onFailure: { call: s.tell.prepare('because'), withError: true },
        retries: 1,
        backoff: 1,
      })
      await rejection(call(-1).get())
      await s.hears(1)
      const [[failure, why]] = s.told as [[TaskFailure, string]]
      assert.equal(why, 'because')
      assert.deepEqual(
        [failure.name, failure.message, failure.code, failure.state],
        ['RangeError', '-1 is less than nothing', 'E_LESS', 'failed'],
      )
      assert.equal((await s.queue.counts()).ended.cancelled, 0, 'the other callback is not counted')
    })

    test('a callback may have callbacks', async () => {
      await using s = stage()
      await s.work()
      const last = s.tell.with({ onSuccess: s.tell.prepare('last') })
      const middle = s.double.with({ onFailure: { call: last.prepare(), withError: true } })
      await s.double
        .with({ onSuccess: middle.prepare(-3) })(1)
        .get()
      await s.hears(2)
      const [[failure], second] = s.told as [[TaskFailure], unknown]
      assert.equal(failure.message, '-3 is less than nothing')
      assert.deepEqual(second, ['last'])
    })

    test('of a definition they are made with each call, also of many and of prepared ones', async () => {
      await using s = stage()
      await s.work()
      const task = s.queue.task('task', (n: number) => n, {
        onSuccess: { call: s.tell.prepare(), withResult: true },
      })
      task(1)
      task.many([[2], [3]])
      await s.queue.enqueueMany([task.prepare(4)])
      await s.hears(4)
      assert.deepEqual(s.told.flat().sort(), [1, 2, 3, 4])
    })

    test('in a transaction they are part of it', async () => {
      await using s = stage()
      await s.work()
      const call = s.double.with({ onSuccess: s.tell.prepare('told') })
      await rejection(
        s.queue.transaction(async () => {
          call(1)
          throw new Error('no')
        }),
      )
      const handle = await s.queue.transaction(() => call(2))
      assert.equal(await handle.get(), 4)
      await s.hears(1)
      assert.deepEqual(s.told, [['told']])
    })

    test('where the call joins a live task, they follow that one', async () => {
      await using s = stage()
      const keyed = s.double.with({ key: 'k', delay: 300 })
      await keyed(1).enqueued
      const second = keyed.with({ onSuccess: { call: s.tell.prepare(), withResult: true } })(2)
      await second.enqueued
      assert.equal(second.joined, true)
      await s.work()
      assert.equal(await second.get(), 2)
      await s.hears(1)
      assert.deepEqual(s.told, [[2]])
    })

    test('where there is no room for all of it, none of it is accepted', async () => {
      await using s = stage({ maxQueued: 1 })
      const handle = s.double.with({ delay: MINUTE, onSuccess: s.tell.prepare('told') })(1)
      assert.equal((await rejection(handle.enqueued)).code, 'ERR_MILLRACE_QUEUE_FULL')
      assert.equal((await s.queue.counts()).scheduled, 0)
      assert.deepEqual(s.errors, [])
    })

    test('bad input', async () => {
      await using s = stage()
      await using t = stage(inline ? {} : { namespace: 'apart' })
      const bad = (options: object, message: RegExp): void => {
        assert.throws(
          () => s.double.with(options),
          (error) => error instanceof OptionError && message.test(error.message),
        )
      }
      bad({ onSuccess: s.tell }, /onSuccess must be made by task\.prepare/)
      bad({ onSuccess: 'tell' }, /onSuccess must be made by task\.prepare.*\(given: "tell"\)/)
      bad({ onFailure: [{ call: 5, withError: true }] }, /onFailure must be made by/)
      bad({ onFailure: { call: s.tell.prepare(), withResult: true } }, /unknown part "withResult"/)
      bad({ onSuccess: { call: s.tell.prepare(), withResult: 'yes' } }, /withResult must be true or false/)
      bad({ onSuccess: { call: s.tell.prepare() } }, /withResult must be true or false/)
      bad(
        { onSuccess: t.tell.prepare() },
        /"tell" is of (another queue|queue "q\d+" on another Redis or namespace)/,
      )
      bad({ onSuccess: s.tell.with({ after: 'x' }).prepare() }, /"tell" comes after other tasks already/)
    })
  })

  describe(inline ? 'after, inline' : 'after', () => {
    test('begins when all of them have succeeded: handles or ids, also those that are just being sent', async () => {
      await using s = stage()
      const first = s.double(1)
      const second = s.double.with({ delay: 50 })(2)
      const child = s.tell.with({ after: [first, second, first.id] })('child')
      const grandchild = s.tell.with({ after: child })('grandchild')
      await grandchild.enqueued
      assert.equal((await grandchild.info())?.state, 'waiting')
      await s.work()
      await grandchild.get()
      assert.deepEqual(s.told, [['child'], ['grandchild']])
      assert.ok((await second.info())!.finishedAt! <= (await child.info())!.startedAt!)
      await s.tell
        .with({ after: [first, child.id] })('later')
        .get()
    })

    test('onParentFailure: it fails too, it runs all the same, or it is cancelled', async () => {
      await using s = stage()
      await s.work()
      const bad = s.double(-1)
      const child = (onParentFailure?: 'fail' | 'run' | 'cancel') =>
        s.tell.with({ after: bad, onParentFailure })(onParentFailure)
      const [failed, ran, cancelled] = [child(), child('run'), child('cancel')]
      const error = await rejection(failed.get())
      assert.equal(error.code, 'ERR_MILLRACE_TASK_FAILED')
      const cause = error.cause as DependencyError & { cause: Error }
      assert.equal(cause.code, 'ERR_MILLRACE_DEPENDENCY')
      assert.match(cause.message, new RegExp(`the task ${bad.id} that it waited for failed`))
      assert.equal(cause.cause.message, '-1 is less than nothing')
      assert.equal(await ran.get(), 1)
      assert.equal((await rejection(cancelled.get())).code, 'ERR_MILLRACE_TASK_CANCELLED')
      assert.deepEqual(s.told, [['run']])
    })

    test('of a task that nobody knows: UnknownParentError, and the call is not accepted', async () => {
      await using s = stage()
      const handle = s.tell.with({ after: 'nobody' })()
      const error = await rejection(handle.enqueued)
      assert.ok(error instanceof UnknownParentError)
      assert.equal(error.parentId, 'nobody')
      assert.ok((await rejection(handle.get())) instanceof UnknownParentError)
      const other = s.double(1)
      await rejection(
        s.queue.transaction(async () => {
          s.double.with({ delay: MINUTE })(1)
          s.tell.with({ after: [other, 'nobody'] })()
        }),
      )
      assert.equal((await s.queue.counts()).scheduled, 0)
      assert.deepEqual(s.errors, [])
    })

    test('of a call that joined another task: it waits for that one', async () => {
      await using s = stage()
      const keyed = s.double.with({ key: 'k', delay: 100 })
      const live = keyed(1)
      const joined = keyed(2)
      const child = s.tell.with({ after: joined })('child')
      await child.enqueued
      assert.deepEqual((await child.info())?.after, [live.id])
      await s.work()
      await child.get()
    })

    test('of a call that a transaction still holds back: it waits until that is sent', async () => {
      await using s = stage()
      await s.work()
      let parent = s.double(0)
      let child = parent as ReturnType<typeof s.tell>
      let isAccepted = false
      await s.queue.transaction(async () => {
        parent = s.double(1)
        child = s.tell.with({ after: parent, transaction: false })('child')
        // Redis has been asked, and knows nothing of the parent.
        for (let i = 0; i < 5; i++) await s.queue.getTask(child.id)
        void child.enqueued.then(() => {
          isAccepted = true
        })
        await s.queue.getTask(child.id)
        assert.equal(isAccepted, false)
      })
      await child.get()
      assert.deepEqual((await child.info())?.after, [parent.id])
    })

    test('of a call of a transaction that is dropped: it is refused', async () => {
      await using s = stage()
      let child = s.tell()
      await rejection(
        s.queue.transaction(async () => {
          child = s.tell.with({ after: s.double(1), transaction: false })('child')
          child.enqueued.catch(() => {})
          throw new Error('no')
        }),
      )
      assert.ok((await rejection(child.enqueued)) instanceof UnknownParentError)
    })

    test('bad input', async () => {
      await using s = stage()
      await using t = stage(inline ? {} : { namespace: 'apart' })
      const far = t.double(1)
      for (const [given, message] of [
        [5, /after must be a handle or an id \(given: 5\)/],
        [[s.double(1), null], /after: item 1 must be a handle or an id \(given: null\)/],
        [[''], /task id must be 1 to 128 characters/],
        [far, /after: task \S{22} is of (another queue|queue "q\d+" on another)/],
        [s.double.prepare(1), /after must be a handle/],
      ] as const) {
        assert.throws(
          () => s.tell.with({ after: given as never }),
          (error) => error instanceof OptionError && message.test(error.message),
        )
      }
      assert.throws(
        () => s.tell.with({ onParentFailure: 'ignore' as never }),
        /must be one of fail, run, cancel/,
      )
      await s.tell.with({ after: [] })().enqueued
    })
  })
}
