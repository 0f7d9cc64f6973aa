/** The doctor's look at letters to other queues, on a real Redis: those that are brought, wait, or are forgotten. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose, type Finding } from '../lib/doctor.ts'
import { Queue } from '../lib/index.ts'
import { freshQueues } from './support/fresh.ts'
import { timeOf } from './support/keyspace.ts'

const served = freshQueues()

test('letters that nobody brings are a problem; those that are on their way are only counted; many of them are told', async () => {
  await using s = served.fresh()
  await using other = new Queue(`${s.queue.name}-other`, { redis: served.redis.url, namespace: s.queue.name })
  const here = new Queue('here', { redis: served.redis.url, namespace: s.queue.name })
  const outbox = `${s.queue.name}:{here}:outbox`
  const { client } = served.redis
  const look = async (): Promise<Finding | undefined> => {
    const { findings } = await diagnose(here)
    return findings.find(({ what }) => what === 'outbox')
  }
  try {
    assert.equal(await look(), undefined, 'there are none')
    const note = other.task('note', () => {})
    const add = here.task('add', (n: number) => n, { after: note(), onParentFailure: 'run' })
    await add(1).enqueued
    assert.deepEqual(await look(), { level: 'ok', what: 'outbox', detail: '1 letters to other queues' })
    const now = await timeOf(client)
    for (const member of await client.zrange(outbox, '0', '-1'))
      await client.zadd(outbox, String(now - 120_000), member)
    assert.equal((await look())?.level, 'problem')
    assert.match((await look())?.detail ?? '', /^1 of 1 letters .* brought by nobody$/)
    const many = Array.from({ length: 1_000 }, (_, n) => [String(now), `cancel other id${n} why`]).flat()
    await client.del(outbox)
    await client.zadd(outbox, ...many)
    assert.equal((await look())?.level, 'warning')
  } finally {
    await here.close()
  }
})
