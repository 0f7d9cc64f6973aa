/**
 * A process in which everything goes wrong that can, with secrets in every place where one may stand; it prints all that
 * it hears of it, as deep as it goes: `node --import tsx spec/security/leaks.ts <port of a Redis> <port of none>`.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { Redis, type RedisOptions } from 'ioredis'
import { currentTask, Queue, type QueueOptions } from '../../lib/index.ts'

const [port, nowhere] = process.argv.slice(2).map(Number) as [number, number]
const PASSWORD = 'SECRET-password'
const ARGUMENT = 'SECRET-argument'
const RESULT = 'SECRET-result'
const LOGIN = `SECRET-user:${PASSWORD}`
const GOOD = { host: '127.0.0.1', port, username: 'good', password: 'SECRET-good' } satisfies RedisOptions

function say(what: string, error: unknown): void {
  const seen = inspect(error, { depth: 12, showHidden: true, maxStringLength: null, breakLength: Infinity })
  console.log(`${what}: ${(error as { code?: string } | null)?.code} ${seen.replaceAll('\n', ' | ')}`)
}
const saying = (what: string, promise: Promise<unknown>) =>
  promise.then(
    (value) => console.log(`${what}: no error, ${typeof value}`),
    (error) => say(what, error),
  )

function open(what: string, redis: QueueOptions['redis'], options: QueueOptions = {}, listens = true): Queue {
  const queue = new Queue('leaks', { redis: redis!, enqueueTimeout: 400, ...options })
  if (listens) queue.on('error', (error) => say(`${what}, event`, error))
  return queue
}

async function connecting(): Promise<void> {
  const targets: Record<string, QueueOptions['redis']> = {
    'refused, URL': `redis://${LOGIN}@127.0.0.1:${nowhere}`,
    'refused, options': { host: '127.0.0.1', port: nowhere, password: PASSWORD },
    'unknown host': `redis://${LOGIN}@no-such-host.invalid:1`,
    'wrong password, URL': `redis://${LOGIN}@127.0.0.1:${port}`,
    'wrong password, options': { port, password: PASSWORD, username: 'SECRET-user' },
    'wrong password, client': new Redis(`redis://${LOGIN}@127.0.0.1:${port}`, { lazyConnect: true }),
    'wrong password in a query': `redis://127.0.0.1:${port}?username=SECRET-user&password=${PASSWORD}`,
    'TLS to a plain port': `rediss://${LOGIN}@127.0.0.1:${port}`,
    'no such database': { ...GOOD, db: 9_999 },
  }
  for (const [what, target] of Object.entries(targets)) {
    const listens = !what.includes('options')
    const queue = open(what, target, {}, listens)
    const task = queue.task('work', (secret: string) => secret)
    const worker = queue.worker()
    if (listens) worker.on('error', (error) => say(`${what}, worker`, error))
    void worker.run()
    // Nobody awaits this one: it becomes an event or a warning.
    task(ARGUMENT)
    await saying(`${what}, call`, task(ARGUMENT).get())
    await saying(`${what}, counts`, queue.counts())
    await saying(`${what}, stop`, worker.stop())
    await queue.close()
  }
}

function options(): void {
  const wrong: unknown[] = [
    ...[
      `http://${LOGIN}@host`,
      `${LOGIN}@host`,
      `redis://${LOGIN}@[bad`,
      `redis://${LOGIN}@host?keyPrefix=a`,
    ],
    ...[{ password: PASSWORD, keyPrefix: 'a' }, 17, () => PASSWORD],
  ]
  for (const redis of wrong) {
    try {
      new Queue('leaks', { redis: redis as string })
      console.log('options: no error')
    } catch (error) {
      say('options', error)
    }
  }
}

async function tasks(): Promise<void> {
  const queue = open('tasks', GOOD, { maxPayload: 5_000, maxResult: 5_000, enqueueTimeout: 5_000 })
  const worker = queue.worker({
    concurrency: 5,
    lease: 1_000,
    drainTimeout: 200,
    abortGrace: 50,
    onOverrun: 'report',
  })
  for (const name of ['error', 'dead', 'fenced', 'recovered'] as const)
    worker.on(name, (news: unknown) => say(`worker, ${name}`, news))
  const handlers: Record<string, (secret: unknown) => unknown> = {
    throws: () => {
      throw new Error('the handler says so')
    },
    'throws-strange': () => {
      throw null
    },
    'too-large': () => RESULT.repeat(1_000),
    unsupported: () => ({ secret: RESULT, fn() {} }),
    'progress-unsupported': () => currentTask().updateProgress({ secret: RESULT, fn() {} }),
    'progress-too-large': () => currentTask().updateProgress(RESULT.repeat(1_000)),
    overruns: () => {
      for (const end = performance.now() + 700; performance.now() < end; );
    },
    'times-out': () => delay(5_000, RESULT),
    'never-ends': () => new Promise(() => {}),
  }
  const limits: Record<string, object> = { overruns: { timeout: 100 }, 'times-out': { timeout: 100 } }
  for (const [name, handler] of Object.entries(handlers)) queue.task(name, handler, limits[name])
  const call = (name: string) => queue.remote<(secret: unknown) => unknown>(name)
  void worker.run()
  for (const name of Object.keys(handlers))
    await saying(
      name,
      call(name)({ secret: ARGUMENT }).get({ timeout: name === 'never-ends' ? 300 : 10_000 }),
    )
  const hidden = { secret: ARGUMENT }
  for (const argument of [
    ARGUMENT.repeat(1_000),
    [hidden, () => 1],
    [hidden, Promise.resolve(hidden)],
    nest(hidden),
  ]) {
    await saying(
      'call',
      Promise.resolve().then(() => call('throws')(argument).get()),
    )
  }
  await saying('expired', call('throws').with({ ttl: 1, delay: 5 })(hidden).get({ timeout: 5_000 }))
  const cancelled = call('throws').with({ delay: 60_000 })(hidden)
  await cancelled.cancel('the reason')
  await saying('cancelled', cancelled.get())
  await saying('lost', queue.handle('no-such-task').get())
  await junk(queue)
  for (const info of await queue.tasks({ state: 'failed' })) say('kept error', info.error)
  await worker.stop()
  await queue.close()
  await saying(
    'closed',
    Promise.resolve().then(() => call('throws')(hidden).get()),
  )
}

/** Bytes that are no call, and calls whose arguments cannot be unpacked. */
async function junk(queue: Queue): Promise<void> {
  const client = new Redis(GOOD)
  const P = 'millrace:{leaks}'
  await client.xadd(`${P}:stream:normal`, '*', 'junk', ARGUMENT)
  const broken: Record<string, Buffer> = {
    text: Buffer.from(`\0${ARGUMENT}`),
    // A pattern that is none.
    pattern: Buffer.concat([
      Buffer.from('0092a66272', 'hex'),
      Buffer.from('6f6b656ed4780092ae', 'hex'),
      Buffer.from('(SECRET-regexp'),
      Buffer.from([0xa0]),
    ]),
  }
  // In one step, or a worker finds the entry before its record.
  const both = `local entry = redis.call('XADD', KEYS[1] .. ':stream:normal', '*', ARGV[1], ARGV[2])
    redis.call('HSET', KEYS[1] .. ':task:' .. ARGV[1], 'entry', entry)`
  for (const [id, call] of Object.entries(broken)) {
    await client.eval(both, 1, P, id, call)
    await saying(`malformed ${id}`, queue.handle(id).get({ timeout: 5_000 }))
  }
  client.disconnect()
}

function nest(core: unknown): unknown {
  let value = core
  for (let i = 0; i < 200; i++) value = [value]
  return value
}

/** What Redis answers when it does not answer, and when it refuses: it quotes arguments in some of its messages. */
async function refusals(): Promise<void> {
  const admin = new Redis({ port })
  for (const rights of ['-evalsha -eval', '-@all', 'resetkeys', 'off']) {
    const queue = open(rights, { ...GOOD, username: 'bound', password: 'SECRET-bound' })
    const task = queue.task('work', (secret: string) => secret)
    await admin.acl(
      'SETUSER',
      'bound',
      'reset',
      'on',
      '>SECRET-bound',
      '~*',
      '&*',
      '+@all',
      ...rights.split(' '),
    )
    await saying(`${rights}, call`, task(ARGUMENT).get())
    await saying(`${rights}, getTask`, queue.getTask('SECRET-id'))
    await queue.close()
  }
  admin.disconnect()
}

process.on('warning', (warning) => say('warning', warning))
process.on('unhandledRejection', (error) => say('UNHANDLED', error))
options()
await connecting()
await refusals()
await tasks()
console.log('bye')
