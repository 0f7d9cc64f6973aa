/** In what order tasks begin: lanes, `first`, and moving from one to another. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Lane, OptionError, type TaskHandle } from '../../lib/index.ts'
import { type Fresh, freshQueues, gate } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()
/** So that the order of the starts is that of the queue. */
const ONE = { concurrency: 1, prefetch: 0 }

function noted(s: Fresh) {
  const ran: string[] = []
  const task = s.queue.task('noted', (what: string) => void ran.push(what))
  const low = task.with({ priority: 'low' })
  const high = task.with({ priority: 'high' })
  const first = task.with({ first: true })
  return { task, low, high, first, ran }
}

/** One after the other, so that their order is that of the list. */
async function accepted(calls: (() => TaskHandle)[]): Promise<TaskHandle[]> {
  const handles: TaskHandle[] = []
  for (const call of calls) {
    handles.push(call())
    await handles.at(-1)!.enqueued
  }
  return handles
}

async function runAll(s: Fresh, handles: TaskHandle[]): Promise<void> {
  await s.work(ONE)
  await Promise.all(handles.map((handle) => handle.get()))
}

describe('lanes', () => {
  test('first before high before normal before low, and in the order of the calls within each', async () => {
    await using s = fresh()
    const { task, low, high, first, ran } = noted(s)
    const handles = await accepted([
      ...[() => low('7'), () => task('5'), () => high('3'), () => first('1')],
      ...[() => low('8'), () => task('6'), () => high('4'), () => first('2')],
    ])
    assert.deepEqual((await s.queue.counts()).lanes, { first: 2, high: 2, normal: 2, low: 2 })
    await runAll(s, handles)
    assert.deepEqual(ran, ['1', '2', '3', '4', '5', '6', '7', '8'])
  })

  test('also for calls that leave in one batch', async () => {
    await using s = fresh()
    const { task, low, high, first, ran } = noted(s)
    const handles = [low('7'), task('5'), high('3'), first('1'), low('8'), task('6'), high('4'), first('2')]
    await Promise.all(handles.map((handle) => handle.enqueued))
    await runAll(s, handles)
    assert.deepEqual(ran, ['1', '2', '3', '4', '5', '6', '7', '8'])
  })

  test('500 of one lane begin in the order of their calls', async () => {
    await using s = fresh()
    const { task, ran } = noted(s)
    const handles = Array.from({ length: 500 }, (_, n) => task(String(n)))
    await Promise.all(handles.map((handle) => handle.enqueued))
    await runAll(s, handles)
    assert.deepEqual(
      ran,
      Array.from({ length: 500 }, (_, n) => String(n)),
    )
  })

  test('what is more urgent and comes while others wait goes before them', async () => {
    await using s = fresh()
    const { task, low, high, first, ran } = noted(s)
    const { passed, open } = gate()
    const hold = s.queue.task('hold', () => passed)
    await s.work(ONE)
    const busy = hold()
    await until('it to run', async () => (await busy.info())?.state === 'running')
    const handles = await accepted([() => low('4'), () => task('3'), () => high('2'), () => first('1')])
    open()
    await Promise.all(handles.map((handle) => handle.get()))
    assert.deepEqual(ran, ['1', '2', '3', '4'])
  })

  test("`first: 'newest'`: of those the last that came begins first, after what lies in lane first", async () => {
    await using s = fresh()
    const { task, first, ran } = noted(s)
    const newest = task.with({ first: 'newest' })
    const handles = await accepted([
      ...[() => task('5'), () => newest('3'), () => first('4'), () => newest('2'), () => newest('1')],
    ])
    const counts = await s.queue.counts()
    assert.equal(counts.queued, 5)
    await runAll(s, handles)
    assert.deepEqual(ran, ['4', '1', '2', '3', '5'])
  })

  test('an attempt after one that failed waits in the task’s own lane', async () => {
    await using s = fresh()
    const fail = s.queue.task('fail', () => {
      throw new Error('no')
    })
    await s.work()
    const handle = fail.with({ priority: 'low', retries: 1, backoff: 60_000 })()
    await until('it to be scheduled', async () => (await handle.info())?.state === 'scheduled')
    assert.equal((await handle.info())?.lane, 'low')
  })
})

