/** Tasks that are handled together by one call of a batch handler. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import {
  type BatchCall,
  type BatchOptions,
  currentTask,
  OptionError,
  Queue,
  TaskCancelledError,
  type TaskFailedError,
} from '../../lib/index.ts'
import { createTestQueue } from '../../lib/testing.ts'
import { aborted, type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()
const MINUTE = 60_000
const ONE = { concurrency: 1, prefetch: 0 }

type Calls = BatchCall<[n: number], number>[]

/** Doubles its numbers, and keeps which came together. */
function doubling(s: Fresh, options?: BatchOptions, before: (calls: Calls) => unknown = () => {}) {
  const batches: number[][] = []
  const task = s.queue.batch(
    'double',
    async (calls: Calls) => {
      batches.push(calls.map(({ args: [n] }) => n))
      await before(calls)
      return calls.map(({ args: [n] }) => 2 * n)
    },
    options,
  )
  return { task, batches }
}

/** Calls, accepted in their order. */
async function called(
  task: (n: number) => { readonly enqueued: Promise<void>; get(): Promise<number> },
  count: number,
) {
  const handles = Array.from({ length: count }, (_, n) => task(n))
  await Promise.all(handles.map((handle) => handle.enqueued))
  return handles.map((handle) => handle.get())
}

/** A call that is gathered, and will be for as long as the queue has tasks that wait for the other slot. */
async function gathering(s: Fresh, linger = 60 * MINUTE) {
  const { passed, open } = gate()
  const { task, batches } = doubling(s, { linger })
  const busy = s.queue.task('busy', () => passed)
  const [first, second] = [task(1), task(2)]
  const others = Array.from({ length: 100 }, () => busy())
  await Promise.all([first, second, ...others].map((handle) => handle.enqueued))
  const worker = await s.work({ concurrency: 2, prefetch: 0, drainTimeout: 10_000 })
  await until('the other slot to be taken', async () => (await others[0]!.info())?.state === 'running')
  return { ...{ task, batches, worker, first, second, others }, open }
}

describe('a batch is as large', () => {
  for (const options of [ONE, { concurrency: 1 }, { concurrency: 10 }]) {
    test(`as \`size\` while there are calls, with ${JSON.stringify(options)}`, async () => {
      await using s = fresh()
      const { task, batches } = doubling(s, { size: 20, linger: 60 * MINUTE })
      const results = await called(task, 45)
      await s.work(options)
      assert.deepEqual(
        await Promise.all(results),
        Array.from({ length: 45 }, (_, n) => 2 * n),
      )
      assert.deepEqual(
        batches.flat().sort((a, b) => a - b),
        Array.from({ length: 45 }, (_, n) => n),
      )
      assert.ok(batches.every((batch) => batch.length <= 20))
      if (options.concurrency === 1)
        assert.deepEqual(
          batches.map(({ length }) => length),
          [20, 20, 5],
        )
    })
  }

  test('as what there is when the queue runs empty', async () => {
    await using s = fresh()
    const { task, batches } = doubling(s, { linger: 60 * MINUTE })
    await s.work(ONE)
    assert.equal(await task(7).get(), 14)
    assert.deepEqual(await Promise.all([task(1).get(), task(2).get()]), [2, 4])
    assert.deepEqual(batches.flat(), [7, 1, 2])
  })

  test('as what there is when `linger` is over, while the queue has other tasks', async () => {
    await using s = fresh()
    const { batches, first, second, open, others } = await gathering(s, 30)
    assert.deepEqual(await Promise.all([first.get(), second.get()]), [2, 4])
    assert.deepEqual(batches, [[1, 2]])
    assert.notEqual((await others.at(-1)!.info())?.state, 'succeeded')
    open()
  })

  test('as what there is at a stop, which waits for it', async () => {
    await using s = fresh()
    const { batches, first, second, worker, open } = await gathering(s)
    assert.deepEqual(batches, [])
    const stopped = worker.stop()
    assert.deepEqual(await Promise.all([first.get(), second.get()]), [2, 4])
    assert.deepEqual(batches, [[1, 2]])
    open()
    await stopped
    assert.equal((await first.info())?.attempt, 1)
  })

  test('as what there is when the queue is paused', async () => {
    await using s = fresh()
    const { batches, first, second, open } = await gathering(s)
    await s.queue.pause()
    assert.deepEqual(await Promise.all([first.get(), second.get()]), [2, 4])
    assert.deepEqual(batches, [[1, 2]])
    open()
  })
})

