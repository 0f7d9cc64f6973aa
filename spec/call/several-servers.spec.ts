/**
 * Transactions over several queues, as far as Redis has a say: which of them one script can reach, answers that are lost,
 * rights that are missing, and callers that are killed.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import {
  EnqueueError,
  Queue,
  type QueueOptions,
  SeparateQueuesError,
  type TaskHandle,
} from '../../lib/index.ts'
import { freePort } from '../support/free-port.ts'
import { rejection } from '../support/fresh.ts'
import { start } from '../support/processes.ts'
import { startProxy } from '../support/proxy.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

let redis: TestRedis
let count = 0
before(async () => {
  redis = await startRedis()
})
after(() => redis.stop())

/** A queue on that Redis, and a task of it. */
function stage(options: QueueOptions & { readonly name?: string } = {}) {
  const { name = `servers${++count}`, ...rest } = options
  const queue = new Queue(name, { redis: redis.url, ...rest })
  queue.on('error', () => {})
  const call = queue.remote<(n: number) => number>('echo')
  const queued = async (): Promise<number> => (await queue.counts()).queued
  return { queue, call, queued, [Symbol.asyncDispose]: () => queue.close() }
}

test('on another server or database it is refused at the call, and nothing is accepted', async () => {
  await using server = await startRedis()
  await using a = stage()
  for (const url of [server.url, `${redis.url}/1`]) {
    await using b = stage({ redis: url })
    let handle: TaskHandle<number> | undefined
    const error = await rejection(
      a.queue.transaction(() => {
        handle = a.call(1)
        b.call(2)
      }),
    )
    assert.ok(error instanceof SeparateQueuesError)
    assert.equal(error.code, 'ERR_MILLRACE_SEPARATE_QUEUES')
    assert.match(error.message, /"servers\d+" inside of a transaction of queue "servers\d+".*others: 'each'/)
    await rejection(handle!.enqueued)
    await rejection(a.queue.transaction(() => b.queue.transaction(() => {})))
    assert.deepEqual([await a.queued(), await b.queued()], [0, 0])
  }
  await using b = stage({ redis: server.url })
  await a.queue.transaction(() => [a.call(1), b.call(2)], { others: 'each' })
  assert.deepEqual([await a.queued(), await b.queued()], [1, 1])
  await using inline = stage({ redis: undefined as never, inline: true })
  assert.ok(
    (await rejection(a.queue.transaction(() => inline.call(1)))) instanceof SeparateQueuesError,
    'an inline queue is of no Redis',
  )
})

test('where Redis is named in another way, and in another namespace, it is the same Redis', async () => {
  await using a = stage()
  await using b = stage({ redis: { port: redis.port, host: '127.0.0.1' }, namespace: 'another' })
  await using c = stage({ redis: redis.client })
  await a.queue.transaction(() => [a.call(1), b.call(2), c.call(3)])
  assert.deepEqual([await a.queued(), await b.queued(), await c.queued()], [1, 1, 1])
})

test('a lost answer is asked for again, and makes nothing twice', async () => {
  await using proxy = await startProxy(redis.port)
  await using a = stage({ redis: proxy.url })
  await using b = stage({ redis: proxy.url })
  await Promise.all([a.call(0).enqueued, b.call(0).enqueued])
  const sent: unknown[] = []
  proxy.fate = ({ name, args }, reply) => {
    const isSeveral = name.startsWith('EVAL') && String(args[1]) === '2'
    if (!isSeveral || reply.toString().startsWith('-NOSCRIPT')) return 'pass'
    sent.push(name)
    return sent.length <= 2 ? 'cut' : 'pass'
  }
  const keyed = b.call.with({ key: 'k' })
  const handles = await a.queue.transaction(() => [a.call(1), a.call(2), b.call(3), keyed(4)])
  assert.equal(sent.length, 3)
  assert.deepEqual([await a.queued(), await b.queued()], [3, 3])
  for (const handle of handles) assert.equal((await handle.info())?.state, 'queued')
})

