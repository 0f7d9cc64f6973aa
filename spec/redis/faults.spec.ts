import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { OptionError, RedisError } from '../../lib/errors.ts'
import {
  isConfiguration,
  isGroupGone,
  isLater,
  isMissingScript,
  isTransient,
  messageOf,
  toRedisError,
} from '../../lib/redis/faults.ts'
import { openClient, portableTarget, type RedisLike, resolveTarget } from '../../lib/redis/target.ts'

/** As ioredis makes it of an error reply: with the command and its arguments on it. */
function reply(message: string, args: readonly unknown[] = ['s3cret payload']): Error {
  const error = new Error(message)
  error.name = 'ReplyError'
  return Object.assign(error, { command: { name: 'evalsha', args } })
}

const LATER = [
  'NOSCRIPT No matching script. Please use EVAL.',
  'LOADING Redis is loading the dataset in memory',
  "READONLY You can't write against a read only replica.",
  'MOVED 3999 127.0.0.1:6381',
  'ASK 3999 127.0.0.1:6381',
  'TRYAGAIN Multiple keys request during rehashing of slot',
  'CLUSTERDOWN The cluster is down',
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
  'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
  "OOM command not allowed when used memory > 'maxmemory'.",
  'NOREPLICAS Not enough good replicas to write.',
]
const NEVER = [
  "CROSSSLOT Keys in request don't hash to the same slot",
  "NOPERM User default has no permissions to run the 'evalsha' command",
  'NOAUTH Authentication required.',
  'WRONGPASS invalid username-password pair or user is disabled.',
  'DENIED Redis is running in protected mode',
  "ERR unknown command 'EVALSHA', with args beginning with: 's3cret'",
]
const OTHER = [
  'WRONGTYPE Operation against a key holding the wrong kind of value',
  'ERR value is not an integer or out of range',
  'BUSYGROUP Consumer Group name already exists',
  'BUSYKEY Target key name already exists.',
  'NOGROUP No such key',
  'UNBLOCKED the stream key no longer exists',
  'ERR LOADING is only a word here',
]
const LOST = [
  'connect ECONNREFUSED 127.0.0.1:6379',
  'Connection is closed.',
  'read ECONNRESET',
  'write EPIPE',
]

describe('what a failed command means', () => {
  test('replies that say "not now": nothing ran, and another try may help', () => {
    for (const message of LATER) {
      const error = toRedisError(reply(message))
      assert.equal(error.executed, false, message)
      assert.ok(isLater(error) && isTransient(error) && !isConfiguration(error), message)
    }
  })

  test('replies that only another configuration cures: nothing ran, and no try helps', () => {
    for (const message of NEVER) {
      const error = toRedisError(reply(message))
      assert.equal(error.executed, false, message)
      assert.ok(isConfiguration(error) && !isTransient(error), message)
    }
    const tooOld = new RedisError('Redis 6.2.1 is too old: Millrace needs 7.0', false)
    assert.ok(isConfiguration(tooOld) && !isTransient(tooOld))
  })

  test('other error replies: part of a script may have run, and the same try brings the same', () => {
    for (const message of OTHER) {
      const error = toRedisError(reply(message))
      assert.equal(error.executed, 'unknown', message)
      assert.ok(!isLater(error) && !isConfiguration(error) && !isTransient(error), message)
    }
  })

  test('a lost socket or a timeout: unknown whether it ran, and worth another try', () => {
    for (const message of LOST) {
      const error = toRedisError(new Error(message))
      assert.equal(error.executed, 'unknown', message)
      assert.equal(error.code, 'ERR_MILLRACE_REDIS')
      assert.ok(isTransient(error), message)
    }
  })

  test('a stream or group that is gone, and a script that the server forgot, are known by name', () => {
    const all = [...LATER, ...NEVER, ...OTHER, ...LOST]
    assert.deepEqual(
      all
        .filter((message) => isGroupGone(toRedisError(reply(message))))
        .map((message) => message.split(' ')[0]),
      ['NOGROUP', 'UNBLOCKED'],
    )
    assert.deepEqual(
      all.filter((message) => isMissingScript(reply(message))).map((message) => message.split(' ')[0]),
      ['NOSCRIPT'],
    )
  })

  test('only a RedisError is transient: whoever asks has made one of it', () => {
    for (const other of [new Error('read ECONNRESET'), 'text', undefined, null])
      assert.ok(!isTransient(other))
  })

  test('what is thrown by something else than Redis becomes a RedisError too', () => {
    for (const thrown of ['text', undefined, null, 5, {}]) {
      const error = toRedisError(thrown)
      assert.ok(error instanceof RedisError)
      assert.deepEqual([error.executed, error.message], ['unknown', String(thrown)])
    }
    const known = new RedisError('known', false)
    assert.equal(toRedisError(known), known)
  })

  test('a host whose addresses all refuse is told with the reason of each', () => {
    const refusals = ['connect ECONNREFUSED ::1:6379', 'connect ECONNREFUSED 127.0.0.1:6379']
    const error = new AggregateError(refusals.map((message) => new Error(message)))
    assert.equal(toRedisError(error).message, refusals.join(', '))
    assert.equal(messageOf(new AggregateError([], 'its own message')), 'its own message')
  })
})

