/** Times that end a task or an attempt: timeout, deadline and ttl. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  currentTask,
  type DefinitionOptions,
  OptionError,
  TaskExpiredError,
  type TaskFailedError,
  TaskTimeoutError,
} from '../../lib/index.ts'
import { aborted, type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { delayReplies } from '../support/late.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'

const served = freshQueues()
const { fresh } = served
const MINUTE = 60_000
/** What `promote` answers: ms until there is something to do again, the time, and two counts. */
const PROMOTED = /^\*4\r\n:-?\d+\r\n\$13\r\n/
const ONE = { concurrency: 1, prefetch: 0 }

/** Waits for its signal, and keeps what it said. */
function obedient(s: Fresh, options?: DefinitionOptions) {
  const reasons: Error[] = []
  const task = s.queue.task(
    'obedient',
    async () => {
      reasons.push(await aborted(currentTask().signal))
      return 'ended all the same'
    },
    options,
  )
  return { task, reasons }
}

/** Takes no notice of its signal; ends when the spec says so. */
function deaf(s: Fresh, options?: DefinitionOptions) {
  const { passed, open } = gate<string>()
  const begun: number[] = []
  const run = (): Promise<string> => {
    begun.push(currentTask().attempt)
    return passed
  }
  return { task: s.queue.task('deaf', run, options), begun, open }
}

describe('timeout', () => {
  test('aborts the signal with a TaskTimeoutError, which is the attempt’s error, whatever the handler gives', async () => {
    await using s = fresh()
    const { task, reasons } = obedient(s, { timeout: 100 })
    await s.work()
    const cause = (await rejection<TaskFailedError>(task().get())).cause as Error & { code: string }
    assert.deepEqual([cause.name, cause.code], ['TaskTimeoutError', 'ERR_MILLRACE_TASK_TIMEOUT'])
    assert.match(cause.message, /within its timeout of 100 ms/)
    assert.ok(reasons[0] instanceof TaskTimeoutError)
  })

  test('of a handler that takes no notice the slot is freed after abortGrace, and its late result is refused', async () => {
    await using s = fresh()
    const { task, begun, open } = deaf(s)
    const quick = s.queue.task('quick', () => 'done')
    await s.work({ ...ONE, abortGrace: 100 })
    const stuck = task.with({ timeout: 100 })()
    const next = quick()
    const error = await rejection<TaskFailedError>(stuck.get())
    assert.equal((error.cause as Error).name, 'TaskTimeoutError')
    assert.equal(await next.get(), 'done')
    open('too late')
    assert.equal(await quick().get(), 'done')
    const info = await stuck.info()
    assert.deepEqual([info?.state, info?.result, begun.length], ['failed', undefined, 1])
  })

  test('counts for each attempt anew, and a timeout is worth a retry', async () => {
    await using s = fresh()
    const run = async (): Promise<number> => {
      const { attempt, signal } = currentTask()
      if (attempt < 3) throw await aborted(signal)
      return attempt
    }
    const task = s.queue.task('slow-at-first', run, { timeout: 150, retries: 2, backoff: 0 })
    await s.work()
    const handle = task()
    assert.equal(await handle.get(), 3)
    const errors = (await handle.info())!.errors.map(({ error }) => (error as Error).name)
    assert.deepEqual(errors, ['TaskTimeoutError', 'TaskTimeoutError'])
  })

  test('is not for a handler that ends in time, and one of the call overrides that of the definition', async () => {
    await using s = fresh()
    const { task, open } = deaf(s, { timeout: 50 })
    await s.work()
    const handle = task.with({ timeout: MINUTE })()
    await until('it to have run for longer than 50 ms', async () => {
      const since = (await handle.info())?.startedAt
      return since && Date.now() - since.getTime() > 100
    })
    open('well')
    assert.equal(await handle.get(), 'well')
  })
})

