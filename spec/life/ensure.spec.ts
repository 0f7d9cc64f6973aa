/** `find` and `ensure`: asking for a task by its key, and making sure that there is one. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { currentTask, OptionError } from '../../lib/index.ts'
import { type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { start } from '../support/processes.ts'
import { until } from '../support/until.ts'

const on = freshQueues()
const { fresh } = on

/** Unique by its argument: fails if asked to, and holds until the spec says so if it is not. */
function report(s: Fresh) {
  const { passed, open } = gate()
  const runs: string[] = []
  const task = s.queue.task(
    'report',
    async (what: string) => {
      runs.push(currentTask().id)
      if (what === 'bad' && runs.length === 1) throw new Error('no')
      await passed
      return what
    },
    { unique: true },
  )
  return { task, runs, open }
}

describe('find', () => {
  test('tells how the task of these arguments stands: none, queued, running, and none again', async () => {
    await using s = fresh()
    const { task, open } = report(s)
    assert.deepEqual(await task.find('a'), { state: 'none', handle: undefined })
    const made = task('a')
    await made.enqueued
    const found = await task.find('a')
    assert.deepEqual([found.state, found.handle?.id], ['queued', made.id])
    assert.equal((await task.find('b')).state, 'none')
    await s.work()
    const running = await until('it to run', async () => {
      const now = await s.other().remote<typeof task>('report', { unique: true }).find('a')
      return now.state === 'running' && now
    })
    open()
    assert.equal(await running.handle?.get(), 'a')
    assert.equal((await task.find('a')).state, 'none', 'of one that ended well nothing is found')
  })

  test('a failed task is found as long as its failure is kept', async () => {
    await using s = fresh()
    const { task } = report(s)
    await s.work()
    const bad = task('bad')
    await rejection(bad.get())
    const found = await task.find('bad')
    assert.deepEqual([found.state, found.handle?.id], ['failed', bad.id])
    assert.equal(((await rejection(found.handle!.get())).cause as Error).message, 'no')
    await s.queue.remove(bad.id)
    assert.equal((await task.find('bad')).state, 'none')
  })
})

describe('ensure', () => {
  test('none: it is enqueued; queued: nothing is; running: nothing is', async () => {
    await using s = fresh()
    const { task, runs, open } = report(s)
    const first = await task.ensure('a')
    assert.deepEqual([first.state, first.handle.joined], ['none', false])
    const second = await task.ensure('a')
    assert.deepEqual(
      [second.state, second.handle.joined, second.handle.id],
      ['queued', true, first.handle.id],
    )
    await s.work()
    await until('it to run', () => runs.length === 1)
    const third = await task.ensure('a')
    assert.deepEqual([third.state, third.handle.id], ['running', first.handle.id])
    open()
    assert.equal(await third.handle.get(), 'a')
    assert.equal(runs.length, 1)
    assert.equal((await task.ensure('a')).state, 'none')
  })

  test('failed: it runs again, as a new task', async () => {
    await using s = fresh()
    const { task, open } = report(s)
    await s.work()
    const bad = task('bad')
    await rejection(bad.get())
    const again = await task.ensure('bad')
    assert.equal(again.state, 'failed')
    assert.notEqual(again.handle.id, bad.id)
    open()
    assert.equal(await again.handle.get(), 'bad')
    assert.equal((await bad.info())?.state, 'failed', 'the failure is kept')
  })

  test('with `first`, one that waits goes to the front', async () => {
    await using s = fresh()
    const { task, runs, open } = report(s)
    const handles = ['a', 'b', 'c'].map((what) => task(what))
    await Promise.all(handles.map((handle) => handle.enqueued))
    const urgent = await task.with({ first: true }).ensure('c')
    assert.deepEqual([urgent.state, urgent.handle.id], ['queued', handles[2]!.id])
    assert.equal((await urgent.handle.info())?.lane, 'first')
    assert.equal((await task.with({ first: true }).ensure('d')).state, 'none')
    open()
    await s.work({ concurrency: 1, prefetch: 0 })
    await Promise.all(handles.map((handle) => handle.get()))
    assert.equal(runs[0], handles[2]!.id)
    assert.equal(runs.length, 4)
  })

  test('200 from each of three Queue objects, and from another process, make one task', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    let runs = 0
    const once = s.queue.task(
      'once',
      async () => {
        runs += 1
        await passed
        return 'done'
      },
      { key: 'once' },
    )
    await s.work()
    const env = { REDIS_URL: on.redis.url, QUEUE: s.queue.name }
    await using child = start('spec/life/support/ensure.ts', { args: ['once', '200'], env })
    await child.prints('ready')
    child.signal('SIGUSR2')
    const queues = [s.queue, s.other(), s.other()]
    const callers = queues.map((queue) => queue.remote<typeof once>('once', { key: 'once' }))
    const all = await Promise.all(callers.flatMap((call) => Array.from({ length: 200 }, () => call.ensure())))
    const [, ids] = await child.prints(/ids (\S+)/)
    assert.deepEqual(new Set(ids!.split(',')), new Set([all[0]!.handle.id]))
    assert.equal(new Set(all.map(({ handle }) => handle.id)).size, 1)
    assert.ok(all.filter(({ state }) => state === 'none').length <= 1)
    open()
    assert.deepEqual(new Set(await Promise.all(all.map(({ handle }) => handle.get()))), new Set(['done']))
    assert.equal(runs, 1)
  })
})

test('without a key both are refused, saying how to give one', async () => {
  await using s = fresh()
  const task = s.queue.task('plain', () => {})
  for (const call of [task.find(), task.ensure(), task.with({ priority: 'high' }).find()]) {
    const error = await rejection(call)
    assert.ok(error instanceof OptionError)
    assert.match(error.message, /plain\.(find|ensure) needs a key: .*unique: true.*with\(\{ key \}\)/)
  }
  assert.equal((await s.queue.counts()).queued, 0)
})
