/** What a task yields arrives in order, each chunk once, and nobody runs far ahead of its reader. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  Queue,
  StreamGapError,
  StreamTakenError,
  TaskCancelledError,
  TaskFailedError,
  type TaskHandle,
} from '../../lib/index.ts'
import { rejection } from '../support/fresh.ts'
import { P, type Scene, scene } from '../support/scene.ts'
import { until } from '../support/until.ts'

/** Chunks in Redis, and in the worker, at most. */
const BUFFER = 256
const UNSENT = 64

const upTo = (n: number, from = 1): number[] => Array.from({ length: n - from + 1 }, (_, i) => from + i)

async function all<C>(chunks: AsyncIterable<C>): Promise<C[]> {
  const seen: C[] = []
  for await (const chunk of chunks) seen.push(chunk)
  return seen
}

/** How far the handler of `count` came. */
const ran = (s: Scene): number =>
  Math.max(0, ...s.journal().map(([, , what, n]) => (what === 'at' ? Number(n) : 0)))
const ended = (s: Scene): number => s.journal().filter(([, , what]) => what === 'end').length

const standsStill = (s: Scene, handle: TaskHandle, at: number) =>
  until(`the handler to stand still at ${at}`, async () => {
    const chunks = await s.redis.client.hget(`${P}:task:${handle.id}`, 'chunks')
    return Number(chunks?.split(' ')[5]) > 0 && ran(s) === at
  })

describe('chunks', () => {
  test('10,000 of them arrive in order, then the result; what was read is gone from Redis', async () => {
    await using s = await scene()
    await s.worker()
    const handle = s.tasks.count(10_000)
    assert.deepEqual(await all(handle.stream()), upTo(10_000))
    assert.equal(await handle.get(), 'counted 10000')
    assert.equal(ran(s), 10_000)
    assert.equal(await s.redis.client.exists(`${P}:chunks:${handle.id}`), 0)
    assert.deepEqual(await all(handle.stream()), [], 'a second reader finds that all was taken')
  })

  test('a handler that nobody reads comes as far as the buffer, and goes on with its reader', async () => {
    await using s = await scene()
    await s.worker()
    const handle = s.tasks.count(2_000)
    await standsStill(s, handle, BUFFER + UNSENT)
    const seen: number[] = []
    for await (const n of handle.stream()) {
      seen.push(n)
      if (n % 100 === 0) assert.ok(ran(s) <= n + BUFFER + UNSENT, `it ran to ${ran(s)} when ${n} was read`)
    }
    assert.deepEqual(seen, upTo(2_000))
  })

  test('where the oldest are dropped, the reader is told how many', async () => {
    await using s = await scene()
    await s.worker()
    const [loud, deaf, silent] = [s.tasks.flood(1_000), s.tasks.flood(1_000), s.tasks.flood(1_000)]
    await Promise.all([loud.get(), deaf.get(), silent.get()])
    const missed: number[] = []
    assert.deepEqual(await all(loud.stream({ onGap: (count) => missed.push(count) })), upTo(1_000, 991))
    assert.deepEqual(missed, [990])
    const error = await rejection(all(deaf.stream()))
    assert.ok(error instanceof StreamGapError)
    assert.deepEqual([error.missed, error.code, error.taskId], [990, 'ERR_MILLRACE_STREAM_GAP', deaf.id])
    assert.deepEqual(await all(silent.stream({ onGap: 'continue' })), upTo(1_000, 991))
  })
})

describe('a stream', () => {
  test('that is left goes on without a reader; with cancelOnBreak it is cancelled', async () => {
    await using s = await scene()
    await s.worker()
    const left = s.tasks.count(2_000)
    for await (const n of left.stream()) if (n === 10) break
    assert.equal(await left.get(), 'counted 2000')
    assert.equal(ended(s), 1)

    const cancelled = s.tasks.count(2_000)
    for await (const n of cancelled.stream({ cancelOnBreak: true })) if (n === 10) break
    const error = await rejection(cancelled.get())
    assert.ok(error instanceof TaskCancelledError)
    await until('the handler to be left', () => ended(s) === 2)
    assert.ok(ran(s) <= 2_000)
  })

  test('of a handler that throws rejects as get() does, behind what was yielded before', async () => {
    await using s = await scene()
    await s.worker()
    const handle = s.tasks.count(500, 400)
    const seen: number[] = []
    const error = await rejection(
      (async () => {
        for await (const n of handle.stream()) seen.push(n)
      })(),
    )
    assert.deepEqual(seen, upTo(399))
    assert.ok(error instanceof TaskFailedError)
    assert.match(String(error.cause), /RangeError: not 400/)
    assert.equal((await rejection(handle.get())).message, error.message)
  })

  test('can be read after the end, by somebody else, as long as the record is kept', async () => {
    await using s = await scene()
    await s.worker()
    const handle = s.tasks.count(200)
    assert.equal(await handle.get(), 'counted 200')
    const [chunks, task] = [`${P}:chunks:${handle.id}`, `${P}:task:${handle.id}`]
    assert.equal(await s.redis.client.llen(chunks), 200)
    assert.equal(await s.redis.client.pexpiretime(chunks), await s.redis.client.pexpiretime(task))
    await using queue = new Queue('spec', { redis: s.redis.url })
    const later = queue.handle<string, number>(handle.id)
    const seen: number[] = []
    for await (const n of later.stream()) {
      seen.push(n)
      if (n === 150) break
    }
    seen.push(...(await all(handle.stream())))
    assert.deepEqual(seen, upTo(200), 'who comes next goes on where that one left')
  })

  test('has one reader, the last that came', async () => {
    await using s = await scene()
    await s.worker()
    const handle = s.tasks.count(2_000)
    const seen: number[] = []
    await using queue = new Queue('spec', { redis: s.redis.url })
    let rest: Promise<number[]> | undefined
    const error = await rejection(
      (async () => {
        for await (const n of handle.stream()) {
          seen.push(n)
          if (n === 100) rest = all(queue.handle<string, number>(handle.id).stream())
        }
      })(),
    )
    assert.ok(error instanceof StreamTakenError, `${error}`)
    const others = await rest
    // The page that the first one was busy with may come once more.
    assert.deepEqual(others, upTo(2_000, others?.[0]))
    assert.ok(others![0]! <= seen.length + 1)
  })

  test('ends when the task is cancelled, and when its attempt takes too long; the handler is left', async () => {
    await using s = await scene()
    await s.worker()
    const handle = s.tasks.count(2_000)
    const error = await rejection(
      (async () => {
        for await (const n of handle.stream()) if (n === 100) await handle.cancel('enough')
      })(),
    )
    assert.ok(error instanceof TaskCancelledError)
    assert.equal(error.message, 'enough')
    await until('the handler to be left', () => ended(s) === 1)

    const unread = s.tasks.count.with({ timeout: 300 })(2_000)
    const late = await rejection(unread.get())
    assert.equal((late.cause as { code?: string }).code, 'ERR_MILLRACE_TASK_TIMEOUT')
    await until('the handler to be left', () => ended(s) === 2)
    const chunks = `${P}:chunks:${unread.id}`
    assert.ok((await s.redis.client.pttl(chunks)) <= 3_600_000, 'it is kept for an hour at most')
  })
})