describe('move', () => {
  test('to first, to low, and back: it is the last of its new lane', async () => {
    await using s = fresh()
    const { task, low, first, ran } = noted(s)
    const [a, b, c] = (await accepted([
      () => task('a'),
      () => task('b'),
      () => low('c'),
      () => first('d'),
    ])) as [TaskHandle, TaskHandle, TaskHandle]
    const created = (await b.info())?.createdAt
    assert.equal(await s.queue.move(a.id, 'low'), 'moved')
    assert.equal(await s.queue.move(b.id, 'first'), 'moved')
    assert.equal(await s.queue.move(c.id, 'low'), 'there')
    assert.deepEqual((await s.queue.counts()).lanes, { first: 2, high: 0, normal: 0, low: 2 })
    const info = await b.info()
    assert.deepEqual(
      [info?.state, info?.lane, info?.args, info?.createdAt],
      ['queued', 'first', ['b'], created],
    )
    await runAll(s, [a, b, c])
    assert.deepEqual(ran, ['d', 'b', 'c', 'a'])
  })

  test('several times over, and the task still runs once', async () => {
    await using s = fresh()
    const { task, ran } = noted(s)
    const handle = task('a')
    await handle.enqueued
    const lanes: Lane[] = ['first', 'low', 'high', 'normal', 'low', 'normal', 'first']
    for (const lane of lanes) assert.equal(await s.queue.move(handle.id, lane), 'moved')
    assert.deepEqual(
      (await s.queue.tasks({ state: 'queued' })).map(({ id, lane }) => [id, lane]),
      [[handle.id, 'first']],
    )
    await runAll(s, [handle, task('b')])
    assert.deepEqual(ran, ['a', 'b'])
  })

  test('while a worker takes tasks: each runs once, moved or not', async () => {
    await using s = fresh()
    const { task, ran } = noted(s)
    await s.work()
    const other = s.other()
    const handles = Array.from({ length: 300 }, (_, n) => task(String(n)))
    const answers = await Promise.all(
      handles.map(async (handle) => {
        await handle.enqueued
        return other.move(handle.id, 'first')
      }),
    )
    await Promise.all(handles.map((handle) => handle.get()))
    assert.equal(ran.length, 300)
    assert.equal(new Set(ran).size, 300)
    for (const answer of answers) assert.match(answer, /^(moved|running|ended)$/)
  })

  test('a scheduled task goes to the other lane when its time comes', async () => {
    await using s = fresh()
    const { task } = noted(s)
    const handle = task.with({ delay: 300 })('a')
    await handle.enqueued
    assert.equal(await s.queue.move(handle.id, 'high'), 'moved')
    const info = await handle.info()
    assert.deepEqual([info?.state, info?.lane], ['scheduled', 'high'])
    assert.equal(await s.queue.move(handle.id, 'high'), 'there')
    await s.work()
    await handle.get()
    assert.equal((await handle.info())?.lane, 'high')
  })

  test('what runs, has ended, or is not there stays where it is', async () => {
    await using s = fresh()
    const { task } = noted(s)
    const { passed, open } = gate()
    const hold = s.queue.task('hold', () => passed)
    await s.work()
    const busy = hold()
    await until('it to run', async () => (await busy.info())?.state === 'running')
    assert.equal(await s.queue.move(busy.id, 'first'), 'running')
    open()
    const done = task('a')
    await Promise.all([busy.get(), done.get()])
    assert.equal(await s.queue.move(done.id, 'first'), 'ended')
    const cancelled = task.with({ delay: 60_000 })('b')
    await cancelled.cancel()
    assert.equal(await s.queue.move(cancelled.id, 'first'), 'ended')
    assert.equal(await s.queue.move('nobody', 'first'), 'none')
  })
})

test('lanes and priorities that are not known are refused', async () => {
  await using s = fresh()
  const { task } = noted(s)
  const handle = task('a')
  await handle.enqueued
  for (const lane of ['urgent', '', 'First', 7, null]) {
    const error = await s.queue.move(handle.id, lane as Lane).then(assert.fail, (thrown) => thrown)
    assert.ok(error instanceof OptionError)
    assert.match(error.message, /lane must be one of first, high, normal, low \(given: /)
  }
  await assert.rejects(s.queue.move('a b', 'first'), OptionError)
  await assert.rejects(s.queue.move(handle.id, undefined as never), OptionError)
  assert.throws(() => task.with({ priority: 'first' as never }), /priority must be one of high, normal, low/)
  assert.throws(() => task.with({ first: 'yes' as never }), /first must be true, false or 'newest'/)
  assert.throws(() => task.with({ first: true, priority: 'low' }), /first and priority exclude each other/)
  assert.equal((await handle.info())?.lane, 'normal')
})
