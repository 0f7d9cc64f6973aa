/** A worker that is stopped before it has begun, at each reply of Redis that it waits for; and one that is stopped twice. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Queue } from '../../lib/index.ts'
import { startProxy } from '../support/proxy.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

/** More chunks than a worker receives until it is ready: the last ones meet its first reads. */
const REPLIES = 16

test('stopped at any moment of its start, it leaves no worker, connection or timer behind', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy(redis.port)
  const [ownClients, ownTimers] = [await clients(), timers()]
  let seen = 0

  async function clients(): Promise<number> {
    return String(await redis.client.call('CLIENT', 'LIST'))
      .trim()
      .split('\n').length
  }

  function timers(): number {
    return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
  }

  for (let nth = 1; nth <= REPLIES; nth++) {
    const queue = new Queue(`q${nth}`, { redis: proxy.url })
    queue.on('error', () => {})
    const worker = queue.worker({ drainTimeout: 100 })
    seen = 0
    let stopped: Promise<void> | undefined
    proxy.rewrite = (chunk) => {
      seen += 1
      if (seen === nth) stopped = worker.stop()
      return chunk
    }
    const run = worker.run()
    await until(`reply ${nth}`, () => stopped !== undefined)
    await stopped
    await run
    await queue.close()
    assert.equal(await redis.client.zcard(`millrace:{q${nth}}:workers`), 0, `a worker is left, reply ${nth}`)
    await until(`its connections to end, reply ${nth}`, async () => (await clients()) === ownClients)
    await until(`its timers to end, reply ${nth}`, () => timers() <= ownTimers)
  }
})

test('stopped again at once, while it still ends its own loops, it does not wait for its handlers', {
  timeout: 20_000,
}, async () => {
  await using redis = await startRedis()
  await using queue = new Queue('q', { redis: redis.url })
  let hasBegun = false
  const task = queue.task('endless', () => {
    hasBegun = true
    return new Promise<void>(() => {})
  })
  const worker = queue.worker({ drainTimeout: 60_000 })
  const run = worker.run()
  const handle = task()
  await until('it to run', () => hasBegun)
  const drained = worker.stop()
  await Promise.all([worker.stop({ timeout: 0 }), drained, run])
  const info = await handle.info()
  assert.deepEqual([info?.state, info?.attempt, info?.crashes], ['queued', 1, 0])
})