describe('what an error says of a command', () => {
  test('nothing of its arguments: not in the message, the stack, nor a field', () => {
    const messages = [
      "ERR unknown command 'FOO', with args beginning with: 's3cret' 's3cret' ",
      'ERR unknown command `FOO`, with args beginning with: `s3cret`, `s3\ncret`, ',
      ...LATER,
      ...OTHER,
    ]
    for (const message of messages) {
      const error = toRedisError(reply(message))
      assert.doesNotMatch(JSON.stringify(error) + error.message + error.stack, /s3\n?cret/)
      assert.equal(error.cause, undefined)
      assert.deepEqual(Object.keys(error).sort(), ['code', 'executed', 'name'])
      assert.equal(error.code, 'ERR_MILLRACE_REDIS_REPLY')
    }
  })

  test('a few lines at most', () => {
    assert.equal(toRedisError(reply(`ERR ${'x'.repeat(100_000)}`)).message.length, 500)
  })
})

const withRedisUrl = (t: TestContext, url: string | undefined): void => {
  const before = process.env.REDIS_URL
  const set = (value: string | undefined): void => {
    if (value === undefined) delete process.env.REDIS_URL
    else process.env.REDIS_URL = value
  }
  t.after(() => set(before))
  set(url)
}

const refusal = (target: unknown): string => {
  try {
    resolveTarget('Queue: redis', target)
  } catch (error) {
    assert.ok(error instanceof OptionError)
    return error.message
  }
  assert.fail('it was not refused')
}

/** An ioredis client of another copy of the package, as far as one can see. */
const lookalike = (options: object = {}, more: object = {}): RedisLike => ({
  options,
  status: 'wait',
  duplicate: () => ({}),
  ...more,
})

