/** Chains, groups and chords, and the handle on the whole of them, here and in another process. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { z } from 'zod'
import {
  chain,
  chainOf,
  chord,
  type Flow,
  group,
  OptionError,
  PayloadTooLargeError,
  Queue,
  type QueueOptions,
  SchemaError,
  TransactionTooLargeError,
} from '../../lib/index.ts'
import { createTestQueue } from '../../lib/testing.ts'
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
    const name = `q${count}`
    const open = (): Queue => {
      const queue = new Queue(name, { ...(inline ? { inline } : { redis: redis.url }), ...options })
      queue.on('error', (error) => errors.push(error))
      return queue
    }
    const errors: Error[] = []
    const queue = open()
    const add = queue.task('add', (a: number, b: number) => a + b)
    const sum = queue.task('sum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0))
    const text = queue.task('text', (value: unknown) => JSON.stringify(value))
    let isBroken = true
    const brittle = queue.task('brittle', (n: number) => {
      if (isBroken) throw new RangeError('broken')
      return n
    })
    const work = async (): Promise<void> => {
      if (inline) return
      const worker = queue.worker({ concurrency: 10, lease: 5_000 })
      const ready = new Promise((resolve) => worker.once('ready', resolve))
      void worker.run()
      await ready
    }
    const mend = (): void => {
      isBroken = false
    }
    const dispose = (): Promise<void> => queue.close()
    return { queue, errors, add, sum, text, brittle, mend, work, open, [Symbol.asyncDispose]: dispose }
  }

  describe(inline ? 'flows, inline' : 'flows', () => {
    test('a chain hands each result on as the first argument', async () => {
      await using s = stage()
      await s.work()
      const flow = chain(s.add.prepare(1, 2), s.add.prepare(10), s.text.prepare())
      assert.equal(await flow.start().get(), '13')
      // A plan may be started more than once.
      const [one, other] = [flow.start(), flow.start()]
      assert.notEqual(one.id, other.id)
      assert.deepEqual(await Promise.all([one.get(), other.get()]), ['13', '13'])
      assert.equal(await chain(s.add.prepare(1, 1)).start().get(), 2)
    })

    test('a group runs side by side and gives the list of its results', async () => {
      await using s = stage()
      await s.work()
      const flow = group([
        s.add.prepare(1, 2),
        s.text.prepare('a'),
        chain(s.add.prepare(1, 1), s.add.prepare(5)),
      ])
      assert.deepEqual(await flow.start().get(), [3, '"a"', 7])
    })

    test('a chord calls with the list of the results of its group', async () => {
      await using s = stage()
      await s.work()
      const numbers = Array.from({ length: 20 }, (_, n) => s.add.prepare(n, 1))
      assert.equal(await chord(group(numbers), s.sum.prepare()).start().get(), 210)
    })

    test('they nest: a group after a step gets its result in each part, a chord may be a part', async () => {
      await using s = stage()
      await s.work()
      const inner = chord(group([s.add.prepare(1), s.add.prepare(2)]), s.sum.prepare())
      const flow = chain(
        s.add.prepare(1, 1),
        group([inner, s.add.prepare(100)]),
        s.sum.prepare(),
        s.text.prepare(),
      )
      // 2, then (3 + 4) and 102
      assert.equal(await flow.start().get(), '109')
      const lists = group([group([s.add.prepare(1, 1)]), group([s.add.prepare(2, 2), s.add.prepare(3, 3)])])
      assert.deepEqual(await lists.start().get(), [[2], [4, 6]])
    })

    test('all of its calls are there at once, or none', async () => {
      await using s = stage({ maxQueued: 2 })
      const flow = chain(s.add.prepare(1, 2), group([s.add.prepare(1), s.add.prepare(2)]), s.sum.prepare())
      const handle = flow.start()
      assert.equal((await rejection(handle.enqueued)).code, 'ERR_MILLRACE_QUEUE_FULL')
      assert.equal((await rejection(handle.get())).code, 'ERR_MILLRACE_QUEUE_FULL')
      assert.equal((await s.queue.counts()).queued, 0)
      assert.deepEqual(s.errors, [])
      for (const one of handle.handles) assert.equal(await s.queue.getTask(one.id), null)
      assert.equal(await s.queue.flow(handle.id), null)
    })

    test('in a transaction it is a part of that', async () => {
      await using s = stage()
      await s.work()
      const flow = chain(s.add.prepare(1, 2), s.add.prepare(3))
      await rejection(
        s.queue.transaction(async () => {
          const handle = flow.start()
          assert.ok((await rejection(handle.get())) instanceof OptionError)
          throw new Error('no')
        }),
      )
      const handle = await s.queue.transaction(() => flow.start())
      assert.equal(await handle.get(), 6)
      assert.equal((await s.queue.counts()).ended.succeeded, 2)
    })

    test('a step that fails ends the rest; get() tells what went wrong first', async () => {
      await using s = stage()
      await s.work()
      const flow = chain(s.add.prepare(1, 2), s.brittle.prepare(), s.add.prepare(1), s.text.prepare()).start()
      const error = await rejection(flow.get())
      assert.equal(error.code, 'ERR_MILLRACE_TASK_FAILED')
      const cause = error.cause as Error & { code: string }
      assert.equal(cause.code, 'ERR_MILLRACE_DEPENDENCY')
      assert.equal((cause.cause as Error).message, 'broken')
      const { state, tasks } = await flow.tree()
      assert.equal(state, 'failed')
      assert.deepEqual(
        tasks.map((task) => task.state),
        ['succeeded', 'failed', 'failed', 'failed'],
      )
    })

    test('retry() runs the failed part again, and what came after it gets its arguments', async () => {
      await using s = stage()
      await s.work()
      const first = group([s.add.prepare(1, 2), chain(s.add.prepare(2, 2), s.brittle.prepare())])
      const flow = chord(first, s.sum.prepare()).start()
      await rejection(flow.get())
      s.mend()
      assert.equal(await flow.retry(), 2)
      assert.equal(await flow.get(), 7)
      const attempts = (await flow.tree()).tasks.map(({ info }) => [info?.name, info?.attempt])
      assert.deepEqual(
        attempts.filter(([name]) => name === 'add'),
        [
          ['add', 1],
          ['add', 1],
        ],
      )
      assert.equal(await flow.retry(), 0)
    })

    test('tree() shows how each task stands while it goes on', async () => {
      await using s = stage()
      const { passed, open } = gate()
      const held = s.queue.task('held', async (n: number) => {
        await passed
        return n
      })
      const flow = chain(
        held.prepare(1),
        group([s.add.prepare(1), s.add.prepare(2)]),
        s.sum.prepare(),
      ).start()
      await flow.enqueued
      await s.work()
      const early = await until('it to run', async () => {
        const tree = await flow.tree()
        return tree.state === 'running' && tree
      })
      const [first, a, b, last] = early.tasks
      assert.deepEqual(
        early.tasks.map(({ state, info }) => [info?.name, state]),
        [
          ['held', 'running'],
          ['add', 'waiting'],
          ['add', 'waiting'],
          ['sum', 'waiting'],
        ],
      )
      assert.deepEqual([first!.after, first!.next], [[], [a!.id, b!.id]])
      assert.deepEqual([last!.after, last!.next], [[a!.id, b!.id], []])
      assert.deepEqual(
        flow.ends.map(({ id }) => id),
        [last!.id],
      )
      open()
      assert.equal(await flow.get(), 5)
      assert.equal((await flow.tree()).state, 'succeeded')
    })

    test('cancel() ends what has not ended, and nothing fails because of it', async () => {
      await using s = stage()
      const flow = chain(
        s.add.with({ delay: 60_000 }).prepare(1, 2),
        group([s.add.prepare(1), s.add.prepare(2)]),
        s.sum.prepare(),
      ).start()
      await flow.enqueued
      assert.equal((await flow.tree()).state, 'waiting')
      assert.equal(await flow.cancel('not needed'), 4)
      const error = await rejection(flow.get())
      assert.deepEqual([error.code, error.message], ['ERR_MILLRACE_TASK_CANCELLED', 'not needed'])
      const { state, tasks } = await flow.tree()
      assert.deepEqual(
        [state, new Set(tasks.map((task) => task.state))],
        ['cancelled', new Set(['cancelled'])],
      )
      assert.equal(await flow.cancel(), 0)
    })

    test('get({ cancelOnAbort }) cancels the whole of it; a timeout ends the wait alone', async () => {
      await using s = stage()
      const flow = chain(s.add.with({ delay: 60_000 }).prepare(1, 2), s.add.prepare(1)).start()
      await flow.enqueued
      assert.equal((await rejection(flow.get({ timeout: 5 }))).code, 'ERR_MILLRACE_WAIT_TIMEOUT')
      assert.equal((await flow.tree()).state, 'waiting')
      const reason = new Error('enough')
      const error = await rejection(flow.get({ signal: AbortSignal.abort(reason), cancelOnAbort: true }))
      assert.equal(error, reason)
      await until('it to be cancelled', async () => (await flow.tree()).state === 'cancelled')
    })

    test('no part waits for ever for one that was removed or expired', async () => {
      await using s = stage()
      const later = { delay: 60_000 }
      const removed = chain(s.add.with(later).prepare(1, 2), s.add.prepare(1)).start()
      const expired = chord(
        group([s.add.with({ ...later, deadline: 50 }).prepare(1, 2), s.add.prepare(1, 1)]),
        s.sum.prepare(),
      ).start()
      await Promise.all([removed.enqueued, expired.enqueued])
      await s.work()
      const waits = [removed, expired].map((flow) => rejection(flow.get()))
      assert.equal(await s.queue.remove(removed.handles[0]!.id), 'removed')
      for (const error of await Promise.all(waits)) assert.equal(error.code, 'ERR_MILLRACE_TASK_FAILED')
    })

    test('steps may have options, callbacks, and a policy of their own', async () => {
      await using s = stage()
      await s.work()
      const told: unknown[] = []
      const tell = s.queue.task('tell', (...what: unknown[]) => {
        told.push(what)
      })
      const step = s.add.with({
        onSuccess: { call: tell.prepare('seen'), withResult: true },
        priority: 'high',
      })
      const failing = s.brittle.with({ retries: 1, backoff: 1 })
      const last = s.text.with({ onParentFailure: 'run' })
      const flow = chain(
        step.prepare(1, 2),
        group([failing.prepare(), s.add.prepare(1)]),
        last.prepare(),
      ).start()
      const given = JSON.parse(await flow.get()) as [{ message: string; state: string }, number]
      assert.deepEqual([given[0].message, given[0].state, given[1]], ['broken', 'failed', 4])
      await until('the callback', () => told.length > 0)
      assert.deepEqual(told, [[3, 'seen']])
    })

    test('queue.flow(id): the same handle for who has only its id', async () => {
      await using s = stage()
      const other = inline ? s.queue : s.open()
      try {
        await s.work()
        const flow = chain(s.add.prepare(1, 2), group([s.add.prepare(1), s.add.prepare(2)])).start()
        await flow.enqueued
        const found = await other.flow<number[]>(flow.id)
        assert.deepEqual(await found!.get(), [4, 5])
        assert.deepEqual(
          (await found!.tree()).tasks.map(({ id, state }) => [id, state]),
          (await flow.tree()).tasks.map(({ id, state }) => [id, state]),
        )
        await found!.enqueued
        assert.equal(await other.flow('nothing'), null)
        await assert.rejects(other.flow(''), OptionError)
      } finally {
        await other.close()
      }
    })

    test('1,000 parts before one step', async () => {
      await using s = stage()
      await s.work()
      const parts = Array.from({ length: 1_000 }, (_, n) => s.add.prepare(n, 0))
      assert.equal(await chord(group(parts), s.sum.prepare()).start().get(), 499_500)
    })

    test('a step before 1,000 parts', async () => {
      await using s = stage()
      await s.work()
      const parts = Array.from({ length: 1_000 }, (_, n) => s.add.prepare(n))
      const results = await chain(s.add.prepare(1, 0), group(parts)).start().get()
      assert.deepEqual(
        results,
        Array.from({ length: 1_000 }, (_, n) => n + 1),
      )
    })

    test('bad input', async () => {
      await using s = stage()
      await using t = stage(inline ? {} : { namespace: 'apart' })
      const bad = (make: () => unknown, message: RegExp): void => {
        assert.throws(make, (error) => error instanceof OptionError && message.test(error.message))
      }
      const step = s.add.prepare(1, 2)
      const circle: unknown[] = []
      circle.push(circle)
      bad(() => group([]), /group: expected at least one step/)
      bad(() => chainOf([]), /chain: expected at least one step/)
      bad(() => group(circle as never), /group: step 0 must be made by .* \(given: a list; use group/)
      bad(() => chain(step, [step] as never), /chain: step 1 must be made by .* \(given: a list/)
      bad(() => chain(s.add as never), /chain: step 0 must be made by .* \(given: function\)/)
      bad(() => chain(step, undefined as never), /step 1 .* \(given: undefined\)/)
      bad(() => group(step as never), /group: expected a list of steps/)
      bad(() => chainOf(5 as never), /chainOf: expected a list of steps/)
      bad(() => chord(step as never, step as never), /chord: expected a group first/)
      bad(
        () => chain(step, t.add.prepare(1)).start(),
        /flow: "add" is of (another queue|queue "q\d+" on another)/,
      )
      bad(() => chain(s.add.with({ key: 'k' }).prepare(1, 2)).start(), /flow: "add" has a key/)
      bad(
        () => chain(step, s.add.with({ after: 'x' }).prepare(1)).start(),
        /"add" comes after other tasks already, and is not the first step/,
      )
      bad(
        () => chain(group([group([step]), step]), s.text.prepare()).start(),
        /flow: "text" cannot take lists of lists/,
      )
      const named = s.queue.task('named', (user) => user.name, { input: z.object({ name: z.string() }) })
      assert.throws(() => (chain(named.prepare(), s.text.prepare()) as unknown as Flow).start(), SchemaError)
      assert.throws(() => s.add.prepare('x'.repeat(2_000_000) as never, 1), PayloadTooLargeError)
      const many = group(Array.from({ length: 101 }, () => step))
      const more = group(Array.from({ length: 100 }, () => many))
      assert.throws(() => more.start(), TransactionTooLargeError)
      assert.equal((await s.queue.counts()).queued, 0)
    })
  })
}

test("on a test's queue a flow runs as far as it is told to", async () => {
  const queue = createTestQueue('flows')
  const add = queue.task('add', (a: number, b: number) => a + b)
  const flow = chain(add.prepare(1, 2), add.with({ delay: 60_000 }).prepare(3), add.prepare(4)).start()
  await flow.enqueued
  assert.equal((await queue.drain()).length, 1)
  assert.deepEqual(
    (await flow.tree()).tasks.map(({ state }) => state),
    ['succeeded', 'scheduled', 'waiting'],
  )
  await queue.clock.advance(60_000)
  await queue.drain()
  assert.equal(await flow.get(), 10)
  await queue.close()
})
