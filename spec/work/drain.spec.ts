/** Handlers that heed their signal when their worker stops: the task is given back, and has lost nothing. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { currentTask, Queue } from '../../lib/index.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const HEEDS: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
  "by Node's own functions": (signal) => delay(60_000, undefined, { signal }),
  'by the reason itself': (signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
    }),
}

for (const [how, heed] of Object.entries(HEEDS)) {
  test(`${how}: neither failed nor retried, the attempt counts`, async () => {
    await using redis = await startRedis()
    await using queue = new Queue('drain', { redis: redis.url })
    let hasBegun = false
    queue.task('long', () => {
      hasBegun = true
      return heed(currentTask().signal)
    })
    const worker = queue.worker({ drainTimeout: 1 })
    const ready = once(worker, 'ready')
    const run = worker.run()
    await ready
    const handle = queue.remote<() => void>('long')()
    // Delivered is not begun: one that has not is given back without an attempt.
    await until('its handler to run', () => hasBegun)
    await worker.stop()
    await run
    const task = await handle.info()
    assert.equal(task?.state, 'queued')
    assert.equal(task?.attempt, 1)
    assert.deepEqual(task?.errors, [])
    assert.equal(task?.crashes, 0)
  })
}