describe('what is gathered and has not begun', () => {
  test('is given back at a stop that is in a hurry, without an attempt counted', async () => {
    await using s = fresh()
    const { batches, first, second, worker } = await gathering(s)
    await worker.stop({ timeout: 0 })
    assert.deepEqual(batches, [])
    const infos = await Promise.all([first.info(), second.info()])
    assert.deepEqual(
      infos.map((info) => [info?.state, info?.attempt]),
      [
        ['queued', 0],
        ['queued', 0],
      ],
    )
  })

  test('is cancelled without having begun; the others go on', async () => {
    await using s = fresh()
    const { batches, first, second, open } = await gathering(s)
    await first.cancel('not needed')
    assert.ok((await rejection(first.get())) instanceof TaskCancelledError)
    open()
    assert.equal(await second.get(), 4)
    assert.deepEqual(batches, [[2]])
    assert.equal((await first.info())?.attempt, 0)
  })

  test('expires at its deadline without having begun', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    const { task, batches } = doubling(s, { linger: 60 * MINUTE })
    const busy = s.queue.task('busy', () => passed)
    const late = task.with({ deadline: 1_000 })(1)
    const others = Array.from({ length: 100 }, () => busy())
    await Promise.all([late, ...others].map((handle) => handle.enqueued))
    await s.work({ concurrency: 2, prefetch: 0 })
    const error = await rejection(late.get())
    assert.equal(error.code, 'ERR_MILLRACE_TASK_EXPIRED')
    assert.deepEqual(batches, [])
    open()
  })
})

