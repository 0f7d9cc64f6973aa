/** Over TLS, with user and password: every connection of a caller and of a worker, its heartbeat's thread too. */

import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { Redis, type RedisOptions } from 'ioredis'
import { Queue, type RedisTarget } from '../../lib/index.ts'
import { rejection } from '../support/fresh.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { hasOpenssl, makeCertificates } from './certificates.ts'

const USER = 'orders'
const PASSWORD = 'a b:c/d@e%f?g#h'
const LOGIN = `${USER}:${encodeURIComponent(PASSWORD)}`

const redis = await startRedis()
const certificates = hasOpenssl() ? makeCertificates(redis.dir) : undefined
const listening = certificates && (await listenWithTls())
const why = certificates ? 'this redis-server was built without TLS' : 'there is no openssl command here'
const options = { skip: listening ? false : why }
const port = listening ?? 0
const ca = certificates?.ca.cert as Buffer

/** The port; undefined: this server cannot. */
async function listenWithTls(): Promise<number | undefined> {
  const { ca, server } = certificates!
  const files = [
    'tls-ca-cert-file',
    ca.certFile,
    'tls-cert-file',
    server.certFile,
    'tls-key-file',
    server.keyFile,
  ]
  const set = (...words: string[]) => redis.client.call('CONFIG', 'SET', ...words)
  if (((await redis.client.call('CONFIG', 'GET', 'tls-port')) as string[]).length === 0) return undefined
  await redis.client.call('ACL', 'SETUSER', USER, 'reset', 'on', `>${PASSWORD}`, '~*', '&*', '+@all')
  // The server's own port is below 30000, and so is this one; taken ones are passed over.
  for (let port = redis.port - 10_000; ; port++) {
    try {
      await set(...files, 'tls-auth-clients', 'no', 'tls-port', String(port))
      return port
    } catch (error) {
      if (port > redis.port - 9_980) throw error
    }
  }
}

const queues: Queue[] = []
const errors: Error[] = []
function open(target: RedisTarget): Queue {
  const queue = new Queue('q', { redis: target, enqueueTimeout: 3_000 })
  queue.on('error', (error) => errors.push(error))
  queue.task('add', (a: number, b: number) => a + b)
  queues.push(queue)
  return queue
}
const add = (queue: Queue) => queue.remote<(a: number, b: number) => number>('add')

afterEach(async () => {
  await Promise.all(queues.splice(0).map((queue) => queue.close()))
  errors.splice(0)
})
after(() => redis.stop())

/** Runs a call and its worker, and looks who is connected. */
async function works(target: RedisTarget): Promise<void> {
  const queue = open(target)
  const worker = queue.worker({ lease: 1_000, drainTimeout: 500 })
  void worker.run()
  assert.equal(await add(queue)(1, 2).get(), 3)
  const roles = ['commands', 'replies', 'fetch', 'heartbeat']
  await until('all four connections over TLS, as this user', async () => {
    const clients = String(await redis.client.client('LIST')).split('\n')
    return roles.every((role) =>
      clients.some(
        (line) =>
          line.includes(`name=millrace:${role} `) &&
          line.includes(`laddr=127.0.0.1:${port} `) &&
          line.includes(`user=${USER} `),
      ),
    )
  })
  const score = async (): Promise<number> =>
    Number(await redis.client.zscore('millrace:{q}:workers', worker.id))
  const first = await score()
  await until('a beat', async () => (await score()) > first)
  assert.deepEqual(errors, [])
}

test(
  'a client of a rediss:// URL with user and password, and the authority in its options',
  options,
  async () => {
    await works(new Redis(`rediss://${LOGIN}@127.0.0.1:${port}`, { tls: { ca }, lazyConnect: true }))
  },
)

test('options, with the authority as text', options, async () => {
  const target = { host: 'localhost', family: 4, port, username: USER, password: PASSWORD }
  await works({ ...target, tls: { ca: ca.toString() } })
})

test('a certificate of the client', options, async () => {
  const target = { host: '127.0.0.1', port, username: USER, password: PASSWORD }
  await redis.client.call('CONFIG', 'SET', 'tls-auth-clients', 'yes')
  try {
    const { cert, key } = certificates!.client
    await works({ ...target, tls: { ca, cert, key } })
    const error = await rejection(add(open({ ...target, tls: { ca } }))(1, 2).enqueued)
    assert.equal(error.code, 'ERR_MILLRACE_ENQUEUE')
  } finally {
    await redis.client.call('CONFIG', 'SET', 'tls-auth-clients', 'no')
  }
})

test('a wrong password: refused at once, typed, without either word', options, async () => {
  for (const [username, password] of [
    [USER, 'not-the-word'],
    ['nobody-here', PASSWORD],
  ] as const) {
    const login = `${username}:${encodeURIComponent(password)}`
    for (const target of [
      new Redis(`rediss://${login}@127.0.0.1:${port}`, { tls: { ca }, lazyConnect: true }),
      { port, username, password, tls: { ca } } satisfies RedisOptions,
    ]) {
      const error = await rejection(add(open(target))(1, 2).enqueued)
      assert.deepEqual([error.code, error.accepted], ['ERR_MILLRACE_ENQUEUE', false])
      assert.match(error.message, /WRONGPASS/)
      for (const { message } of [error, error.cause as Error, ...errors]) {
        for (const word of [password, encodeURIComponent(password), username])
          assert.ok(!message.includes(word), message)
      }
    }
  }
})

test(
  'an authority that is not trusted, a name that is not in the certificate: refused, typed',
  options,
  async () => {
    const login = { port, username: USER, password: PASSWORD }
    const targets: [RedisTarget, RegExp][] = [
      [`rediss://${LOGIN}@127.0.0.1:${port}`, /certificate/],
      [{ ...login, tls: { ca, servername: 'redis.example.com' } }, /altnames|redis\.example\.com/],
    ]
    for (const [target, reason] of targets) {
      const error = await rejection(add(open(target))(1, 2).enqueued)
      assert.deepEqual([error.code, error.accepted], ['ERR_MILLRACE_ENQUEUE', false])
      assert.match(error.message, reason)
      assert.ok(!error.message.includes(encodeURIComponent(PASSWORD)))
    }
  },
)

test('TLS towards a plain port, and plain words towards TLS: calls end in their time', options, async () => {
  const targets = [`rediss://127.0.0.1:${redis.port}`, `redis://${LOGIN}@127.0.0.1:${port}`]
  for (const target of targets) {
    const error = await rejection(add(open(target))(1, 2).enqueued)
    assert.deepEqual([error.code, error.accepted], ['ERR_MILLRACE_ENQUEUE', false])
  }
})
