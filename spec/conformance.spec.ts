/**
 * The same calls against a queue in Redis and against one in this process: what users see must be the same. Each
 * scenario answers what it has seen, without ids and times; both answers are compared with each other and with what
 * is expected of them.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type BatchCall,
  currentTask,
  DoNotRetry,
  Queue,
  type QueueOptions,
  RetryLater,
  type TaskHandle,
  type TaskInfo,
} from '../lib/index.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { until } from './support/until.ts'

let redis: TestRedis
before(async () => {
  redis = await startRedis()
})
after(() => redis.stop())

interface Stage extends AsyncDisposable {
  readonly queue: Queue
  /** From now on, tasks run. */
  work(concurrency?: number): Promise<void>
}

function inRedis(name: string, options: QueueOptions): Stage {
  const queue = new Queue(name, { redis: redis.url, ...options })
  queue.on('error', () => {})
  return {
    queue,
    async work(concurrency = 10) {
      const worker = queue.worker({ concurrency, prefetch: 0, lease: 5_000 })
      const ready = new Promise((resolve) => worker.once('ready', resolve))
      void worker.run()
      await ready
    },
    [Symbol.asyncDispose]: () => queue.close(),
  }
}

function inline(name: string, options: QueueOptions): Stage {
  const queue = new Queue(name, { inline: true, ...options })
  queue.on('error', () => {})
  return {
    queue,
    async work(concurrency = 10) {
      await queue.setConcurrency('all', concurrency)
    },
    [Symbol.asyncDispose]: () => queue.close(),
  }
}

/** Of anything that was thrown; ids differ from run to run. */
function shown(error: unknown): unknown {
  if (!(error instanceof Error)) return { thrown: error }
  const { name, message, code, cause } = error as Error & { code?: unknown }
  const text = message.replace(/[\w-]{22}/g, '<id>')
  return { name, message: text, code, ...(cause !== undefined && { cause: shown(cause) }) }
}

const outcome = (handle: TaskHandle<unknown>): Promise<unknown> => handle.get().then(seen, shown)
const seen = (value: unknown) => ({ value })

/** Without its lane: a worker gives back what it fetched ahead and cannot begin soon, to the head of the line. */
function told(info: TaskInfo | null) {
  if (!info) return null
  const { name, args, state, progress, result, error, errors, attempt, crashes, key, cancelReason } = info
  return {
    ...{ name, args, state, progress, result, attempt, crashes, key, cancelReason },
    error: error === undefined ? undefined : shown(error),
    errors: errors.map((one) => ({ attempt: one.attempt, error: shown(one.error) })),
    worker: typeof info.worker,
    has: [info.startedAt, info.finishedAt, info.nextRunAt].map((at) => at instanceof Date),
  }
}

/** Its outcome and what is known of it then. */
const both = async (handle: TaskHandle<unknown>) => ({
  outcome: await outcome(handle),
  info: told(await handle.info()),
})

/** Something that a handler waits for. */
function gate() {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open: () => open(), opened }
}

const aborted = (): Promise<never> =>
  new Promise((_, reject) => {
    const { signal } = currentTask()
    signal.addEventListener('abort', () => reject(signal.reason))
  })

type Scenario = (stage: Stage) => Promise<unknown>