describe('each call of a batch', () => {
  test('has its own error, its own retries and its own attempts', async () => {
    await using s = fresh()
    const seen: string[] = []
    const task = s.queue.batch(
      'picky',
      async (calls: BatchCall<[name: string]>[]) =>
        calls.map(({ args: [name], attempt }) => {
          seen.push(`${name} ${attempt}`)
          if (name === 'bad' || (name === 'flaky' && attempt === 1))
            return new RangeError(`${name} ${attempt}`)
          return name.toUpperCase()
        }),
      { retries: 1, backoff: 0 },
    )
    const [good, flaky, bad] = [task('good'), task('flaky'), task('bad')]
    await s.work(ONE)
    assert.equal(await good.get(), 'GOOD')
    assert.equal(await flaky.get(), 'FLAKY')
    const { cause } = await rejection<TaskFailedError>(bad.get())
    assert.deepEqual([(cause as Error).name, (cause as Error).message], ['RangeError', 'bad 2'])
    assert.deepEqual(seen.sort(), ['bad 1', 'bad 2', 'flaky 1', 'flaky 2', 'good 1'])
    assert.deepEqual(
      (await flaky.info())?.errors.map(({ error }) => (error as Error).message),
      ['flaky 1'],
    )
    assert.equal((await good.info())?.attempt, 1)
  })

  test('may be settled by itself, and is acknowledged when the batch has returned', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    let settled = false
    const task = s.queue.batch('single', async (calls: BatchCall<[n: number], string>[]) => {
      for (const call of calls) {
        if (call.args[0] === 1) call.succeed('one')
        if (call.args[0] === 2) call.fail(new Error('two'))
      }
      settled = true
      await passed
      throw new Error('the rest')
    })
    const [one, two, three] = [task(1), task(2), task(3)]
    await s.work(ONE)
    await until('two of them to be settled', () => settled)
    assert.deepEqual([(await one.info())?.state, (await two.info())?.state], ['running', 'running'])
    open()
    assert.equal(await one.get(), 'one')
    const errors = await Promise.all([two, three].map((call) => rejection<TaskFailedError>(call.get())))
    assert.deepEqual(
      errors.map(({ cause }) => (cause as Error).message),
      ['two', 'the rest'],
    )
  })

  test('fails, without another attempt, where the handler returns the wrong number of results', async () => {
    await using s = fresh()
    let runs = 0
    const task = s.queue.batch(
      'wrong',
      (calls: BatchCall<[n: number]>[]) => {
        runs += calls.length
        return [1]
      },
      { retries: 3 },
    )
    const calls = [task(1), task(2)]
    await Promise.all(calls.map((call) => call.enqueued))
    await s.work(ONE)
    for (const call of calls) {
      const cause = (await rejection<TaskFailedError>(call.get())).cause as Error & Record<string, unknown>
      assert.deepEqual([cause.name, cause.code], ['BatchResultError', 'ERR_MILLRACE_BATCH_RESULT'])
      assert.deepEqual([cause.expected, cause.got], [2, 1])
    }
    assert.equal(runs, 2)
  })

  test('has its own timeout, from the beginning of the handler on', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    const over: number[] = []
    const { task } = doubling(s, { timeout: 150 }, async (calls) => {
      for (const { signal, args } of calls) signal.addEventListener('abort', () => over.push(args[0]))
      await passed
    })
    const [short, long] = [task(1), task.with({ timeout: MINUTE })(2)]
    await Promise.all([short.enqueued, long.enqueued])
    await s.work({ ...ONE, abortGrace: 50 })
    const { cause } = await rejection<TaskFailedError>(short.get())
    assert.equal((cause as Error).name, 'TaskTimeoutError')
    assert.deepEqual(over, [1])
    assert.equal((await long.info())?.state, 'running')
    open()
    assert.equal(await long.get(), 4)
    assert.equal((await short.info())?.state, 'failed')
  })

  test('frees the slot when the time of all is over, while the handler goes on', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    const { task } = doubling(s, { timeout: 50 }, ([call]) => (call!.args[0] === 1 ? passed : undefined))
    await s.work({ ...ONE, abortGrace: 50 })
    await rejection(task(1).get())
    assert.equal(await task(2).get(), 4)
    open()
  })

  test('is cancelled by itself while it runs', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    const { task, batches } = doubling(s, {}, async (calls) => {
      await new Promise((resolve) => calls[0]!.signal.addEventListener('abort', resolve))
      await passed
    })
    const [first, second] = [task(1), task(2)]
    await Promise.all([first.enqueued, second.enqueued])
    await s.work(ONE)
    await until('it to begin', () => batches.length === 1)
    await first.cancel('one of two')
    open()
    assert.match((await rejection(first.get())).message, /one of two/)
    assert.equal(await second.get(), 4)
  })

  test('is given back at a stop where the handler heeds the signal of one of them', async () => {
    await using s = fresh()
    let hasBegun = false
    const { task } = doubling(s, {}, async ([call]) => {
      hasBegun = true
      throw await aborted(call!.signal)
    })
    const calls = [task(1), task(2)]
    await Promise.all(calls.map((call) => call.enqueued))
    const worker = await s.work(ONE)
    await until('it to begin', () => hasBegun)
    await worker.stop({ timeout: 1 })
    const infos = await Promise.all(calls.map((call) => call.info()))
    assert.deepEqual(
      infos.map((info) => [info?.state, info?.attempt]),
      [
        ['queued', 1],
        ['queued', 1],
      ],
    )
  })

  test('tells its progress', async () => {
    await using s = fresh()
    const { task } = doubling(s, {}, (calls) =>
      Promise.all(calls.map((call) => call.updateProgress(call.args[0] * 10))),
    )
    const [first, second] = [task(1), task(2)]
    await s.work()
    await Promise.all([first.get(), second.get()])
    assert.deepEqual([(await first.info())?.progress, (await second.info())?.progress], [10, 20])
  })
})

describe('inside a batch handler', () => {
  test('currentTask() says that there are several', async () => {
    await using s = fresh()
    const { task } = doubling(s, {}, () => currentTask())
    await s.work()
    const cause = (await rejection<TaskFailedError>(task(1).get())).cause as Error & { code: string }
    assert.equal(cause.code, 'ERR_MILLRACE_NO_CURRENT_TASK')
    assert.match(cause.message, /the batch handler "double" runs several tasks/)
  })

  test('a wait for other tasks lends the slot, and they inherit the shortest deadline', async () => {
    await using s = fresh()
    const left = s.queue.task('left', () => currentTask().deadline?.getTime())
    const task = s.queue.batch('outer', async (calls: BatchCall<[]>[]) => {
      const at = await left().get()
      return calls.map(() => at)
    })
    const [a, b] = [task.with({ deadline: MINUTE })(), task.with({ deadline: 10 * MINUTE })()]
    await s.work(ONE)
    const [at, same] = await Promise.all([a.get({ timeout: 20_000 }), b.get({ timeout: 20_000 })])
    assert.ok(at! < Date.now() + 2 * MINUTE)
    assert.ok(same !== undefined)
  })
})

