/** The proxy that other specs put between Millrace and Redis: each of its faults, alone. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Redis, type RedisOptions } from 'ioredis'
import { startProxy } from './support/proxy.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { isTold, Splitter, stringsOf } from './support/resp.ts'
import { until } from './support/until.ts'

let redis: TestRedis
before(async () => {
  redis = await startRedis()
})
after(() => redis.stop())

/** A proxy, and a client behind it that does not come back by itself. */
async function behind(options: Pick<RedisOptions, 'protocol' | 'connectionName'> = {}) {
  const proxy = await startProxy(redis.port)
  const client = new Redis(proxy.url, { retryStrategy: () => null, ...options })
  client.on('error', () => {})
  await client.ping()
  return {
    proxy,
    client,
    async [Symbol.asyncDispose]() {
      client.disconnect()
      await proxy[Symbol.asyncDispose]()
    },
  }
}

const failed = (promise: Promise<unknown>): Promise<boolean> =>
  promise.then(
    () => false,
    () => true,
  )

const MESSAGES = [
  '+OK\r\n',
  ':-7\r\n',
  '$-1\r\n',
  '*-1\r\n',
  '_\r\n',
  '$0\r\n\r\n',
  '$6\r\n*1\r\n\r\n\r\n',
  '*0\r\n',
  '*2\r\n*1\r\n:1\r\n$2\r\n\r\n\r\n',
  '%1\r\n+key\r\n*2\r\n#t\r\n,1.5\r\n',
  '|1\r\n+ttl\r\n:3600\r\n*1\r\n:2\r\n',
  '>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n',
  '=7\r\ntxt:abc\r\n',
]

test('messages of both protocols are cut where they end, however they arrive', () => {
  const bytes = Buffer.from(MESSAGES.join(''))
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const splitter = new Splitter()
    const messages: string[] = []
    for (let at = 0; at < bytes.length; at += size) {
      messages.push(...splitter.push(bytes.subarray(at, at + size)).map(String))
    }
    assert.deepEqual(messages, MESSAGES, `in chunks of ${size}`)
  }
  assert.deepEqual(stringsOf(Buffer.from('*3\r\n$3\r\nSET\r\n$2\r\n\r\n\r\n$0\r\n\r\n')).map(String), [
    'SET',
    '\r\n',
    '',
  ])
  assert.ok(isTold(Buffer.from('*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n')))
  assert.ok(!isTold(Buffer.from('*2\r\n$7\r\nmessage\r\n$1\r\nc\r\n')))
})

for (const protocol of [2, 3] as const) {
  test(`RESP${protocol}: a chosen reply is lost though Redis did what was asked; others go to who asked`, async () => {
    await using one = await behind({ protocol })
    const { proxy, client } = one
    const heard: string[] = []
    client.on('message', (_channel, message: string) => heard.push(message))
    if (protocol === 3) {
      // Told in between, and no answer to anything.
      await client.subscribe('news')
      await redis.client.publish('news', 'first')
    }
    let seen = 0
    proxy.fate = ({ name, args }) => {
      if (name !== 'INCR' || String(args[0]) !== `n${protocol}`) return 'pass'
      seen += 1
      return seen === 2 ? 'cut' : 'pass'
    }
    const [first, other] = await Promise.all([client.incr(`n${protocol}`), client.incr(`other${protocol}`)])
    assert.deepEqual([first, other], [1, 1])
    const [echoed, isLost] = await Promise.all([
      client.echo('before'),
      failed(client.incr(`n${protocol}`)),
      failed(client.incr(`other${protocol}`)),
    ])
    assert.deepEqual([echoed, isLost, seen], ['before', true, 2])
    assert.equal(await redis.client.get(`n${protocol}`), '2')
    assert.deepEqual(heard, protocol === 3 ? ['first'] : [])
  })
}

test('a lost reply can leave the connection silent, or going on', async () => {
  await using one = await behind()
  const { proxy, client } = one
  proxy.fate = ({ name }) => (name === 'INCR' ? 'swallow' : 'pass')
  const lost = client.incr('swallowed')
  await until('Redis to count', async () => (await redis.client.get('swallowed')) === '1')
  // What is swallowed leaves its place to the next reply.
  void client.echo('next').catch(() => {})
  assert.equal(String(await lost), 'next')

  await using two = await behind()
  two.proxy.fate = ({ name }) => (name === 'INCR' ? 'silence' : 'pass')
  let settled = 0
  for (const call of [two.client.incr('silenced'), two.client.ping()]) {
    void failed(call).then(() => {
      settled += 1
    })
  }
  await until('Redis to count', async () => (await redis.client.get('silenced')) === '1')
  const another = new Redis(two.proxy.url)
  assert.equal(await another.echo('new connections pass'), 'new connections pass')
  another.disconnect()
  assert.equal(settled, 0)
  two.proxy.cut()
  await until('both to fail', () => settled === 2)
})

test('commands are answered without Redis, in their place', async () => {
  await using one = await behind()
  const { proxy, client } = one
  proxy.answer = ({ name }) =>
    name === 'SET' ? '-LOADING Redis is loading the dataset in memory\r\n' : undefined
  const [before, error, behindIt] = await Promise.all([
    client.echo('before'),
    client.set('never', '1').catch((thrown: Error) => thrown.message),
    client.echo('after'),
  ])
  assert.deepEqual(
    [before, error, behindIt],
    ['before', 'LOADING Redis is loading the dataset in memory', 'after'],
  )
  assert.equal(await redis.client.exists('never'), 0)
})

test('late, slowly, byte by byte: everything arrives, in its order', async () => {
  const value = Array.from({ length: 400 }, (_, i) => i).join(' ')
  for (const shape of [
    { delay: [5, 30] as const },
    { rate: 20_000 },
    { packet: 1 },
    { delay: [0, 10] as const, rate: 50_000, packet: 7 },
  ]) {
    await using one = await behind()
    const { proxy, client } = one
    proxy.shape = shape
    const began = performance.now()
    const calls = Array.from({ length: 5 }, (_, i) => client.echo(`${i} ${value}`))
    assert.deepEqual(
      await Promise.all(calls),
      calls.map((_, i) => `${i} ${value}`),
    )
    if ('rate' in shape) {
      const least = (5 * value.length * 1_000) / shape.rate
      assert.ok(performance.now() - began > least / 2, 'faster than the rate')
    }
  }
})

test('connections are chosen by their name, and cut, reset or silenced', async () => {
  await using one = await behind({ connectionName: 'mine' })
  const { proxy, client } = one
  const other = new Redis(proxy.url, { connectionName: 'other', retryStrategy: () => null })
  other.on('error', () => {})
  await other.ping()
  assert.deepEqual(proxy.connections.map(({ name }) => name).sort(), ['mine', 'other'])
  proxy.reset(({ name }) => name === 'other')
  await until('it to end', () => other.status === 'end')
  assert.equal(await client.echo('still here'), 'still here')
  proxy.silence()
  const lost = failed(client.incr('silent'))
  const late = new Redis(proxy.url, { retryStrategy: () => null })
  late.on('error', () => {})
  await until('it to be accepted', () => proxy.connections.length === 2)
  proxy.speak()
  const loud = new Redis(proxy.url)
  assert.equal(await loud.echo('loud'), 'loud')
  assert.notEqual(late.status, 'ready')
  assert.equal(await redis.client.exists('silent'), 0)
  proxy.cut()
  assert.equal(await lost, true)
  for (const client of [loud, late]) client.disconnect()
})
