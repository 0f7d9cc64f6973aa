/** What has failed and what is in the queue: listing, grouping, running again, removing. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { currentTask, type ListedState, type TaskFilter, type TaskHandle } from '../../lib/index.ts'
import { type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()
const MINUTE = 60_000

/** Fails with this message until the spec makes it well. */
function failing(s: Fresh, name = 'fail') {
  const health = { isGood: false, runs: 0 }
  const task = s.queue.task(name, (message: string) => {
    health.runs += 1
    if (!health.isGood) throw new Error(message)
    return currentTask().attempt
  })
  const fail = async (...messages: string[]): Promise<TaskHandle<number>[]> => {
    const handles = messages.map((message) => task(message))
    for (const handle of handles) await rejection(handle.get())
    return handles
  }
  return { task, health, fail }
}

/** Of failures of the same ms none is older. */
const nextMs = (now = Date.now()) => until('the next ms', () => Date.now() > now + 1)

/** One task in each state that can be listed. */
async function oneOfEach(s: Fresh) {
  const { passed, open } = gate<string>()
  const hold = s.queue.task('hold', (_: string) => passed)
  const { fail } = failing(s)
  await s.work({ concurrency: 1, prefetch: 0 })
  const [failed] = await fail('no')
  const parked = s.queue.remote<() => void>('nobody')()
  await until('it to be parked', async () => (await parked.info())?.state === 'parked')
  const running = hold('running')
  await until('it to run', async () => (await running.info())?.state === 'running')
  const queued = hold.with({ priority: 'low' })('queued')
  const scheduled = hold.with({ delay: MINUTE })('scheduled')
  const waiting = hold.with({ after: scheduled })('waiting')
  await Promise.all([queued.enqueued, scheduled.enqueued, waiting.enqueued])
  return { queued, running, waiting, scheduled, parked, failed: failed as TaskHandle<unknown>, open }
}

const ids = async (s: Fresh, filter: TaskFilter): Promise<string[]> =>
  (await s.queue.tasks(filter)).map(({ id }) => id)

describe('looking', () => {
  test('tasks() lists each state, and counts() counts it', async () => {
    await using s = fresh()
    const { open, ...all } = await oneOfEach(s)
    for (const [state, handle] of Object.entries(all)) {
      const listed = await s.queue.tasks({ state: state as ListedState })
      assert.deepEqual(
        listed.map((info) => [info.id, info.state]),
        [[handle.id, state]],
      )
    }
    assert.deepEqual(await s.queue.counts(), {
      ...{ waiting: 1, scheduled: 1, queued: 1, running: 1, parked: 1, failed: 1 },
      lanes: { first: 0, high: 0, normal: 0, low: 1 },
      ended: { succeeded: 0, failed: 1, cancelled: 0, expired: 0 },
    })
    open('well')
    await Promise.all([all.running.get(), all.queued.get()])
    const { running, queued, ended } = await s.queue.counts()
    assert.deepEqual([running, queued, ended.succeeded], [0, 0, 2])
  })

  test('by lane, by name, by age, and up to a limit', async () => {
    await using s = fresh()
    const [one, two] = [s.queue.task('one', () => {}), s.queue.task('two', () => {})]
    const calls = [one(), two(), one.with({ priority: 'low' })(), one.with({ first: true })()]
    for (const call of calls) await call.enqueued
    const [a, b, c, d] = calls.map(({ id }) => id) as [string, string, string, string]
    const find = (filter: Omit<TaskFilter, 'state'>) => ids(s, { state: 'queued', ...filter })
    assert.deepEqual(await find({}), [d, a, b, c], 'in the order in which they will be taken')
    assert.deepEqual(await find({ lane: 'low' }), [c])
    assert.deepEqual(await find({ name: 'two' }), [b])
    assert.deepEqual(await find({ limit: 2 }), [d, a])
    assert.deepEqual(await find({ before: new Date(0) }), [])
    assert.deepEqual((await find({ before: new Date(Date.now() + MINUTE) })).length, 4)
  })

  test('more than fit into one look, and by default the first hundred', async () => {
    await using s = fresh()
    const task = s.queue.task('task', (_: number) => {})
    await Promise.all(Array.from({ length: 250 }, (_, n) => task(n).enqueued))
    assert.equal((await s.queue.tasks({ state: 'queued' })).length, 100)
    const all = await s.queue.tasks({ state: 'queued', limit: 1_000 })
    assert.deepEqual(
      all.map(({ args }) => args?.[0]),
      Array.from({ length: 250 }, (_, n) => n),
    )
  })

  test('failures() puts together what failed alike, whatever ids, numbers and names it speaks of', async () => {
    await using s = fresh()
    const { fail } = failing(s)
    const { fail: failOther } = failing(s, 'other')
    await s.work()
    const alike = await fail('no user 17 in "paris"', 'no user 4 in "rome"')
    await nextMs()
    alike.push(...(await fail('no user 3fa85f64-5717-4562-b3fc-2c963f66afa6 in "a b"')))
    const [different] = await fail('no route')
    const [other] = await failOther('no user 1 in "oslo"')
    const groups = await s.queue.failures()
    assert.deepEqual(
      groups.map(({ name, error, count }) => [name, error, count]).sort(),
      [
        ['fail', 'Error: no user # in …', 3],
        ['fail', 'Error: no route', 1],
        ['other', 'Error: no user # in …', 1],
      ].sort(),
    )
    const [largest] = groups
    assert.equal(largest!.count, 3, 'the largest comes first')
    assert.equal(largest!.example, alike[2]!.id, 'the example is the newest')
    assert.ok(largest!.oldest <= largest!.newest)
    const { fingerprint } = largest!
    const listed = await ids(s, { state: 'failed', fingerprint })
    assert.deepEqual(new Set(listed), new Set(alike.map(({ id }) => id)))
    assert.deepEqual(await ids(s, { state: 'failed', name: 'other' }), [other!.id])
    assert.equal((await ids(s, { state: 'failed' })).includes(different!.id), true)
  })

  test('at most maxFailed failures are kept: the newest', async () => {
    await using s = fresh({ maxFailed: 3 })
    const { fail } = failing(s)
    await s.work()
    const handles = []
    for (let n = 0; n < 6; n++) {
      handles.push(...(await fail(`no ${n}`)))
      await nextMs()
    }
    const kept = await ids(s, { state: 'failed' })
    assert.equal(kept.length, 3)
    const counts = await s.queue.counts()
    assert.deepEqual([counts.failed, counts.ended.failed], [3, 6])
    assert.deepEqual(
      kept,
      handles
        .slice(3)
        .reverse()
        .map(({ id }) => id),
    )
  })
})
