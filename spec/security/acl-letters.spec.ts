/** What docs/security.md says of queues whose tasks are tied to each other: a worker needs the keys and channels of both. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { group, Queue } from '../../lib/index.ts'
import { until } from '../support/until.ts'
import { documentedRules, startRoles } from './roles.ts'

const OUTBOX = 'millrace:{orders}:outbox'

/** The worker's rule, for one queue or for several. */
function workerRights(user: string, queues: readonly string[]): string[] {
  const [command, set, , ...words] = documentedRules()[1]!
  const more = queues.flatMap((queue) =>
    words.filter((word) => /^[~&]/.test(word)).map((word) => word.replace('{orders}', `{${queue}}`)),
  )
  return [command!, set!, user, ...words, ...more]
}

async function work(queue: Queue): Promise<void> {
  const worker = queue.worker({ lease: 1_000, drainTimeout: 500 })
  const ready = once(worker, 'ready')
  void worker.run()
  await ready
}

test('with the rights on both, tasks of both belong together; with those on one the letter stays, and the worker says why', async () => {
  await using own = await startRoles()
  const { client, port } = own.redis
  for (const [user, queues] of Object.entries({ both: ['mails'], one: [], mailer: ['mails'] })) {
    const [command, ...words] = workerRights(user, queues)
    await client.call(command!, ...words)
  }
  const as = (user: string, name: string): Queue => {
    const queue = new Queue(name, { redis: `redis://${user}:change-me-worker@127.0.0.1:${port}` })
    queue.task('add', (a: number, b: number) => a + b)
    return queue
  }
  const caller = own.queue('producer')
  await using mails = new Queue('mails', { redis: own.url('producer') })
  const step = (queue: Queue) => queue.remote<(a: number, b: number) => number>('add')
  // The call for the other queue is written by the producer, with no right there.
  const flow = group([step(caller).prepare(1, 2), step(mails).prepare(3, 4)]).start()
  await flow.enqueued

  {
    await using narrow = as('one', 'orders')
    const told = once(narrow, 'error')
    await work(narrow)
    const [error] = (await told) as [Error]
    assert.match(error.message, /NOPERM|ACL/)
    assert.equal(await client.zcard(OUTBOX), 1, 'the letter stays')
  }
  await own.refused()

  await using orders = as('both', 'orders')
  await using there = as('mailer', 'mails')
  await Promise.all([work(orders), work(there)])
  assert.deepEqual(await flow.get({ timeout: 40_000 }), [3, 7])
  await until('the letters to be gone', async () => (await client.exists(OUTBOX)) === 0)
  assert.deepEqual(await own.refused(), [])
})