test('options that cannot be are refused', () => {
  const { queue } = fresh()
  const handler = (): void => {}
  for (const options of [
    { size: 0 },
    { size: 1.5 },
    { size: 10_001 },
    { linger: -1 },
    { linger: Number.NaN },
  ]) {
    assert.throws(() => queue.batch('refused', handler, options), OptionError)
  }
  assert.throws(
    () => queue.batch('refused', handler, { commitEvery: 2, commit: handler } as object),
    OptionError,
  )
  assert.throws(() => queue.batch('refused', undefined as never), OptionError)
  for (const options of [
    { commitEvery: 0, commit: handler },
    { commitEvery: 2 },
    { commit: handler },
    { linger: 5 },
    { commitEvery: 2, commit: handler, linger: -1 },
    { commitEvery: 2, commit: 'commit' as never },
  ]) {
    assert.throws(() => queue.task('refused', handler, options), OptionError)
  }
  assert.deepEqual(queue.taskNames, [])
})

test('without Redis: local() is a batch of one; an inline queue takes what is in line', async () => {
  const queue = new Queue('inline', { inline: true })
  const sizes: number[] = []
  const task = queue.batch('double', async (calls: Calls) => {
    sizes.push(calls.length)
    return calls.map(({ args: [n] }) => (n < 0 ? new RangeError('negative') : 2 * n))
  })
  assert.equal(await task.local(4), 8)
  await assert.rejects(task.local(-4), RangeError)
  const calls = [task(1), task(-2), task(3)]
  const [one, two, three] = await Promise.allSettled(calls.map((call) => call.get()))
  assert.deepEqual(
    [one, three],
    [
      { status: 'fulfilled', value: 2 },
      { status: 'fulfilled', value: 6 },
    ],
  )
  assert.equal(two?.status, 'rejected')
  assert.deepEqual(sizes, [1, 1, 3])
  await queue.close()
})

test('schemas check each call by itself: what they refuse fails, and the others go on', async () => {
  await using s = fresh()
  const sizes: number[] = []
  const task = s.queue.batch(
    'checked',
    (calls) => {
      sizes.push(calls.length)
      return calls.map(({ args: [n] }) => (n === 13 ? 'odd' : String(2 * n)))
    },
    {
      input: z.number().refine(async (n) => n > 0),
      output: z.string().regex(/^\d+$/),
      validateCalls: false,
      retries: 3,
    },
  )
  const calls = [task(1), task(-1), task(13), task(2)]
  await Promise.all(calls.map((call) => call.enqueued))
  await s.work(ONE)
  assert.deepEqual(await Promise.all([calls[0]!.get(), calls[3]!.get()]), ['2', '4'])
  for (const call of [calls[1]!, calls[2]!]) {
    const { cause } = await rejection<TaskFailedError>(call.get())
    assert.equal((cause as { code?: string }).code, 'ERR_MILLRACE_SCHEMA')
  }
  assert.deepEqual(sizes, [3])
})

test('a test queue drains batches and commits', async () => {
  const queue = createTestQueue()
  const commits: number[] = []
  const task = queue.batch('double', (calls: Calls) => calls.map(({ args: [n] }) => n * calls.length))
  const row = queue.task('row', (n: number) => n, { commitEvery: 5, commit: () => void commits.push(1) })
  const handles = [task(1), task(2), row(3)]
  const infos = await queue.drain()
  assert.deepEqual(
    infos.map(({ state }) => state),
    ['succeeded', 'succeeded', 'succeeded'],
  )
  assert.deepEqual(await Promise.all(handles.map((handle) => handle.get())), [2, 4, 3])
  assert.deepEqual(commits, [1])
  await queue.close()
})
