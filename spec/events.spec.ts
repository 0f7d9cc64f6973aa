/** `queue.events()`: what workers do, told live, only while somebody listens. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { OptionError, Queue, type QueueEvent, RedisError } from '../lib/index.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { until } from './support/until.ts'

let redis: TestRedis
before(async () => {
  redis = await startRedis()
})
after(() => redis.stop())

let n = 0
async function scene() {
  n += 1
  const queue = new Queue(`events-${n}`, { redis: redis.url })
  queue.on('error', () => {})
  const channel = `millrace:{events-${n}}:events`
  const add = queue.task('add', (a: number, b: number) => a + b)
  let failures = 1
  const flaky = queue.task(
    'flaky',
    (_secret: string) => {
      if (failures-- > 0) throw new RangeError('not\nyet')
    },
    { retries: 1, backoff: 5 },
  )
  const worker = queue.worker()
  const ready = new Promise((resolve) => worker.once('ready', resolve))
  void worker.run()
  await ready
  const heard: QueueEvent[] = []
  const stop = new AbortController()
  const listen = async (): Promise<void> => {
    for await (const event of queue.events({ signal: stop.signal })) heard.push(event)
  }
  /** Until what is called now is told. */
  const warm = (): Promise<unknown> =>
    until('workers to tell', async () => {
      await add(0, 0).get()
      return heard.length > 0
    })
  const listeners = async (): Promise<number> => Number((await redis.client.pubsub('NUMSUB', channel))[1])
  return {
    queue,
    worker,
    add,
    flaky,
    heard,
    stop,
    listen,
    warm,
    listeners,
    channel,
    [Symbol.asyncDispose]: () => queue.close(),
  }
}

describe('events', () => {
  test('tell of attempts and of workers, with no argument and no result', async () => {
    await using s = await scene()
    const listening = s.listen()
    await s.warm()
    const { id } = s.flaky('a secret')
    await s.queue.handle(id).get()
    await until('all of it to be told', () =>
      s.heard.some((event) => event.id === id && event.type === 'succeeded'),
    )
    const its = s.heard.filter((event) => event.id === id)
    assert.deepEqual(
      its.map(({ type, name, attempt, delay, error }) => [type, name, attempt, delay, error]),
      [
        ['started', 'flaky', 1, undefined, undefined],
        ['retry', 'flaky', 1, 5, 'RangeError: not\nyet'],
        ['started', 'flaky', 2, undefined, undefined],
        ['succeeded', 'flaky', 2, undefined, undefined],
      ],
    )
    assert.ok(its.every(({ at, worker }) => at instanceof Date && worker === s.worker.id))
    assert.doesNotMatch(JSON.stringify(s.heard), /secret/)
    const { id: worker } = s.worker
    await s.worker.stop()
    await until('its end to be told', () => s.heard.some(({ type }) => type === 'stopped'))
    assert.equal(s.heard.find(({ type }) => type === 'stopped')!.worker, worker)
    s.stop.abort()
    await listening
    await until('nobody to listen', async () => (await s.listeners()) === 0)
  })

  test('are told by nobody while nobody listens', async () => {
    await using s = await scene()
    assert.equal(s.worker.listenerCount('ended'), 0)
    const control = s.channel.replace(':events', ':control')
    await until('it to hear', async () => (await redis.client.publish(control, 'watch 1000')) === 1)
    await until('it to follow', () => s.worker.listenerCount('ended') === 1)
    await until('it to end by itself', () => s.worker.listenerCount('ended') === 0)
  })

  test('come again after the connection was cut', async () => {
    await using s = await scene()
    const listening = s.listen()
    await s.warm()
    await redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await until('it to listen again', async () => (await s.listeners()) === 1)
    const before = s.heard.length
    await until('workers to tell again', async () => {
      await s.add(1, 2).get()
      return s.heard.length > before
    })
    s.stop.abort()
    await listening
  })

  test('of another shape are passed over', async () => {
    await using s = await scene()
    const listening = s.listen()
    await s.warm()
    for (const junk of [
      '',
      'x',
      '5',
      '[1,null,{}]',
      '[{"type":"evil","at":1,"worker":"w"}]',
      `["${'x'.repeat(1_100_000)}"]`,
    ])
      await redis.client.publish(s.channel, junk)
    await redis.client.publish(s.channel, '[{"type":"ready","at":1,"worker":"w","id":5,"__proto__":{"x":1}}]')
    const event = await until('the good one', () => s.heard.find(({ worker }) => worker === 'w'))
    assert.deepEqual(event, { type: 'ready', at: new Date(1), worker: 'w' })
    s.stop.abort()
    await listening
  })

  test('end with the loop, with the signal, and with the queue', async () => {
    await using s = await scene()
    const listening = s.listen()
    await s.warm()
    const second = s.queue.events()
    let event: IteratorResult<QueueEvent, void> | undefined
    void second.next().then((next) => {
      event = next
    })
    await until('the second to hear something', async () => {
      await s.add(1, 2).get()
      return event
    })
    await second.return()
    await until('one listener', async () => (await s.listeners()) === 1)
    await s.queue.close()
    await listening
    await until('nobody to listen', async () => (await s.listeners()) === 0)
  })

  test('of an inline queue, or without Redis, are refused', async () => {
    await using inline = new Queue('here', { inline: true })
    await assert.rejects(inline.events().next(), OptionError)
    await using away = new Queue('away', { redis: 'redis://127.0.0.1:1', enqueueTimeout: 300 })
    away.on('error', () => {})
    await assert.rejects(away.events().next(), RedisError)
  })
})
