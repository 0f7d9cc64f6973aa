/** What a queue gets where it does not say: from its own `defaults`, and from the program that loads its module. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hearOfQueues } from '../lib/hosting.ts'
import { OptionError, Queue, type QueueOptions } from '../lib/index.ts'

function failing(times: number): () => string {
  let left = times
  return () => {
    if (left-- > 0) throw new Error('not yet')
    return 'done'
  }
}

describe('defaults of a queue', () => {
  test('hold for its tasks, and each task may say otherwise', async () => {
    const queue = new Queue('defaults', { inline: true, defaults: { retries: 2, backoff: 0 } })
    const plain = queue.task('plain', failing(2))
    const unset = queue.task('unset', failing(2), { retries: undefined })
    const own = queue.task('own', failing(2), { retries: 1 })
    assert.equal(await plain().get(), 'done')
    assert.equal(await unset().get(), 'done')
    await assert.rejects(own().get(), /not yet/)
    await queue.close()
  })

  test('hold for remote tasks too', async () => {
    const queue = new Queue('defaults', { inline: true, defaults: { retries: 2, backoff: 0 } })
    queue.task('plain', failing(2), { retries: 0 })
    const remote = queue.remote<() => string>('plain')
    assert.equal(await remote().get(), 'done')
    await queue.close()
  })

  test('are checked where they are given', () => {
    const make = (defaults: object) => () => new Queue('defaults', { inline: true, defaults })
    assert.throws(make({ retries: -1 }), OptionError)
    assert.throws(make({ key: 'k' }), /unknown option "key"/)
    assert.throws(make([]), OptionError)
  })

  test('hide no options that are none', async () => {
    const queue = new Queue('defaults', { inline: true, defaults: { retries: 1 } })
    assert.throws(() => queue.task('t', () => 1, 5 as never), OptionError)
    await queue.close()
  })
})

describe('a program that hosts queues', () => {
  test('hears of each, and its options come after their own', async () => {
    const heard: Queue[] = []
    const end = hearOfQueues<Queue, QueueOptions>((queue, options) => {
      heard.push(queue)
      Object.assign(options, { namespace: 'hosted', maxPayload: 10, redis: 'redis://127.0.0.1:1' })
    })
    const plain = new Queue('plain')
    const own = new Queue('own', { namespace: undefined as never, maxPayload: 1_000 })
    const inline = new Queue('inline', { inline: true })
    end()
    const later = new Queue('later')
    assert.deepEqual(heard, [plain, own, inline])
    const call = (queue: Queue) => () => queue.remote<(text: string) => void>('t')('x'.repeat(100)).enqueued
    await assert.rejects(async () => call(plain)(), /maxPayload|10 bytes/)
    for (const queue of [plain, own, inline, later]) await queue.close()
  })

  test('cannot change what is refused', () => {
    const end = hearOfQueues<Queue, QueueOptions>(() => {})
    assert.throws(() => new Queue('bad', 5 as never), OptionError)
    end()
  })
})
