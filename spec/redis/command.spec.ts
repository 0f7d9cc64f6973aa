/** Commands that are written by ourselves, beside ioredis' own on one connection. */

import assert from 'node:assert/strict'
import { tracingChannel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { MalformedDataError, RedisError } from '../../lib/errors.ts'
import { type Answer, send } from '../../lib/redis/command.ts'
import { Connection } from '../../lib/redis/connection.ts'
import { openClient } from '../../lib/redis/target.ts'
import { ask } from '../support/ask.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

let redis: TestRedis
before(async () => {
  redis = await startRedis()
})
after(() => redis?.stop())

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i))

describe('a command of ours', () => {
  test('brings strings of any kind and bytes as they are, in any order', async () => {
    const args = ['plain', 'ä€😀', '', '*3\r\n$5\r\n', everyByte, Buffer.alloc(0), 'last']
    const reply = await ask(redis.client, 'EVAL', ['return ARGV', '0', ...args])
    const sent = args.map((arg) => Buffer.from(arg))
    assert.deepEqual(reply, sent)
    assert.deepEqual(await ask(redis.client, 'EVAL', ['return ARGV', '0', everyByte]), [everyByte])
    assert.deepEqual(await ask(redis.client, 'ECHO', ['one']), Buffer.from('one'))
    assert.deepEqual(await ask(redis.client, 'PING'), Buffer.from('PONG'))
  })

  test('brings a megabyte', async () => {
    const large = Buffer.alloc(1_000_000, everyByte)
    assert.deepEqual(await ask(redis.client, 'ECHO', [large]), large)
  })

  test('is answered in its turn among those of ioredis', async () => {
    const { client } = redis
    const answers = await Promise.all([
      client.echo('a'),
      ask(client, 'ECHO', ['b']),
      client.callBuffer('ECHO', 'c'),
      ask(client, 'ECHO', ['d']),
      client.incr('number'),
    ])
    assert.deepEqual(answers.map(String), ['a', 'b', 'c', 'd', '1'])
  })

  test('that Redis refuses rejects with its words; the arguments are not on the error', async () => {
    const refused = ask(redis.client, 'EVALSHA', ['0'.repeat(40), '0', 'secret'])
    await assert.rejects(refused, (error: Error) => {
      assert.equal(error.name, 'ReplyError')
      assert.match(error.message, /^NOSCRIPT/)
      assert.doesNotMatch(JSON.stringify(error), /secret/)
      return true
    })
  })

  test('is told of to whoever traces ioredis, without its arguments', async () => {
    const told: { command: string; args: unknown[] }[] = []
    const channel = tracingChannel('ioredis:command')
    const nothing = () => {}
    const start = (message: unknown): void => {
      told.push(message as (typeof told)[number])
    }
    const subscriber = { start, end: nothing, asyncStart: nothing, asyncEnd: nothing, error: nothing }
    channel.subscribe(subscriber)
    assert.deepEqual(await ask(redis.client, 'ECHO', ['secret']), Buffer.from('secret'))
    channel.unsubscribe(subscriber)
    assert.deepEqual(
      told.map(({ command, args }) => [command, args]),
      [['ECHO', []]],
    )
  })

  test('rejects where the connection is lost under it, and where there is none', async () => {
    const client = new Redis(redis.url, { enableOfflineQueue: false, retryStrategy: () => null })
    await once(client, 'ready')
    const blocked = ask(client, 'BLPOP', ['nothing', '0'])
    client.disconnect()
    await assert.rejects(blocked, /Connection is closed/)
    await assert.rejects(ask(client, 'PING'), /Connection is closed|isn't writeable/)
  })

  test("is sent again where the client's reconnectOnError wants that", async () => {
    let errors = 0
    const reconnectOnError = () => (++errors === 1 ? 2 : false)
    const client = new Redis(redis.url, { reconnectOnError })
    await redis.client.set('text', 'x')
    const wrong = ask(client, 'INCR', ['text'])
    await assert.rejects(wrong, /not an integer/)
    assert.equal(errors, 2)
    client.disconnect()
  })

  test("blocks for as long as it says, whatever the client's own options allow", async () => {
    const theirs = { lazyConnect: true, blockingTimeout: 20, blockingTimeoutGrace: 1, commandTimeout: 20 }
    const client = openClient(new Redis(redis.url, theirs), { lazyConnect: false, replyMapping: 'legacy' })
    await once(client, 'ready')
    const blocked = ask(client, 'BLPOP', ['list', '5'])
    await setTimeout(200)
    await redis.client.rpush('list', 'item')
    assert.deepEqual(await blocked, [Buffer.from('list'), Buffer.from('item')])
    client.disconnect()
  })
})

describe('a connection that asks', () => {
  const ready = async (): Promise<Connection> => {
    const connection = new Connection(redis.url, { role: 'spec' })
    await connection.ready(5_000)
    return connection
  }
  const echo = (client: Redis, answer: Answer): void => send(client, 'ECHO', ['text'], answer)

  test('answers what is read from the reply, or rejects with what reading throws', async () => {
    const connection = await ready()
    assert.equal(await connection.ask(echo, String, 5_000), 'text')
    const malformed = new MalformedDataError('not what was expected')
    const unreadable = connection.ask(
      echo,
      () => {
        throw malformed
      },
      5_000,
    )
    await assert.rejects(unreadable, (error) => error === malformed)
    connection.close()
  })

  test('rejects with what Redis says, and where the command cannot be sent', async () => {
    const connection = await ready()
    const refused = connection.ask((client, answer) => send(client, 'NONSENSE', [], answer), String, 5_000)
    await assert.rejects(refused, RedisError)
    const broken = connection.ask(
      () => {
        throw new TypeError('no stream')
      },
      String,
      5_000,
    )
    await assert.rejects(broken, (error) => error instanceof RedisError && error.message === 'no stream')
    connection.close()
    await assert.rejects(connection.ask(echo, String, 5_000), /closed/)
  })

  test('rejects when it is closed, also where the client would never call back', async () => {
    const connection = await ready()
    const silent = connection.ask(() => {}, String, 60_000)
    connection.close()
    await assert.rejects(
      silent,
      (error) => error instanceof RedisError && error.code === 'ERR_MILLRACE_CLOSED',
    )
  })
})
