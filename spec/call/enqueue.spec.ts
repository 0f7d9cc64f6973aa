/** How calls leave: what one tick makes goes together, and in a long one full batches do not wait for its end. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freshQueues } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const served = freshQueues()
const { fresh } = served
const BATCH = 256

/** Asks from another process while this tick goes on. */
function lengthNow(stream: string): number {
  const code = `
    const { Redis } = await import('ioredis')
    const redis = new Redis(${JSON.stringify(served.redis.url)})
    console.log(await redis.xlen(${JSON.stringify(stream)}))
    redis.disconnect()`
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd,
    encoding: 'utf8',
  })
  assert.equal(stderr, '')
  return Number(stdout)
}

test('of a tick that makes thousands of calls, full batches leave while it goes on', async () => {
  // On a busy machine the other process takes seconds, and this one hears no answer meanwhile.
  await using one = fresh({ enqueueTimeout: 30_000 })
  const { queue, prefix } = one
  const echo = queue.remote<(n: number) => number>('echo')
  await queue.getTask('none') // connects
  const handles = Array.from({ length: 9 * BATCH + 10 }, (_, n) => echo(n))
  assert.equal(lengthNow(`${prefix}:stream:normal`), 8 * BATCH)
  await Promise.all(handles.map(({ enqueued }) => enqueued))
  assert.equal(lengthNow(`${prefix}:stream:normal`), handles.length)
})

test('of dozens whose outcomes are awaited, the first 64 leave while the tick goes on; of others none', async () => {
  await using one = fresh({ enqueueTimeout: 30_000 })
  const { queue, prefix } = one
  const echo = queue.remote<(n: number) => number>('echo')
  await queue.getTask('none')
  const stream = `${prefix}:stream:normal`
  const plain = Array.from({ length: 100 }, (_, n) => echo(n))
  assert.equal(lengthNow(stream), 0, 'a get() that follows the last of them still goes along with all')
  await Promise.all(plain.map(({ enqueued }) => enqueued))
  const gets = Array.from({ length: 200 }, (_, n) => echo(n).get())
  assert.equal(lengthNow(stream), 100 + 64, 'the others wait for the answer')
  await until('all to be there', async () => (await served.redis.client.xlen(stream)) === 300)
  const entries = await served.redis.client.xrangeBuffer(stream, '-', '+')
  assert.equal(
    entries.filter(([, fields]) => fields[1]?.[0] !== 0).length,
    200,
    'the address of each went along',
  )
  queue.task('echo', (n: number) => n)
  await one.work()
  assert.deepEqual(await Promise.all(gets), [...gets.keys()])
})

test('each call of a long tick takes along where its outcome is to be sent, also the last of a full batch', async () => {
  await using one = fresh()
  const { queue, prefix } = one
  const echo = queue.remote<(n: number) => number>('echo')
  await queue.getTask('none')
  const gets = Array.from({ length: 5 * BATCH + 1 }, (_, n) => echo(n).get())
  const stream = `${prefix}:stream:normal`
  await until('all to be there', async () => (await served.redis.client.xlen(stream)) === gets.length)
  const entries = await served.redis.client.xrangeBuffer(stream, '-', '+')
  // The first byte of a call: the length of its client's id.
  assert.deepEqual(new Set(entries.map(([, fields]) => fields[1]?.[0] !== 0)), new Set([true]))
  queue.task('echo', (n: number) => n)
  await one.work()
  assert.deepEqual(await Promise.all(gets), [...gets.keys()])
})