const SCENARIOS: Record<string, Scenario | [QueueOptions, Scenario]> = {
  async 'a result'({ queue, work }) {
    const add = queue.task('add', (a: number, b: number) => a + b)
    await work()
    const seen = await both(add(1, 2))
    assert.deepEqual(seen.outcome, { value: 3 })
    assert.equal(seen.info?.attempt, 1)
    return seen
  },

  async 'a result that is undefined'({ queue, work }) {
    const nothing = queue.task('nothing', async (_: string) => {})
    await work()
    const seen = await both(nothing('x'))
    assert.deepEqual(seen.outcome, { value: undefined })
    return seen
  },

  async 'an error with code, fields and cause'({ queue, work }) {
    const fail = queue.task('fail', () => {
      const cause = new RangeError('too deep')
      throw Object.assign(new TypeError('bad', { cause }), { code: 'E_BAD', status: 400 })
    })
    await work()
    const seen = await both(fail())
    assert.equal(seen.info?.state, 'failed')
    return seen
  },

  async 'a thrown value that is no error'({ queue, work }) {
    const fail = queue.task('fail', async () => {
      throw { odd: [1n] }
    })
    await work()
    return both(fail())
  },

  async 'retries, then success'({ queue, work }) {
    let runs = 0
    const flaky = queue.task(
      'flaky',
      () => {
        runs += 1
        if (runs < 3) throw new Error(`run ${runs}`)
        return currentTask().attempt
      },
      { retries: 5, backoff: 10 },
    )
    await work()
    const seen = await both(flaky())
    assert.deepEqual(seen.outcome, { value: 3 })
    assert.equal(seen.info?.errors.length, 2)
    return seen
  },

  async 'retries at once, and all of them used up'({ queue, work }) {
    const fail = queue.task(
      'fail',
      async () => {
        throw new Error(`attempt ${currentTask().attempt}`)
      },
      { retries: 7, backoff: 0 },
    )
    await work()
    const seen = await both(fail())
    assert.equal(seen.info?.attempt, 8)
    assert.deepEqual(
      seen.info?.errors.map(({ attempt }) => attempt),
      [3, 4, 5, 6, 7],
    )
    return { ...seen, counts: await queue.counts() }
  },

  async 'retries of a call count before those of the definition'({ queue, work }) {
    const fail = queue.task(
      'fail',
      () => {
        throw new Error('no')
      },
      { retries: 3, backoff: 0 },
    )
    await work()
    const seen = [await both(fail.with({ retries: 1 })()), await both(fail.with({ retries: 0 })())]
    assert.deepEqual(
      seen.map(({ info }) => info?.attempt),
      [2, 1],
    )
    return seen
  },

  async 'RetryLater, DoNotRetry, retryIf and a backoff of its own'({ queue, work }) {
    const asked: unknown[] = []
    const later = queue.task('later', () => {
      if (currentTask().attempt < 3) throw new RetryLater({ delay: 5, cause: new Error('busy') })
      return 'done'
    })
    const options = { retries: 3, backoff: 0 }
    const never = queue.task('never', () => {
      throw new DoNotRetry(new Error('hopeless'))
    })
    const unless = queue.task(
      'unless',
      (message: string) => {
        throw new Error(message)
      },
      {
        ...options,
        retryIf: (error) => (error as Error).message === 'again',
        backoff: (attempt, error) => {
          asked.push([attempt, (error as Error).message])
          return 1
        },
      },
    )
    await work()
    const seen = [await both(later()), await both(never.with(options)())]
    seen.push(await both(unless('never')), await both(unless('again')))
    assert.deepEqual(asked, [
      [1, 'again'],
      [2, 'again'],
      [3, 'again'],
    ])
    return { seen, asked }
  },

  async 'a timeout that the handler heeds, and another attempt'({ queue, work }) {
    const slow = queue.task('slow', () => (currentTask().attempt === 1 ? aborted() : 'in time'), {
      ...{ timeout: 40, retries: 1, backoff: 0 },
    })
    await work()
    const seen = [await both(slow()), await both(slow.with({ retries: 0 })())]
    assert.deepEqual(seen[0]?.outcome, { value: 'in time' })
    assert.equal((seen[1]!.info!.error as { code: string }).code, 'ERR_MILLRACE_TASK_TIMEOUT')
    return seen
  },

  async 'a result that comes too late counts for nothing'({ queue, work }) {
    const slow = queue.task(
      'slow',
      async () => {
        await delay(80)
        return 'late'
      },
      { timeout: 30 },
    )
    await work()
    return both(slow())
  },

  async 'a handler that blocks for longer than its timeout'({ queue, work }) {
    const block = queue.task(
      'block',
      () => {
        for (const end = performance.now() + 40; performance.now() < end; );
        return 'late'
      },
      { timeout: 10, retries: 1, backoff: 0 },
    )
    await work()
    const seen = await both(block())
    assert.equal(seen.info?.attempt, 2)
    return seen
  },

  async 'cancelling before it begins, and again, and too late'({ queue, work }) {
    const ran: number[] = []
    const note = queue.task('note', (n: number) => void ran.push(n))
    await queue.pause()
    await work()
    const [one, two] = [note(1), note(2)]
    const answers = [await one.cancel('not needed'), await one.cancel(), await queue.cancel('no-such-task')]
    const seen = [await both(one), await queue.counts()]
    await queue.resume()
    await two.get()
    answers.push(await two.cancel())
    assert.deepEqual(ran, [2])
    assert.deepEqual(answers, ['cancelled', 'cancelled', 'none', 'ended'])
    return { seen, ran, answers, counts: await queue.counts() }
  },

  async 'cancelling while it runs: one heeds its signal, one ends anyway'({ queue, work }) {
    const begun = gate()
    const end = gate()
    const heeds = queue.task('heeds', () => {
      begun.open()
      return aborted()
    })
    const deaf = queue.task('deaf', () => end.opened)
    await work()
    const [one, two] = [heeds(), deaf()]
    await begun.opened
    await until('both to run', async () => (await queue.counts()).running === 2)
    const answers = [await one.cancel('enough'), await two.cancel('enough too')]
    const during = told(await two.info())
    const seen = await both(one)
    end.open()
    return { answers, during, seen: [seen, await both(two)], counts: await queue.counts() }
  },

  async cancelOnAbort({ queue, work }) {
    const begun = gate()
    const heeds = queue.task('heeds', () => {
      begun.open()
      return aborted()
    })
    await work()
    const controller = new AbortController()
    const handle = heeds()
    const wait = handle.get({ signal: controller.signal, cancelOnAbort: true }).catch(shown)
    await begun.opened
    controller.abort(new Error('nobody cares'))
    return [await wait, await both(handle)]
  },

  async 'a delay, and a time that has been'({ queue, work }) {
    const note = queue.task('note', (what: string) => what)
    await work()
    const handle = note.with({ delay: 600, priority: 'low' })('later')
    await handle.enqueued
    const info = await handle.info()
    const before = { ...told(info), lane: info?.lane }
    assert.equal(before?.state, 'scheduled')
    const wait = (info?.nextRunAt?.getTime() ?? 0) - (info?.createdAt.getTime() ?? 0)
    assert.ok(Math.abs(wait - 600) < 3, String(wait))
    const counts = await queue.counts()
    const past = await both(note.with({ at: new Date(0) })('now'))
    return { before, counts, past, seen: await both(handle) }
  },

  async 'a ttl that is over before it begins'({ queue, work }) {
    const note = queue.task('note', () => 'ran', { ttl: 60 })
    await queue.pause()
    await work()
    const seen = await both(note())
    assert.equal(seen.info?.state, 'expired')
    await queue.resume()
    return [seen, await both(note.with({ ttl: 60_000 })())]
  },

  async 'a ttl counts only until it has begun once'({ queue, work }) {
    const flaky = queue.task(
      'flaky',
      () => {
        if (currentTask().attempt === 1) throw new Error('first')
        return 'second'
      },
      { ttl: 1_000, retries: 1, backoff: 1_200 },
    )
    await work()
    const seen = await both(flaky())
    assert.deepEqual(seen.outcome, { value: 'second' })
    return seen
  },

  async 'a deadline: before it begins, and while it runs'({ queue, work }) {
    const heeds = queue.task('heeds', aborted, { deadline: 500, retries: 3 })
    await queue.pause()
    await work()
    const queued = await both(heeds())
    await queue.resume()
    const running = await both(heeds())
    assert.deepEqual([queued.info?.attempt, running.info?.attempt], [0, 1])
    return { queued, running }
  },

  async 'no attempt that could not end before the deadline'({ queue, work }) {
    const fail = queue.task(
      'fail',
      () => {
        throw new Error('no')
      },
      { deadline: 10_000, retries: 3, backoff: 50_000 },
    )
    await work()
    return both(fail())
  },

  async 'a deadline that calls inside inherit'({ queue, work }) {
    const inner = queue.task('inner', () => currentTask().deadline?.getTime())
    const outer = queue.task('outer', async () => {
      const own = currentTask().deadline!.getTime()
      const inherited = (await inner().get())!
      const shorter = (await inner.with({ deadline: 1_000 })().get())!
      return [Math.abs(inherited - own) < 2_000, own - shorter > 10_000]
    })
    await work()
    const seen = await both(outer.with({ deadline: 30_000 })())
    assert.deepEqual(seen.outcome, { value: [true, true] })
    return [seen, await both(inner())]
  },

  async 'a key: calls join, and get the same result'({ queue, work }) {
    let runs = 0
    const once = queue.task('once', (what: string) => `${what} ${++runs}`, { key: 'k' })
    await queue.pause()
    await work()
    const calls = [once('a'), once('b'), once('c')]
    await Promise.all(calls.map((call) => call.enqueued))
    const joined = calls.map((call) => [call.joined, call.id === calls[0]!.id])
    const found = await once.find('z')
    await queue.resume()
    const outcomes = await Promise.all(calls.map(outcome))
    const after = await outcome(once('d'))
    const none = await once.find('z')
    assert.deepEqual(after, { value: 'd 2' })
    return { joined, outcomes, after, found: found.state, none, info: told(await calls[1]!.info()) }
  },

  async 'onDuplicate again: once more after it, with the newest arguments'({ queue, work }) {
    const begun = gate()
    const end = gate()
    const ran: string[] = []
    const index = queue.task(
      'index',
      async (what: string) => {
        ran.push(what)
        begun.open()
        await end.opened
        return what
      },
      { key: 'k', onDuplicate: 'again' },
    )
    await work()
    const first = index('a')
    await begun.opened
    const second = index('b')
    await second.enqueued
    const third = index.with({ priority: 'low' })('c')
    await third.enqueued
    const before = [second.joined, third.joined, third.id === second.id, told(await second.info())]
    const counts = await queue.counts()
    end.open()
    const outcomes = await Promise.all([first, second, third].map(outcome))
    assert.deepEqual(ran, ['a', 'c'])
    return { before, counts, ran, outcomes }
  },

  async 'again, when the one that waited was cancelled'({ queue, work }) {
    const begun = gate()
    const end = gate()
    const ran: string[] = []
    const index = queue.task(
      'index',
      async (what: string) => {
        ran.push(what)
        begun.open()
        await end.opened
        return what
      },
      { key: 'k', onDuplicate: 'again' },
    )
    await work()
    const first = index('a')
    await begun.opened
    const second = index('b')
    const cancelled = await second.cancel('not this one')
    const third = index('c')
    await third.enqueued
    const joined = third.joined
    end.open()
    const outcomes = await Promise.all([first, second, third].map(outcome))
    const fourth = await both(index('d'))
    assert.deepEqual(ran, ['a', 'c', 'd'])
    return { cancelled, joined, outcomes, fourth, second: told(await second.info()) }
  },

  async 'the one that waits for another with its key has its own times'({ queue, work }) {
    const begun = gate()
    const end = gate()
    const index = queue.task(
      'index',
      async () => {
        begun.open()
        await end.opened
      },
      { key: 'k', onDuplicate: 'again' },
    )
    await work()
    const first = index()
    await begun.opened
    const seen = await both(index.with({ ttl: 50 })())
    assert.equal(seen.info?.state, 'expired')
    const later = index.with({ delay: 1_000 })()
    await later.enqueued
    const during = told(await later.info())
    end.open()
    const firstSeen = await outcome(first)
    const info = await later.info()
    const wait = (info?.nextRunAt?.getTime() ?? 0) - (info?.createdAt.getTime() ?? 0)
    assert.ok(Math.abs(wait - 1_000) < 3, String(wait))
    return { seen, firstSeen, during, after: told(info), later: await outcome(later) }
  },

  async 'a failed task gives its key to the next; then it cannot run again'({ queue, work }) {
    const begun = gate()
    const end = gate()
    const once = queue.task(
      'once',
      async (isBad: boolean) => {
        if (isBad) throw new Error('bad')
        begun.open()
        await end.opened
      },
      { key: 'k' },
    )
    await work()
    const bad = once(true)
    await outcome(bad)
    const good = once(false)
    await begun.opened
    const answers = [await queue.retry(bad.id), good.joined]
    end.open()
    await good.get()
    answers.push(await queue.retry(bad.id))
    return { answers, again: await both(queue.handle(bad.id)) }
  },

  async 'keyTtl holds the key after the end'({ queue, work }) {
    let runs = 0
    const once = queue.task('once', () => ++runs, { key: 'k', keyTtl: 1_500 })
    await work()
    const first = await outcome(once())
    const second = once()
    const joined = [await outcome(second), second.joined]
    await delay(1_550)
    const third = once()
    const seen = { first, joined, third: [await outcome(third), third.joined] }
    assert.deepEqual(seen, {
      first: { value: 1 },
      joined: [{ value: 1 }, true],
      third: [{ value: 2 }, false],
    })
    return seen
  },

  async 'keyTtl: cancelling frees the key, and one that follows keeps the time'({ queue, work }) {
    const note = queue.task('note', (what: string) => what, { key: 'k', keyTtl: 60_000 })
    await queue.pause()
    await work()
    const first = note('a')
    await first.cancel()
    const second = note('b')
    await second.enqueued
    const third = note.with({ onDuplicate: 'again' })('c')
    await third.enqueued
    await queue.resume()
    const outcomes = await Promise.all([second, third].map(outcome))
    const fourth = note('d')
    assert.deepEqual(await outcome(fourth), { value: 'c' })
    return { outcomes, joined: [second, third, fourth].map((call) => call.joined) }
  },

  async 'unique: the arguments are the key'({ queue, work }) {
    const echo = queue.task('echo', (x: object) => x, { unique: true })
    await queue.pause()
    await work()
    const calls = [echo({ a: 1 }), echo({ a: 2 }), echo({ a: 1 })]
    await Promise.all(calls.map((call) => call.enqueued))
    await queue.resume()
    const outcomes = await Promise.all(calls.map(outcome))
    const joined = calls.map((call) => call.joined)
    assert.deepEqual(joined, [false, false, true])
    return { outcomes, joined }
  },

  async 'find and ensure'({ queue, work }) {
    let isBad = true
    const once = queue.task(
      'once',
      () => {
        if (isBad) throw new Error('bad')
        return 'good'
      },
      { key: 'k' },
    )
    await queue.pause()
    await work()
    const states = [(await once.find()).state, (await once.ensure()).state, (await once.ensure()).state]
    const { handle } = await once.with({ first: true }).ensure()
    const lane = (await handle.info())?.lane
    await queue.resume()
    const failed = await outcome(handle)
    states.push((await once.find()).state)
    isBad = false
    const anew = await once.ensure()
    states.push(anew.state)
    const good = await outcome(anew.handle)
    states.push((await once.find()).state)
    assert.deepEqual(states, ['none', 'none', 'queued', 'failed', 'failed', 'none'])
    return { states, lane, failed, good }
  },

  async 'lanes at concurrency 1: first, high, normal, low'({ queue, work }) {
    const ran: string[] = []
    const note = queue.task('note', (what: string) => void ran.push(what))
    await queue.pause()
    await work(1)
    const calls = [
      note.with({ priority: 'low' })('g'),
      note('e'),
      note.with({ priority: 'high' })('c'),
      note('f'),
      note.with({ first: true })('a'),
      note.with({ priority: 'high' })('d'),
      note.with({ first: true })('b'),
    ]
    await Promise.all(calls.map((call) => call.enqueued))
    const { lanes } = await queue.counts()
    await queue.resume()
    await Promise.all(calls.map((call) => call.get()))
    assert.deepEqual(ran, ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
    return { ran, lanes }
  },

  async 'the newest first, after what is in lane first'({ queue, work }) {
    const ran: string[] = []
    const note = queue.task('note', (what: string) => void ran.push(what))
    await queue.pause()
    await work(1)
    const calls = [note('e'), note.with({ first: true })('a')]
    for (const what of ['d', 'c', 'b']) calls.push(note.with({ first: 'newest' })(what))
    await Promise.all(calls.map((call) => call.enqueued))
    const before = [await queue.counts(), told(await calls[4]!.info())]
    const gone = await note.with({ first: 'newest' })('gone').cancel()
    await queue.resume()
    await Promise.all(calls.map((call) => call.get()))
    assert.deepEqual(ran, ['a', 'b', 'c', 'd', 'e'])
    return { ran, before, gone, after: await queue.counts() }
  },

  async 'moving what waits'({ queue, work }) {
    const ran: string[] = []
    const note = queue.task('note', (what: string) => void ran.push(what))
    await queue.pause()
    await work(1)
    const [a, b, c] = [note('a'), note('b'), note('c')]
    const later = note.with({ delay: 60_000 })('later')
    await Promise.all([a, b, c, later].map((call) => call.enqueued))
    const answers = [
      await queue.move(c.id, 'first'),
      await queue.move(a.id, 'low'),
      await queue.move(b.id, 'normal'),
      await queue.move(later.id, 'high'),
      await queue.move('no-such-task', 'high'),
    ]
    const lanes = [a, b, c, later].map(async (call) => (await call.info())?.lane)
    const counts = await queue.counts()
    await queue.resume()
    await Promise.all([a, b, c].map((call) => call.get()))
    answers.push(await queue.move(a.id, 'high'))
    assert.deepEqual(ran, ['c', 'b', 'a'])
    assert.deepEqual(answers, ['moved', 'moved', 'there', 'moved', 'none', 'ended'])
    return { ran, answers, counts, lanes: await Promise.all(lanes), left: await later.cancel() }
  },

  async 'pause and resume'({ queue, work }) {
    const echo = queue.task('echo', (n: number) => n)
    await work()
    await echo(0).get()
    await queue.pause()
    const [one, two] = [echo(1), echo(2)]
    await Promise.all([one.enqueued, two.enqueued])
    // A worker that was reading when it was told to pause gives back what it got.
    await until('both to be queued', async () => (await queue.counts()).queued === 2)
    const paused = [await queue.isPaused(), told(await one.info())]
    await queue.resume()
    return { paused, after: [await queue.isPaused(), await outcome(one), await outcome(two)] }
  },

  async 'calls inside a handler at concurrency 1'({ queue, work }) {
    const depth = queue.task('depth', async (n: number): Promise<number> => {
      return n === 0 ? 0 : 1 + (await depth(n - 1).get())
    })
    await work(1)
    const seen = await both(depth(6))
    assert.deepEqual(seen.outcome, { value: 6 })
    return { seen, counts: await queue.counts() }
  },

  async 'progress, as it comes and as it stays'({ queue, work }) {
    const next = [gate(), gate(), gate()]
    const steps = queue.task('steps', async () => {
      for (const [step, { opened }] of next.entries()) {
        await queue.updateProgress({ step, done: new Set([step]) })
        await opened
      }
    })
    await work()
    const handle = steps()
    const values: unknown[] = []
    for await (const value of handle.progress()) {
      values.push(value)
      next[values.length - 1]?.open()
    }
    assert.equal(values.length, 3)
    return { values, seen: await both(handle) }
  },

  async 'what does not fit a schema'({ queue, work }) {
    const whole = {
      '~standard': {
        version: 1 as const,
        vendor: 'spec',
        validate: (value: unknown) =>
          Number.isInteger(value) ? { value: value as number } : { issues: [{ message: 'not whole' }] },
      },
    }
    const half = queue.task('half', (n: number) => n / 2, { input: whole, output: whole })
    await work()
    let refused: unknown
    try {
      half(1.5)
    } catch (error) {
      refused = shown(error)
    }
    return { refused, seen: [await both(half(4)), await both(half(3))] }
  },

  async 'what cannot cross'({ queue, work }) {
    const echo = queue.task('echo', (x: unknown) => x)
    const give = queue.task('give', () => ({ inside: [() => {}] }))
    const say = queue.task('say', () => currentTask().updateProgress(Symbol('s')))
    await work()
    const refused = [() => {}, Symbol('s'), { a: Promise.resolve(1) }].map((value) => {
      try {
        echo(value)
        return 'accepted'
      } catch (error) {
        return shown(error)
      }
    })
    return { refused, give: await both(give()), say: await both(say()) }
  },

  'what is too large': [
    { maxPayload: 1_000, maxResult: 500 },
    async ({ queue, work }) => {
      const echo = queue.task('echo', (x: string) => x)
      await work()
      let refused: unknown
      try {
        echo('x'.repeat(1_000))
      } catch (error) {
        refused = shown(error)
      }
      return { refused, result: await both(echo('x'.repeat(600))), fine: await both(echo('x')) }
    },
  ],

  async 'arguments and results are copies'({ queue, work }) {
    const kept: { list: number[] }[] = []
    const push = queue.task('push', (x: { list: number[] }) => {
      x.list.push(9)
      kept.push(x)
      return x
    })
    await queue.pause()
    await work()
    const given = { list: [1] }
    const handle = push(given)
    given.list.push(2)
    await queue.resume()
    const [one, two] = [await handle.get(), await handle.get()]
    one.list.push(3)
    kept[0]?.list.push(4)
    assert.deepEqual([given, one, two], [{ list: [1, 2] }, { list: [1, 9, 3] }, { list: [1, 9] }])
    return { given, one, two, info: told(await handle.info()) }
  },

  async 'values of every kind'({ queue, work }) {
    const echo = queue.task('echo', (x: unknown) => x)
    await work()
    const circular: { self?: unknown } = {}
    circular.self = circular
    const odd = [undefined, Number.NaN, null, 2n ** 80n, new Date(0), new Map([[{ a: 1 }, new Set([1])]])]
    return [await both(echo(odd)), await outcome(echo(circular)), await outcome(echo(Buffer.from([0, 255])))]
  },

  'more than maxQueued': [
    { maxQueued: 2 },
    async ({ queue, work }) => {
      const echo = queue.task('echo', (n: number) => n)
      await queue.pause()
      await work()
      const keyed = echo.with({ key: 'k' })
      const calls = [keyed(1), echo.with({ delay: 60_000 })(2), echo(3), keyed(4)]
      const accepted = await Promise.all(calls.map((call) => call.enqueued.then(seen, shown)))
      const third = await outcome(calls[2]!)
      await queue.resume()
      return { accepted, third, first: await outcome(calls[0]!), cancelled: await calls[1]!.cancel() }
    },
  ],

  'a name that nobody knows: waits for it, or fails': [
    { unknownTtl: 1_500 },
    async ({ queue, work }) => {
      queue.task('known', () => {})
      const strange = queue.remote<() => number>('strange')
      await work()
      const handle = strange()
      await until('it to be parked', async () => (await queue.counts()).parked === 1)
      const during = told(await handle.info())
      const parked = await queue.tasks({ state: 'parked' })
      return { during, parked: parked.map(told), seen: await both(handle) }
    },
  ],

  'a name that nobody knows, at once': [
    { unknownTtl: 0 },
    async ({ queue, work }) => {
      queue.task('known', () => {})
      await work()
      return both(queue.remote<() => number>('strange')())
    },
  ],

  async 'waiting: for so long, until a signal, by id, for nothing'({ queue, work }) {
    const end = gate()
    const slow = queue.task('slow', () => end.opened.then(() => 'end'))
    await work()
    const handle = slow()
    const timeout = await handle.get({ timeout: 30 }).catch(shown)
    const signal = await handle.get({ signal: AbortSignal.abort(new Error('mine')) }).catch(shown)
    const byId = outcome(queue.handle(handle.id))
    end.open()
    const lost = await outcome(queue.handle('no-such-task'))
    return { timeout, signal, byId: await byId, lost, none: await queue.getTask('no-such-task') }
  },

  async 'failed tasks: listed, grouped, run again, removed'({ queue, work }) {
    let isBad = true
    const pick = queue.task('pick', (n: number) => {
      if (isBad) throw new Error(`item ${n} is bad`)
      return n
    })
    await work()
    const calls: TaskHandle<number>[] = []
    for (const n of [1, 2, 3]) {
      // Of the same ms they would be listed in the order of their ids.
      await delay(3)
      calls.push(pick(n))
      await outcome(calls.at(-1)!)
    }
    const listed = (await queue.tasks({ state: 'failed' })).map((info) => info.args?.[0])
    const groups = (await queue.failures()).map(({ name, error, count }) => ({ name, error, count }))
    isBad = false
    const answers: unknown[] = [await queue.retry(calls[0]!.id), await queue.retry('no-such-task')]
    const again = await both(queue.handle(calls[0]!.id))
    answers.push(await queue.retry(calls[0]!.id), await queue.remove(calls[1]!.id), await calls[1]!.info())
    answers.push(await queue.retry({ name: 'pick' }), await outcome(queue.handle(calls[2]!.id)))
    answers.push(await queue.clear('failed'))
    return { listed, groups, answers, again, counts: await queue.counts() }
  },

  async 'tasks that wait, listed and removed'({ queue, work }) {
    const note = queue.task('note', (_: string) => {})
    await queue.pause()
    await work()
    const calls = [
      note('n1'),
      note.with({ priority: 'high' })('h'),
      note('n2'),
      note.with({ delay: 90_000 })('d2'),
      note.with({ delay: 80_000 })('d1'),
    ]
    await Promise.all(calls.map((call) => call.enqueued))
    const names = (infos: TaskInfo[]): unknown => infos.map((info) => info.args?.[0])
    const queued = names(await queue.tasks({ state: 'queued' }))
    const lane = names(await queue.tasks({ state: 'queued', lane: 'normal', limit: 1 }))
    const scheduled = names(await queue.tasks({ state: 'scheduled' }))
    const waits = [outcome(calls[0]!), outcome(calls[3]!)]
    const removed = [await queue.remove(calls[0]!.id), await queue.clear('scheduled')]
    assert.deepEqual(scheduled, ['d1', 'd2'])
    return { queued, lane, scheduled, removed, waits: await Promise.all(waits) }
  },

  async 'those that wait for others: counted, listed, gone on, cancelled, removed, and again'({
    queue,
    work,
  }) {
    let isBad = true
    const step = queue.task('step', (name: string) => {
      if (isBad && name === 'bad') throw new Error('bad')
      return name
    })
    await queue.pause()
    await work()
    const looks: unknown[] = []
    const look = async (): Promise<void> => {
      const listed = await queue.tasks({ state: 'waiting' })
      looks.push([(await queue.counts()).waiting, listed.map(({ args }) => String(args?.[0])).sort()])
    }
    const again = { key: 'k', onDuplicate: 'again' } as const
    const calls: TaskHandle<string>[] = []
    const call = async (task: typeof step, name: string): Promise<TaskHandle<string>> => {
      const handle = task(name)
      calls.push(handle)
      await handle.enqueued
      return handle
    }
    const bad = await call(step.with(again), 'bad')
    await call(step.with(again), 'follows')
    const child = await call(step.with({ after: bad, onFailure: step.prepare('told') }), 'child')
    await call(step.with({ after: bad, ttl: 60_000 }), 'cancelled')
    await call(step.with({ after: bad, onParentFailure: 'run', priority: 'low' }), 'runs')
    await look()
    const moved = [await queue.move(calls[4]!.id, 'high'), await calls[3]!.cancel()]
    await look()
    await queue.resume()
    const first = await Promise.all(calls.map(outcome))
    await look()
    await queue.pause()
    isBad = false
    const retried = [await queue.retry(bad.id), await queue.retry(child.id)]
    const behind = await call(step.with({ after: child }), 'behind')
    await look()
    const cleared = await queue.remove(behind.id)
    await look()
    await queue.resume()
    const second = await Promise.all([bad, child, behind].map(({ id }) => outcome(queue.handle(id))))
    await look()
    assert.deepEqual(looks, [
      [5, ['cancelled', 'child', 'follows', 'runs', 'told']],
      [4, ['child', 'follows', 'runs', 'told']],
      ...[
        [0, []],
        [2, ['behind', 'child']],
        [1, ['child']],
        [0, []],
      ],
    ])
    return { looks, moved, first, retried, cleared, second }
  },

  async 'limits: at once, and by turns'({ queue, work }) {
    const open = new Map<string, number>()
    const most = new Map<string, number>()
    const order: string[] = []
    const sync = queue.task(
      'sync',
      async (tenant: string, n: number) => {
        order.push(`${tenant}${n}`)
        const atOnce = (open.get(tenant) ?? 0) + 1
        open.set(tenant, atOnce)
        most.set(tenant, Math.max(most.get(tenant) ?? 0, atOnce))
        await delay(5)
        open.set(tenant, atOnce - 1)
      },
      { limit: { concurrency: 1, key: (tenant: string) => tenant } },
    )
    await queue.pause()
    const calls = [sync('a', 1), sync('a', 2), sync('a', 3), sync('b', 1), sync('b', 2), sync('c', 1)]
    await Promise.all(calls.map((call) => call.enqueued))
    const { queued, lanes } = await queue.counts()
    await work()
    await queue.resume()
    await Promise.all(calls.map((call) => call.get()))
    const first = order.slice(0, 3).sort()
    assert.deepEqual(first, ['a1', 'b1', 'c1'])
    assert.deepEqual([...most.values()], [1, 1, 1])
    return { queued, lanes, first, most: [...most], counts: await queue.counts() }
  },

  async 'limits: a rate, which holds up others neither that wait for it nor that do not'({ queue, work }) {
    const limited = queue.task('limited', (n: number) => n, { limit: { max: 2, per: 60_000 } })
    const free = queue.task('free', (n: number) => n)
    await work()
    const calls = [limited(1), limited(2), limited(3), limited.with({ ttl: 50 })(4)]
    const seen = await Promise.all([
      outcome(calls[0]!),
      outcome(calls[1]!),
      outcome(free(5)),
      outcome(calls[3]!),
    ])
    const waits = told(await calls[2]!.info())
    assert.equal(waits?.state, 'queued')
    const moved = await queue.move(calls[2]!.id, 'high')
    return { seen, waits, moved, cancelled: await calls[2]!.cancel(), counts: await queue.counts() }
  },

  async 'limits: refused keys'({ queue }) {
    const task = queue.task('t', (_: unknown) => {}, { limit: { key: (value: unknown) => value as string } })
    const thrown: unknown[] = []
    for (const bad of [undefined, '', 5]) {
      try {
        task(bad)
      } catch (error) {
        thrown.push(shown(error))
      }
    }
    assert.equal(thrown.length, 3)
    return thrown
  },

  async 'what is yielded: in order, behind a gap, before an error, of another attempt'({ queue, work }) {
    const count = queue.task(
      'count',
      async function* (n: number, badAt = 0) {
        for (let i = 1; i <= n; i++) {
          if (i === badAt && currentTask().attempt === 1) throw new RangeError(`not ${i}`)
          yield { i, at: new Date(i) }
        }
        return `counted ${n}`
      },
      { streamBuffer: 20 },
    )
    const flood = queue.task(
      'flood',
      function* (n: number) {
        for (let i = 1; i <= n; i++) yield i
      },
      { streamBuffer: 3, onStreamFull: 'drop' },
    )
    const odd = queue.task('odd', function* () {
      yield 1
      yield () => {}
    })
    const read = async (handle: TaskHandle<unknown>, options = {}): Promise<unknown[]> => {
      const seen: unknown[] = []
      try {
        for await (const chunk of handle.stream(options)) seen.push(chunk)
      } catch (error) {
        seen.push(shown(error))
      }
      return [...seen, await both(handle)]
    }
    await work()
    const all = await read(count(1_000))
    assert.equal(all.length, 1_001)
    const flooded = [flood(10), flood(10)] as const
    await Promise.all(flooded.map(outcome))
    const missed: number[] = []
    const gaps = [
      await read(flooded[0]),
      await read(flooded[1], { onGap: (n: number) => missed.push(n) }),
      missed,
    ]
    assert.deepEqual(missed, [7])
    const left = count(100)
    for await (const { i } of left.stream()) if (i === 5) break
    const broken = count(100)
    for await (const { i } of broken.stream({ cancelOnBreak: true })) if (i === 5) break
    const breaks = [await outcome(left), await outcome(broken)]
    const again = count.with({ retries: 1, backoff: 0 })(4, 3)
    await outcome(again)
    return {
      all,
      gaps,
      breaks,
      bad: await read(count(9, 4)),
      odd: await read(odd()),
      again: await read(again),
    }
  },

  async 'schedules: defined, fired, paused, run now, removed'({ queue, work }) {
    const end = gate()
    const ran: string[] = []
    const note = queue.task('note', async (what: string) => {
      ran.push(what)
      if (what === 'slow') await end.opened
    })
    await work()
    const answers: unknown[] = []
    const at = Date.now() + 1_000
    for (const missed of ['once', 'once', 'all'] as const)
      answers.push(await queue.schedule('once', { at, missed }, note.prepare('once')))
    await queue.schedule(
      'slow',
      { every: 20, overlap: 'skip' },
      note.with({ priority: 'low' }).prepare('slow'),
    )
    await queue.schedule(
      'keyed',
      { every: 20, at: at + 1 },
      note.with({ key: 'k', keyTtl: 60_000 }).prepare('keyed'),
    )
    const find = async (name: string) => (await queue.schedules()).find((one) => one.name === name)!
    await until('both to run', () => ran.includes('once') && ran.includes('slow') && ran.includes('keyed'))
    const { next, lastTask } = await find('keyed')
    const first = next[0]!.getTime()
    await until('slots to pass', async () => (await find('keyed')).next[0]!.getTime() > first + 60)
    // The slots joined the task that holds the key.
    assert.equal((await find('keyed')).lastTask, lastTask)
    assert.deepEqual([...ran].sort(), ['keyed', 'once', 'slow'])
    answers.push(await queue.pauseSchedule('slow'), await queue.pauseSchedule('none'))
    end.open()
    const now = await queue.runSchedule('slow')
    answers.push(await outcome(now!), (await now!.info())?.lane, await queue.runSchedule('none'))
    answers.push(await queue.schedule('over', { at: 1 }, note.prepare('x')).catch(shown))
    const told = (await queue.schedules()).map(({ since, next, lastTask, lastRun, at, ...info }) => ({
      ...info,
      ...{ has: [at, since, lastRun].map((time) => time instanceof Date), next: next.length },
      lastTask: lastTask?.replace(/\d{13}|[\w-]{22}/, '<id>'),
    }))
    told.sort((a, b) => a.name.localeCompare(b.name))
    answers.push(
      await queue.resumeSchedule('slow'),
      await queue.unschedule('slow'),
      await queue.hasSchedule('slow'),
    )
    answers.push(
      await queue.unschedule('keyed'),
      await queue.unschedule('slow'),
      (await queue.schedules()).length,
    )
    return {
      answers,
      told,
      ran: [...ran].sort(),
      task: told.length > 0 && (await queue.getTask(`once:${at}`))?.state,
    }
  },

  async 'batches: a result, an error, the wrong number, a cancelled one'({ queue, work }) {
    const upper = queue.batch(
      'upper',
      (calls: BatchCall<[text: string]>[]) =>
        calls.map(({ args: [text], attempt }) =>
          text === '' ? new RangeError(`empty ${attempt}`) : text.toUpperCase(),
        ),
      { retries: 1, backoff: 0 },
    )
    const wrong = queue.batch('wrong', () => [1, 2], { retries: 1 })
    let hasBegun = false
    const slow = queue.batch('slow', async ([call]: BatchCall<[]>[]) => {
      hasBegun = true
      await new Promise((resolve) => call!.signal.addEventListener('abort', resolve))
    })
    await work()
    const calls = [upper('a'), upper(''), upper('b'), wrong(0)]
    const cancelled = slow()
    await until('it to run', () => hasBegun)
    await cancelled.cancel('no more')
    const seen = await Promise.all([...calls, cancelled].map((call) => both(call)))
    assert.deepEqual(seen[0]?.outcome, { value: 'A' })
    assert.equal(seen[1]?.info?.attempt, 2)
    return seen
  },

  async 'tasks with a commit, which fails at first'({ queue, work }) {
    let tries = 0
    const commit = (): void => {
      tries += 1
      if (tries === 1) throw new Error('not yet')
    }
    const row = queue.task('row', (n: number) => n, { commitEvery: 2, commit, retries: 1, backoff: 0 })
    const calls = [row(1), row(2)]
    await Promise.all(calls.map((call) => call.enqueued))
    await work(1)
    return { seen: await Promise.all(calls.map((call) => both(call))) }
  },

  async 'counts, when all has ended'({ queue, work }) {
    const echo = queue.task('echo', (n: number) => {
      if (n < 0) throw new Error('negative')
      return n
    })
    await work()
    const calls = [echo(1), echo(-1), echo.with({ delay: 60_000 })(2), echo.with({ deadline: 0 })(3)]
    await calls[2]!.cancel()
    await Promise.all(calls.map(outcome))
    const counts = await queue.counts()
    assert.deepEqual(counts.ended, { succeeded: 1, failed: 1, cancelled: 1, expired: 1 })
    return counts
  },
}

describe('in Redis and in this process alike', () => {
  Object.entries(SCENARIOS).forEach(([name, given], index) => {
    test(name, { timeout: 30_000 }, async () => {
      const [options, scenario] = Array.isArray(given) ? given : [{}, given]
      const play = async (stage: Stage): Promise<unknown> => {
        await using open = stage
        return await scenario(open)
      }
      const queue = `c${index}`
      const [there, here] = await Promise.all([play(inRedis(queue, options)), play(inline(queue, options))])
      assert.deepEqual(here, there)
    })
  })
})