describe('the target', () => {
  test('is what was given, else REDIS_URL, else 127.0.0.1:6379', (t) => {
    withRedisUrl(t, undefined)
    assert.equal(resolveTarget('x', undefined), 'redis://127.0.0.1:6379')
    process.env.REDIS_URL = 'redis://elsewhere:1'
    assert.equal(resolveTarget('x', undefined), 'redis://elsewhere:1')
    assert.equal(resolveTarget('x', 'redis://given'), 'redis://given')
    const options = { host: 'h' }
    assert.equal(resolveTarget('x', options), options)
  })

  test('may be a URL with or without TLS, a URL object, or the path of a socket', () => {
    for (const url of ['redis://h', 'rediss://u:p@h:1/2', 'redis://[::1]:6379', '/var/run/redis.sock']) {
      assert.equal(resolveTarget('x', url), url)
    }
    assert.equal(resolveTarget('x', new URL('redis://u:p@h:7/2')), 'redis://u:p@h:7/2')
  })

  test('is refused when it is none of these, and the message never holds what was given', (t) => {
    const wrong = [
      'http://u:s3cret@h',
      'u:s3cret@h',
      'redis//:s3cret@h',
      'redis://u:s3cret@[::1',
      's3cret',
      '',
    ]
    for (const url of wrong) assert.doesNotMatch(refusal(url), /s3cret/)
    withRedisUrl(t, 'amqp://u:s3cret@h')
    assert.doesNotMatch(refusal(undefined), /s3cret/)
    for (const other of [5, true, 5n, Symbol('s'), () => 's3cret']) {
      assert.match(refusal(other), /^Queue: redis must be a URL, ioredis options or an ioredis client/)
      assert.doesNotMatch(refusal(other), /s3cret/)
    }
  })

  test('may be an ioredis client, recognised by its shape and never used itself', () => {
    const mine = new Redis({ lazyConnect: true, host: 'h', db: 3 })
    assert.equal(resolveTarget('x', mine), mine)
    const foreign = lookalike({ host: 'h' })
    assert.equal(resolveTarget('x', foreign), foreign)
    const opened = openClient(mine, { replyMapping: 'legacy', lazyConnect: true })
    assert.notEqual(opened, mine)
    assert.deepEqual([opened.options.host, opened.options.db, opened.status], ['h', 3, 'wait'])
    assert.equal(mine.status, 'wait')
  })

  test('opens clients with our options over those of the target, and without its timeout for commands', () => {
    const ours = { replyMapping: 'legacy', lazyConnect: true, enableOfflineQueue: false } as const
    const theirs = { lazyConnect: true, host: 'h', enableOfflineQueue: true, commandTimeout: 50 }
    for (const target of [theirs, new Redis({ ...theirs, replyMapping: 'legacy' })]) {
      const { options } = openClient(target, ours)
      assert.deepEqual([options.host, options.enableOfflineQueue], ['h', false])
      assert.equal(options.commandTimeout, undefined)
    }
    assert.equal(openClient('redis://h2:7', ours).options.host, 'h2')
  })

  test('is refused with a secure context that a thread cannot be given', () => {
    assert.match(
      refusal({ tls: { secureContext: createSecureContext() } }),
      /secureContext.*give ca, cert and key/,
    )
  })

  test('is refused with a keyPrefix, wherever it stands', () => {
    const prefixed = new Redis({ lazyConnect: true, keyPrefix: 'app:' })
    const wrong = [
      { keyPrefix: 'app:' },
      prefixed,
      lookalike({ keyPrefix: 'app:' }),
      'redis://h/0?keyPrefix=app:',
    ]
    for (const target of wrong) assert.match(refusal(target), /keyPrefix.*namespace/)
    assert.ok(resolveTarget('x', { keyPrefix: '' }))
  })

  test('is refused when it is a client of a Redis Cluster', () => {
    const cluster = new Cluster([{ host: 'h', port: 1 }], { lazyConnect: true })
    assert.match(refusal(cluster), /Cluster client is not supported yet/)
    assert.match(refusal(lookalike({}, { isCluster: true })), /Cluster client is not supported yet/)
  })
})

describe('the target for a thread', () => {
  const fn = (): number => 1

  test('can be cloned into it, from a client with functions, TLS and sentinels', () => {
    const options: RedisOptions & { replyMapping: 'legacy' } = {
      replyMapping: 'legacy',
      lazyConnect: true,
      host: 'h',
      password: 'p',
      retryStrategy: fn,
      reconnectOnError: () => false,
      sentinels: [{ host: 's1', port: 26_379 }],
      name: 'mymaster',
      sentinelRetryStrategy: fn,
      natMap: { '10.0.0.1:6379': { host: 'nat', port: 1 } },
      tls: {
        checkServerIdentity: () => undefined,
        ca: [Buffer.from('ca')],
        secureContext: createSecureContext(),
      },
    }
    for (const target of [options, new Redis(options), lookalike(options)]) {
      const portable = portableTarget(target) as RedisOptions
      const there = structuredClone(portable)
      assert.deepEqual([there.host, there.password, there.name], ['h', 'p', 'mymaster'])
      assert.deepEqual(there.sentinels, options.sentinels)
      assert.deepEqual(there.natMap, options.natMap)
      assert.ok(!('retryStrategy' in there) && !('checkServerIdentity' in there.tls!))
      const [ca] = there.tls!.ca as Uint8Array[]
      assert.equal(Buffer.from(ca!).toString(), 'ca')
      // What it was made from is as before.
      assert.equal(options.retryStrategy, fn)
    }
  })

  test('is a URL where it was one', () => {
    assert.equal(portableTarget('redis://u:p@h'), 'redis://u:p@h')
  })
})
