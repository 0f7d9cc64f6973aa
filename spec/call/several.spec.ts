/** Transactions over several queues: accepted all or none, in Redis and on inline queues. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  OptionError,
  Queue,
  QueueClosedError,
  QueueFullError,
  type QueueOptions,
  type TaskHandle,
  TransactionAbortedError,
  UnknownParentError,
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
  /** A queue, and a task whose calls stay where they are. */
  function stage(options: QueueOptions = {}) {
    count += 1
    const where = inline ? { inline } : { redis: redis.url }
    const queue = new Queue(`several${count}`, { ...where, ...options })
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
  type Stage = ReturnType<typeof stage>
  const waiting = (...stages: Stage[]): Promise<number[]> => Promise.all(stages.map((s) => s.waiting()))

  describe(inline ? 'inline' : 'in Redis', () => {
    test('calls of several queues are accepted together, and each gives its result', async () => {
      await using a = stage()
      await using b = stage()
      await using c = stage()
      await Promise.all([a.work(), b.work(), c.work()])
      const handles = await a.queue.transaction(async () => {
        b.later(0)
        await b.queue.getTask('none')
        assert.deepEqual(await waiting(b), [0])
        return [a.echo(1), b.echo(2), c.echo(3), ...c.echo.many([[4], [5]])]
      })
      assert.deepEqual(await Promise.all(handles.map((handle) => handle.get())), [1, 2, 3, 4, 5])
      assert.deepEqual(await waiting(b), [1])
      // Its own queue need not be among them.
      await a.queue.transaction(() => [b.later(1), c.later(2)])
      await a.queue.transaction(() => b.later(3))
      assert.deepEqual(await waiting(a, b, c), [0, 3, 1])
    })

    test('where one queue has no room, none accepts anything, and all hear of that queue', async () => {
      await using a = stage()
      await using b = stage({ maxQueued: 1 })
      const handles: TaskHandle<number>[] = []
      const error = await rejection(
        a.queue.transaction(() => void handles.push(a.later(1), ...b.later.many([[2], [3]]))),
      )
      assert.ok(error instanceof QueueFullError)
      assert.ok(error.message.includes(b.queue.name))
      for (const handle of handles) {
        assert.equal(await rejection(handle.enqueued), error)
        assert.equal(await rejection(handle.get()), error)
      }
      assert.deepEqual(await waiting(a, b), [0, 0])
      assert.deepEqual([...a.errors, ...b.errors], [], 'the transaction has told of it')
      await b.queue.transaction(() => [b.later(1), a.later(2)])
      assert.deepEqual(await waiting(a, b), [1, 1])
      const own = await rejection(b.queue.transaction(() => [a.later(3), b.later(4)]))
      assert.ok(own instanceof QueueFullError)
      assert.deepEqual(await waiting(a, b), [1, 1])
    })

    test('where a call waits for a task that its queue does not know, none is accepted', async () => {
      await using a = stage()
      await using b = stage()
      const known = a.later(0)
      await known.enqueued
      let handle = known
      const error = await rejection(
        a.queue.transaction(() => {
          handle = a.later.with({ after: known })(1)
          b.later.with({ after: 'nobody' })(2)
        }),
      )
      assert.ok(error instanceof UnknownParentError)
      assert.equal(error.parentId, 'nobody')
      assert.equal(await rejection(handle.enqueued), error)
      assert.deepEqual(await waiting(a, b), [1, 0])
    })

    test('when the function throws, nothing was sent to any', async () => {
      await using a = stage()
      await using b = stage()
      const thrown = new Error('no')
      let handle: TaskHandle<number> | undefined
      const done = a.queue.transaction(() => {
        a.later(1)
        handle = b.later(2)
        throw thrown
      })
      assert.equal(await rejection(done), thrown)
      assert.ok((await rejection(handle!.enqueued)) instanceof TransactionAbortedError)
      assert.deepEqual(await waiting(a, b), [0, 0])
    })

    test("one inside of another is a part of it, also of another queue's", async () => {
      await using a = stage()
      await using b = stage({ maxQueued: 1 })
      await a.queue.transaction(async () => {
        await b.queue.transaction(() => [a.later(1), b.later(1)])
        await rejection(
          b.queue.transaction(() => {
            a.later(2)
            throw new Error('its calls alone are dropped')
          }),
        )
      })
      assert.deepEqual(await waiting(a, b), [1, 1])
      const done = a.queue.transaction(async () => {
        a.later(3)
        await b.queue.transaction(() => b.later(4))
      })
      assert.ok((await rejection(done)) instanceof QueueFullError)
      assert.deepEqual(await waiting(a, b), [1, 1])
    })

    test('a call that joins a live task of its queue is joined to it', async () => {
      await using a = stage()
      await using b = stage({ maxQueued: 1 })
      const live = b.later.with({ key: 'k' })(1)
      await live.enqueued
      const [, joined] = await a.queue.transaction(() => [a.later(1), b.later.with({ key: 'k' })(2)])
      assert.deepEqual([joined!.joined, joined!.id], [true, live.id])
      assert.deepEqual(await waiting(a, b), [1, 1])
    })

    test("onFull: 'wait': all of them wait for room in one, and what others call goes on", async () => {
      await using a = stage()
      await using b = stage({ maxQueued: 1, onFull: 'wait' })
      const held = b.later(0)
      await held.enqueued
      let isDone = false
      const done = a.queue
        .transaction(() => [a.later(1), b.later(2)])
        .then(() => {
          isDone = true
        })
      for (let n = 0; n < 3; n++) await a.later(n).enqueued
      assert.equal(isDone, false)
      assert.deepEqual(await waiting(a, b), [3, 1])
      await held.cancel()
      await done
      assert.deepEqual(await waiting(a, b), [4, 1])
      // Whoever closes does not wait.
      const rejected = rejection(a.queue.transaction(() => [a.later(3), b.later(4)]))
      await a.later(5).enqueued
      await a.queue.close()
      assert.ok((await rejected) instanceof QueueFullError)
    })

    test('a call that waits for one that another transaction still holds back is accepted after it', async () => {
      await using a = stage()
      await using b = stage()
      const { passed, open } = gate()
      const { passed: called, open: isCalled } = gate<TaskHandle<number>>()
      const first = a.queue.transaction(async () => {
        b.later(1)
        isCalled(a.later(1))
        await passed
      })
      const parent = await called
      const second = b.queue.transaction(() => [a.later.with({ after: parent })(2), b.later(2)])
      await b.later(3).enqueued
      open()
      const [, [child]] = await Promise.all([first, second])
      assert.equal((await child!.info())?.state, 'waiting')
      assert.deepEqual(await waiting(a, b), [1, 3])
    })

    test('it leaves behind what was called before on each of them', async () => {
      await using a = stage()
      await using b = stage()
      const order: string[] = []
      for (const { queue } of [a, b]) {
        queue.task('note', (what: string) => void order.push(what), { limit: { concurrency: 1 } })
      }
      const [noteA, noteB] = [a, b].map(({ queue }) =>
        queue.remote<(what: string) => void>('note', { limit: { concurrency: 1 } }),
      )
      const handles = ['a1', 'a2'].map((what) => noteA!(what))
      handles.push(noteB!('b1'))
      handles.push(...(await a.queue.transaction(() => [noteA!('a3'), noteB!('b2')])))
      handles.push(noteA!('a4'), noteB!('b3'))
      await Promise.all([a.work(), b.work()])
      await Promise.all(handles.map((handle) => handle.get()))
      const of = (letter: string): string[] => order.filter((what) => what.startsWith(letter))
      assert.deepEqual(
        [of('a'), of('b')],
        [
          ['a1', 'a2', 'a3', 'a4'],
          ['b1', 'b2', 'b3'],
        ],
      )
    })

    test('many at once over the same queues, in any order, beside other calls: none waits for ever', async () => {
      await using a = stage()
      await using b = stage()
      await using c = stage()
      const pick = [
        [a, b],
        [b, a],
        [b, c],
        [c, a, b],
      ]
      const all = Array.from({ length: 60 }, (_, n) => {
        const some = pick[n % pick.length]!
        const alone = some.at(-1)!.later(n).enqueued
        return [alone, some[0]!.queue.transaction(() => some.map((s) => s.later(n)))]
      }).flat()
      await Promise.all(all)
      assert.deepEqual(await waiting(a, b, c), [60, 90, 45])
    })

    test('where one of them is closed meanwhile, nothing is sent', async () => {
      await using a = stage()
      const b = stage()
      const done = a.queue.transaction(async () => {
        a.later(1)
        b.later(2)
        await b.queue.close()
      })
      const error = await rejection(done)
      assert.ok(error instanceof QueueClosedError)
      assert.ok(error.message.includes(b.queue.name))
      assert.deepEqual(await waiting(a), [0])
    })

    test('where one has no room for them in this process, none is sent', async () => {
      await using a = stage()
      await using b = stage({ maxBuffered: 1_000 })
      const error = await rejection(a.queue.transaction(() => [a.later(1), ...b.later.many([[1], [2]])]))
      assert.match(error.message, /maxBuffered/)
      assert.deepEqual(await waiting(a, b), [0, 0])
    })
  })
}

test('two objects of one queue are refused: each could have filled it', async () => {
  await using one = new Queue('twins', { redis: redis.url })
  await using other = new Queue('twins', { redis: redis.url })
  const [call, same] = [one, other].map((queue) => queue.remote<(n: number) => void>('echo'))
  const error = await rejection(one.transaction(() => [call!(1), same!(2)]))
  assert.ok(error instanceof OptionError)
  assert.match(error.message, /two objects of queue "twins"; make its calls with one of them/)
  await rejection(one.transaction(() => [same!(1), call!(2)]))
  assert.equal((await one.counts()).queued, 0)
  await one.transaction(() => [same!(1), same!(2)])
  await one.transaction(() => [same!(1), call!(2)], { others: 'each' })
  assert.equal((await one.counts()).queued, 4)
  await using a = new Queue('twins', { inline: true })
  await using b = new Queue('twins', { inline: true })
  const later = [a, b].map((queue) => queue.remote<(n: number) => void>('echo', { delay: MINUTE }))
  await a.transaction(() => later.map((task) => task(1)))
  assert.equal((await b.counts()).scheduled, 1, 'inline queues of one name have nothing in common')
})
