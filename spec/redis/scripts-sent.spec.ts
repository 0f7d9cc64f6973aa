/** Which scripts are sent to a server in full: those that it lacks, before they are needed in trouble. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { Queue } from '../../lib/index.ts'
import { sources } from '../../lib/redis/lua/embedded.ts'
import { FOR_TROUBLE, ORDERED, type ScriptName } from '../../lib/redis/scripts.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

/** How often a script was sent to be kept. */
async function loads(redis: TestRedis): Promise<number> {
  const stats = await redis.client.info('commandstats')
  return Number(/^cmdstat_script\|load:calls=(\d+)/m.exec(stats)?.[1] ?? 0)
}

async function known(redis: TestRedis, names: readonly ScriptName[]): Promise<unknown> {
  const digests = names.map((name) => createHash('sha1').update(sources[name]).digest('hex'))
  return redis.client.call('SCRIPT', 'EXISTS', ...digests)
}

const all = (names: readonly ScriptName[]): number[] => names.map(() => 1)

test('a connection sends what the server lacks, and nothing that it knows', async () => {
  await using redis = await startRedis()
  const connect = async (): Promise<void> => {
    await using queue = new Queue('sent', { redis: redis.url })
    await queue.counts()
  }
  await connect()
  assert.equal(await loads(redis), ORDERED.length)
  assert.deepEqual(await known(redis, ORDERED), all(ORDERED))
  await connect()
  assert.equal(await loads(redis), ORDERED.length, 'the second had nothing to send')
  await redis.client.script('FLUSH')
  await connect()
  assert.equal(await loads(redis), 2 * ORDERED.length)
  assert.deepEqual(await known(redis, ORDERED), all(ORDERED))
})

test('a worker that is ready has left nothing that it could not send over a bad link', async () => {
  await using redis = await startRedis()
  await using queue = new Queue('sent', { redis: redis.url })
  const worker = queue.worker()
  const ready = once(worker, 'ready')
  const run = worker.run()
  await ready
  assert.deepEqual(await known(redis, FOR_TROUBLE), all(FOR_TROUBLE))
  await worker.stop()
  await run
})