describe('deadline', () => {
  test('holds, although an answer with the time of the server came late', async () => {
    await using proxy = await startProxy(served.redis.port)
    await using s = fresh()
    const there = s.other({ redis: proxy.url })
    const nap = there.task('nap', async (ms: number) => delay(ms, 'woke up'))
    const worker = await s.work({}, there)
    const call = s.queue.remote<typeof nap>('nap')
    assert.equal(await call(1).get(), 'woke up')
    // The next answer of `promote` waits for a second, as if a handler kept the event loop.
    let late = 0
    delayReplies(proxy, 1_000, (reply) => PROMOTED.test(reply) && ++late === 1)
    assert.equal(await call.with({ delay: 10 })(1).get(), 'woke up')
    assert.ok(late > 0)
    // What it asks for now is answered behind that.
    assert.equal((await worker.health({ timeout: 10_000 })).ok, true)
    const error = await rejection(call.with({ deadline: 300 })(700).get())
    assert.ok(error instanceof TaskExpiredError, String(error))
  })

  test('the server is asked for its time again, soon, where answers come late', async () => {
    await using proxy = await startProxy(served.redis.port)
    await using s = fresh()
    let answers = 0
    delayReplies(proxy, 200, (reply) => PROMOTED.test(reply) && ++answers > 0)
    await s.work({}, s.other({ redis: proxy.url }))
    // It asks a few times as it starts, and then, with nothing planned, every 10 s.
    await until('more answers', () => answers > 5, 8_000)
  })

  test('ends a task that runs: its signal aborts, and the caller sees a TaskExpiredError', async () => {
    await using s = fresh()
    const { task, reasons } = obedient(s)
    await s.work()
    // Connections are open by then, so that the deadline is the handler's alone.
    await s.queue
      .task('before', () => {})()
      .get()
    const handle = task.with({ deadline: 1_000, timeout: MINUTE, retries: 3 })()
    const error = await rejection(handle.get())
    assert.ok(error instanceof TaskExpiredError)
    assert.match(error.message, /did not end before its deadline/)
    assert.equal((await handle.info())?.state, 'expired')
    assert.equal(reasons.length, 1)
    assert.doesNotMatch(reasons[0]!.message, /60000/, 'it was not the timeout')
  })

  test('frees the slot of a handler that takes no notice, and its late result is refused', async () => {
    await using s = fresh()
    const { task, open } = deaf(s)
    await s.work({ ...ONE, abortGrace: 100 })
    const handle = task.with({ deadline: 150 })()
    assert.ok((await rejection(handle.get())) instanceof TaskExpiredError)
    open('too late')
    assert.equal(await task().get(), 'too late')
    assert.equal((await handle.info())?.state, 'expired')
  })

  test('ends a task that waits for a slot, and it never starts', async () => {
    await using s = fresh()
    const { task, begun, open } = deaf(s)
    await s.work(ONE)
    const busy = task()
    await until('it to run', () => begun.length === 1)
    const late = task.with({ deadline: 200 })()
    assert.ok((await rejection(late.get({ timeout: 8_000 }))) instanceof TaskExpiredError)
    open('free')
    await busy.get()
    assert.equal(await task().get(), 'free')
    assert.deepEqual([begun.length, (await late.info())?.attempt], [2, 0])
  })

  test('ends a task that is scheduled for later', async () => {
    await using s = fresh()
    const { task, begun } = deaf(s)
    await s.work()
    const handle = task.with({ delay: MINUTE, deadline: 200 })()
    assert.ok((await rejection(handle.get({ timeout: 8_000 }))) instanceof TaskExpiredError)
    assert.equal(begun.length, 0)
    assert.equal((await s.queue.counts()).scheduled, 0)
  })

  test('ends a task that no worker knows', async () => {
    await using s = fresh()
    await s.work()
    const handle = s.queue.remote<() => void>('nobody', { deadline: 300 })()
    const error = await rejection(handle.get({ timeout: 8_000 }))
    assert.ok(error instanceof TaskExpiredError, `${error}`)
    assert.equal((await s.queue.counts()).parked, 0)
  })

  test('a task does not wait for an attempt that could only begin after it', async () => {
    await using s = fresh()
    const fail = s.queue.task('fail', () => {
      throw new Error('no')
    })
    await s.work()
    const handle = fail.with({ retries: 3, backoff: MINUTE, deadline: 5_000 })()
    assert.equal(((await rejection<TaskFailedError>(handle.get())).cause as Error).message, 'no')
    assert.equal((await handle.info())?.attempt, 1)
  })

  test('holds between attempts: of one that comes too late the task expires', async () => {
    await using s = fresh()
    const { task: busy, begun, open } = deaf(s)
    const fail = s.queue.task('fail', () => {
      throw new Error('no')
    })
    await s.work(ONE)
    const handle = fail.with({ retries: 3, backoff: 1_500, deadline: 3_000 })()
    await until('its first attempt to have failed', async () => (await handle.info())?.state === 'scheduled')
    const other = busy()
    await until('the other to run', () => begun.length === 1)
    assert.ok((await rejection(handle.get({ timeout: 8_000 }))) instanceof TaskExpiredError)
    assert.equal((await handle.info())?.attempt, 1)
    open('free')
    await other.get()
  })

  test('a handler sees it, and whoever has none sees none', async () => {
    await using s = fresh()
    const look = s.queue.task('look', () => currentTask().deadline)
    await s.work()
    assert.equal(await look().get(), undefined)
    const before = Date.now()
    const seen = await look.with({ deadline: MINUTE })().get()
    assert.ok(seen instanceof Date)
    assert.ok(Math.abs(seen.getTime() - before - MINUTE) < 5_000)
  })

  test('calls made inside a handler inherit what is left; the shorter one wins', async () => {
    await using s = fresh()
    const look = s.queue.task('look', () => currentTask().deadline?.getTime())
    const through = s.queue.task('through', () => look().get())
    const parent = s.queue.task('parent', async () => {
      const long = look.with({ deadline: 60 * MINUTE })
      const short = look.with({ deadline: 1_000 })
      const own = currentTask().deadline!.getTime()
      const children = await Promise.all([look(), long(), short(), through()].map((call) => call.get()))
      return children.map((child) => child! - own)
    })
    await s.work()
    const [plain, long, short, deep] = await parent
      .with({ deadline: 10 * MINUTE })()
      .get()
    for (const gap of [plain, long, deep]) assert.ok(Math.abs(gap!) < 2_000, `${gap} ms after the parent's`)
    assert.ok(short! < -9 * MINUTE, `${short} ms`)
  })
})

describe('bad input', () => {
  test('is refused where it is given', async () => {
    await using s = fresh()
    const { task } = deaf(s)
    const refuse = (options: object, message: RegExp): void => {
      const isRight = (error: unknown): boolean => error instanceof OptionError && message.test(error.message)
      assert.throws(() => task.with(options), isRight)
      assert.throws(() => s.queue.task('t', () => {}, options), isRight)
    }
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY, '1s', null, new Date()]) {
      refuse({ ttl: bad }, /: ttl must be a number of ms from 0 to /)
      refuse({ deadline: bad }, /: deadline must be a number of ms from 0 to /)
      refuse({ timeout: bad }, /: timeout must be a whole number from 1 to /)
    }
    refuse({ timeout: 0 }, /: timeout must be a whole number from 1 to \d+ \(given: 0\)/)
    for (const abortGrace of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(
        () => s.queue.worker({ abortGrace }),
        /worker: abortGrace must be a whole number from 0 to /,
      )
    }
  })
})