test('whoever closes sends first what waits with the calls of another queue', async () => {
  await using a = stage()
  const b = stage()
  await Promise.all([a.call(0).enqueued, b.call(0).enqueued])
  redis.pause()
  const before = b.call(1)
  const done = a.queue.transaction(() => [a.call(2), b.call(2)])
  await turn()
  const closed = b.queue.close()
  redis.resume()
  await Promise.all([before.enqueued, done, closed])
  assert.equal(await a.queued(), 2)
  await using again = stage({ name: b.queue.name })
  assert.equal(await again.queued(), 3)
})

test('a user without the rights on one of the queues is told so, and nothing is accepted', async () => {
  const right = 'millrace:{rights-a}'
  const other = 'millrace:{rights-b}'
  const all = ['resetkeys', `~${right}`, `~${right}:*`, '+@all', '&*', '~millrace:queues']
  const user = (...more: string[]) =>
    redis.client.call('ACL', 'SETUSER', 'some', 'reset', 'on', '>secret', ...all, ...more)
  await user()
  await using a = stage({ name: 'rights-a', redis: `redis://some:secret@127.0.0.1:${redis.port}` })
  await using b = stage({ name: 'rights-b' })
  const both = () => a.queue.transaction(() => [a.call(1), b.call(2)])
  const refuse = async (): Promise<void> => {
    const error = await rejection(both())
    assert.ok(error instanceof EnqueueError)
    assert.equal(error.accepted, false)
    assert.match(error.message, /NOPERM/)
    assert.match(error.message, /"rights-a", "rights-b", and the user of "rights-a" runs it/)
    assert.deepEqual([await a.queued(), await b.queued()], [0, 0])
  }
  await refuse()
  // Not enough: the prefix alone, records without streams, all but the channel.
  await user(`~${other}`)
  await refuse()
  await user(`~${other}`, `~${other}:task:*`)
  await refuse()
  await user(`~${other}`, `~${other}:*`, 'resetchannels', `&${right}:*`)
  await refuse()
  await user(`~${other}`, `~${other}:*`)
  await both()
  assert.deepEqual([await a.queued(), await b.queued()], [1, 1])
})

test("in different slots of a cluster all is refused, and others: 'each' does", async () => {
  // Its own choice may be above the highest port.
  const bus = String(await freePort())
  await using node = await startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-port', bus] })
  await node.client.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383)
  await until('the cluster', async () => /cluster_state:ok/.test(await node.client.cluster('INFO')))
  await using a = stage({ redis: node.url })
  await using b = stage({ redis: node.url })
  const handles: TaskHandle<number>[] = []
  const both = () => void handles.push(a.call(1), b.call(2))
  const error = await rejection(a.queue.transaction(both))
  assert.ok(error instanceof SeparateQueuesError)
  assert.match(error.message, /lie in different slots of a cluster.*others: 'each'/)
  for (const handle of handles.splice(0)) assert.equal(await rejection(handle.enqueued), error)
  assert.deepEqual([await a.queued(), await b.queued()], [0, 0])
  await a.queue.transaction(both, { others: 'each' })
  assert.deepEqual([await a.queued(), await b.queued()], [1, 1])
})

/** Both queues at one moment. */
const LOOK = `
  local seen = {}
  for i, key in ipairs(KEYS) do seen[i] = redis.call('XLEN', key) end
  return seen`

test('kill -9 of the caller at random: each call is in both queues or in none', async () => {
  const streams = ['left', 'right'].map((name) => `millrace:{${name}}:stream:normal`)
  const look = async (): Promise<number> => {
    const [left, right] = (await redis.client.eval(LOOK, 2, ...streams)) as number[]
    assert.equal(left, right)
    return left!
  }
  let last = 0
  for (let kills = 0; kills < 5; kills++) {
    await using child = start('spec/support/pairs.ts', { env: { REDIS_URL: redis.url } })
    const target = last + 1 + Math.floor(Math.random() * 100)
    await until('some to be accepted', async () => (await look()) >= target, 60_000)
    child.signal('SIGKILL')
    await child.ended
    const left = await look()
    assert.ok(left >= target)
    last = left
  }
})
