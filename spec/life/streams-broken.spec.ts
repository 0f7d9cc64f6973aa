/** Chunks come in order, each once, also where connections are cut and replies lost; of a worker that dies the reader is told. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Queue, StreamRestartedError } from '../../lib/index.ts'
import { rejection } from '../support/fresh.ts'
import { startProxy } from '../support/proxy.ts'
import { scene } from '../support/scene.ts'

const upTo = (n: number, from = 1): number[] => Array.from({ length: n - from + 1 }, (_, i) => from + i)

async function all<C>(chunks: AsyncIterable<C>): Promise<C[]> {
  const seen: C[] = []
  for await (const chunk of chunks) seen.push(chunk)
  return seen
}

describe('chunks', () => {
  test('a reader whose connections are cut again and again misses none and sees none twice', async () => {
    await using s = await scene()
    await using proxy = await startProxy(s.redis.port)
    await using queue = new Queue('spec', { redis: proxy.url })
    queue.on('error', () => {})
    await s.worker()
    const handle = s.tasks.count(3_000)
    await handle.enqueued
    const seen: number[] = []
    for await (const n of queue.handle<string, number>(handle.id).stream()) {
      seen.push(n)
      if (n % 500 === 0) proxy.cut()
      if (n % 700 === 0) proxy.cut(({ name }) => name === 'millrace:replies')
    }
    assert.deepEqual(seen, upTo(3_000))
  })

  test('a worker whose connections are cut sends none twice', async () => {
    await using s = await scene()
    await using proxy = await startProxy(s.redis.port)
    await using there = new Queue('spec', { redis: proxy.url })
    there.on('error', () => {})
    there.task('count', async function* (n: number) {
      for (let i = 1; i <= n; i++) {
        if (i % 500 === 0) proxy.cut()
        yield i
      }
      return 'done'
    })
    // Some replies are lost after Redis has done what was asked.
    let chunks = 0
    proxy.fate = ({ name, args }) => {
      if (name !== 'EVALSHA' || !String(args.at(-1)).includes('wait')) return 'pass'
      chunks += 1
      return chunks % 7 === 3 ? 'cut' : 'pass'
    }
    const worker = there.worker({ lease: 5_000 })
    void worker.run()
    const handle = s.tasks.count(3_000)
    assert.deepEqual(await all(handle.stream()), upTo(3_000))
    assert.equal(await handle.get(), 'done')
    assert.ok(chunks > 7)
  })

  test('when the worker is killed, another begins anew, and who has read is told', async () => {
    await using s = await scene()
    const first = await s.worker({ lease: 1_000 })
    const [strict, lax, unread] = [s.tasks.count(1_500), s.tasks.count(1_500), s.tasks.count(1_500)]
    const attempts: number[] = []
    const some: number[][] = [[], []]
    const streams = [strict.stream(), lax.stream({ onRestart: (attempt) => attempts.push(attempt) })]
    for (const [i, stream] of streams.entries()) {
      for (let n = 1; n <= 100; n++) some[i]!.push((await stream.next()).value!)
    }
    await s.worker({ lease: 1_000 })
    first.signal('SIGKILL')
    const error = await rejection(all(streams[0]!))
    assert.ok(error instanceof StreamRestartedError, `${error}`)
    assert.deepEqual([error.attempt, error.taskId], [2, strict.id])
    const [, seen] = some as [number[], number[]]
    seen.push(...(await all(streams[1]!)))
    const anew = seen.indexOf(1, 1)
    assert.deepEqual(seen, [...upTo(anew), ...upTo(1_500)])
    assert.deepEqual(attempts, [2])
    assert.deepEqual(await all(unread.stream()), upTo(1_500), 'of the first attempt it had seen nothing')
    assert.equal((await lax.info())?.attempt, 2)
  })
})
