/** Workers that die in the middle of a batch or of a commit: its calls run again, and nothing is lost. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TaskFailedError } from '../../lib/index.ts'
import { type Fresh, freshQueues, rejection } from '../support/fresh.ts'
import { start } from '../support/processes.ts'

const on = freshQueues()
const { fresh } = on

// Each waits for processes to start and for leases to end.
describe('when workers die', { concurrency: 2 }, () => {
  const LEASE = { lease: 1_000, concurrency: 4 }
  const worker = (s: Fresh, ...more: string[]) =>
    start('spec/life/support/batcher.ts', {
      args: [JSON.stringify(LEASE), ...more],
      env: { REDIS_URL: on.redis.url, QUEUE: s.queue.name },
    })

  for (const where of ['middle', 'end']) {
    test(`in the ${where} of a batch, its calls run again, each with an attempt more`, async () => {
      await using s = fresh()
      const task = s.queue.remote<(mode: string) => string>('batch')
      const calls = Array.from({ length: 5 }, () => task(where))
      await Promise.all(calls.map((call) => call.enqueued))
      await using first = worker(s)
      assert.equal(await first.ended, 'SIGKILL', first.output)
      await using _second = worker(s)
      for (const call of calls) {
        // What was told of it before the end stays.
        const value = await call.get({ timeout: 30_000 })
        // A process that gets no time for as long as its lease counts as dead too.
        assert.match(value, where === 'middle' ? /^middle by attempt [2-9]$/ : /^end by attempt [1-9]$/)
        const info = await call.info()
        assert.deepEqual([info?.state, `${where} by attempt ${info?.attempt}`], ['succeeded', value])
      }
    })
  }

  test('of one call of a batch, that one is found out alone, and the others end well', async () => {
    await using s = fresh()
    const task = s.queue.remote<(mode: string) => void>('poisonous')
    const good = Array.from({ length: 4 }, () => task('good'))
    const poison = task('poison')
    await Promise.all([...good, poison].map((call) => call.enqueued))
    const all: ReturnType<typeof worker>[] = []
    for (let i = 0; i < 3; i++) {
      const one = worker(s)
      all.push(one)
      assert.equal(await one.ended, 'SIGKILL', one.output)
    }
    await using _last = worker(s)
    const error = await rejection<TaskFailedError>(poison.get({ timeout: 30_000 }))
    assert.equal((error.cause as { code?: string }).code, 'ERR_MILLRACE_POISON')
    for (const call of good) assert.equal(await call.get({ timeout: 30_000 }), undefined)
    assert.match(all[2]!.output, new RegExp(`poisonous 1: ${poison.id}/\\d+ end`))
  })

  test('in a commit, its calls run again', async () => {
    await using s = fresh()
    const task = s.queue.remote<(mode: string) => string>('row')
    const calls = Array.from({ length: 3 }, () => task('x'))
    await Promise.all(calls.map((call) => call.enqueued))
    await using first = worker(s, 'die')
    assert.equal(await first.ended, 'SIGKILL', first.output)
    await using _second = worker(s)
    for (const call of calls) assert.equal(await call.get({ timeout: 30_000 }), 'x')
    // On a busy machine the commit may have come before the last of them had begun.
    const attempts = await Promise.all(calls.map(async (call) => (await call.info())?.attempt ?? 0))
    assert.ok(
      attempts.some((attempt) => attempt >= 2),
      `attempts ${attempts}`,
    )
  })

  test('because a batch handler blocked past its timeout: one call is recorded as timed out, all are retried', async () => {
    await using s = fresh()
    const task = s.queue.remote<(mode: string) => string>('blocking')
    const calls = Array.from({ length: 3 }, () => task('x'))
    await Promise.all(calls.map((call) => call.enqueued))
    await using first = worker(s)
    assert.equal(await first.ended, 'SIGKILL', first.output)
    assert.match(first.output, /kept the event loop past its timeout of 1000 ms/)
    await using _second = worker(s)
    for (const call of calls) {
      assert.match(await call.get({ timeout: 30_000 }), /^attempt [2-9]$/)
      assert.equal((await call.info())?.crashes, 0)
    }
  })
})
