/** Tasks that wait for others, from end to end: real workers, real kills. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Queue, TaskCancelledError, TaskFailedError, TaskLostError } from '../../lib/index.ts'
import { gate, rejection } from '../support/fresh.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { newCall, type Sender, sender, type Wishes } from '../support/wishes.ts'

let redis: TestRedis
before(async () => {
  redis = await startRedis()
})
after(() => redis?.stop())

let made = 0

/** A queue of its own, with a worker once it is asked for. */
async function stage() {
  made += 1
  const name = `after${made}`
  const queue = new Queue(name, { redis: redis.url })
  queue.on('error', () => {})
  const raw = await sender(redis.url, name)
  queue.task('give', (value: unknown) => value)
  queue.task('fail', (message: string) => {
    throw Object.assign(new Error(message), { code: 'E_TEST' })
  })
  queue.task('seen', (...args: unknown[]) => args)
  return {
    ...{ queue, raw },
    result: (id: string) => queue.handle<unknown>(id).get({ timeout: 20_000 }),
    async work(concurrency = 10) {
      const worker = queue.worker({ concurrency, lease: 2_000 })
      const ready = new Promise((resolve) => worker.once('ready', resolve))
      void worker.run()
      await ready
      return worker
    },
    async [Symbol.asyncDispose]() {
      await queue.close()
      raw[Symbol.dispose]()
    },
  }
}

/** What one task gets of another that ended as `parent` does. */
async function taken(parent: [string, unknown], wishes: Wishes): Promise<unknown> {
  await using s = await stage()
  const id = await s.raw.call(parent[0], [parent[1]])
  const child = await s.raw.call('seen', ['own'], { after: [id], take: true, ...wishes })
  await s.work()
  return await s.result(child)
}

describe('a task that waits for another', () => {
  test('begins when that one has succeeded, and not before', async () => {
    await using s = await stage()
    const { passed, open } = gate()
    s.queue.task('held', () => passed)
    const parent = await s.raw.call('held', [])
    const child = await s.raw.call('give', [2], { after: [parent] })
    await s.work()
    await until('it to run', async () => (await s.queue.getTask(parent))?.state === 'running')
    assert.equal((await s.queue.getTask(child))?.state, 'waiting')
    assert.deepEqual((await s.queue.getTask(child))?.after, [parent])
    open()
    assert.equal(await s.result(child), 2)
  })

  test('gets its result ahead of its own arguments, in the form that the call asks for', async () => {
    assert.deepEqual(await taken(['give', 12n], {}), [12n, 'own'])
    assert.deepEqual(await taken(['give', undefined], {}), [undefined, 'own'])
    assert.deepEqual(await taken(['give', { deep: [1] }], { options: { inputs: 'list' } }), [
      [{ deep: [1] }],
      'own',
    ])
    assert.deepEqual(await taken(['give', 1], { options: { inputs: 'settled' } }), [
      [{ state: 'succeeded', value: 1 }],
      'own',
    ])
  })

  test('gets its error where it runs all the same, or is a callback of failure', async () => {
    const error = { name: 'Error', message: 'broken', code: 'E_TEST', state: 'failed' }
    const fail: [string, unknown] = ['fail', 'broken']
    assert.deepEqual(await taken(fail, { policy: 'e', options: { inputs: 'error' } }), [error, 'own'])
    assert.deepEqual(await taken(fail, { policy: 'r', options: { inputs: 'settled' } }), [
      [{ state: 'failed', error }],
      'own',
    ])
    assert.deepEqual(await taken(fail, { policy: 'r' }), [error, 'own'])
  })

  test('fails with DependencyError where that one failed, and so do all behind it, with the first error', async () => {
    await using s = await stage()
    const first = await s.raw.call('fail', ['broken'])
    let last = first
    for (let i = 0; i < 5; i++) last = await s.raw.call('give', [i], { after: [last] })
    await s.work()
    const error = await rejection(s.result(last))
    assert.ok(error instanceof TaskFailedError)
    const cause = error.cause as Error & { code: string }
    assert.deepEqual([cause.name, cause.code], ['DependencyError', 'ERR_MILLRACE_DEPENDENCY'])
    assert.match(cause.message, /^the task [\w-]+ that it waited for failed$/)
    assert.deepEqual(
      [(cause.cause as Error).message, (cause.cause as { code?: string }).code],
      ['broken', 'E_TEST'],
    )
    assert.equal((await s.queue.counts()).failed, 6)
  })

  test('is cancelled or vanishes, as its policy says', async () => {
    await using s = await stage()
    const parent = await s.raw.call('fail', ['broken'])
    const [cancelled, vanished] = await Promise.all([
      s.raw.call('give', [1], { after: [parent], policy: 'c' }),
      s.raw.call('give', [1], { after: [parent], policy: 's' }),
    ])
    const behind = await s.raw.call('give', [1], { after: [vanished] })
    await s.work()
    assert.ok((await rejection(s.result(cancelled))) instanceof TaskCancelledError)
    assert.ok((await rejection(s.result(behind))) instanceof TaskFailedError)
    assert.equal(await s.queue.getTask(vanished), null)
    assert.deepEqual((await s.queue.counts()).ended, { succeeded: 0, failed: 2, cancelled: 1, expired: 0 })
  })

  test('may come after the end of that one', async () => {
    await using s = await stage()
    const good = await s.raw.call('give', ['first'])
    const bad = await s.raw.call('fail', ['broken'])
    await s.work()
    assert.equal(await s.result(good), 'first')
    await rejection(s.result(bad))
    const child = await s.raw.call('seen', [], { after: [good], take: true })
    assert.deepEqual(await s.result(child), ['first'])
    assert.match(
      (await rejection(s.result(await s.raw.call('give', [1], { after: [bad] })))).message,
      /failed/,
    )
  })

  test('of one that is cancelled, removed, or expires before it begins, whoever said so', async () => {
    await using s = await stage()
    const [cancelled, removed, expired] = [
      await s.raw.call('give', [1], { delay: 60_000 }),
      await s.raw.call('give', [1], { delay: 60_000 }),
      await s.raw.call('give', [1], { ttl: 1 }),
    ]
    const children = await Promise.all(
      [cancelled, removed, expired].map((id) => s.raw.call('give', [1], { after: [id] })),
    )
    assert.equal(await s.queue.cancel(cancelled), 'cancelled')
    assert.equal(await s.queue.remove(removed), 'removed')
    await s.work()
    const messages = await Promise.all(children.map(async (id) => (await rejection(s.result(id))).message))
    assert.match(messages[0]!, /was cancelled$/)
    assert.match(messages[1]!, /was cancelled$/)
    assert.match(messages[2]!, /expired$/)
    assert.equal(await s.raw.client.exists(s.raw.key('releasing')), 0)
  })

  test('of one whose record was deleted by hand, as soon as somebody asks for it', async () => {
    await using s = await stage()
    const parent = await s.raw.call('give', [1], { delay: 60_000 })
    const child = await s.raw.call('give', [1], { after: [parent] })
    const behind = await s.raw.call('give', [1], { after: [child] })
    await s.raw.client.del(s.raw.key(`task:${parent}`))
    await s.work()
    assert.match((await rejection(s.result(behind))).message, /failed$/)
    assert.match((await rejection(s.result(child))).message, /is lost$/)
    assert.ok((await rejection(s.result(parent))) instanceof TaskLostError)
  })

  test('of one whose entry was deleted by hand: who asks for that one finds it lost, and tells', async () => {
    await using s = await stage()
    const parent = await s.raw.call('give', [1])
    const child = await s.raw.call('give', [1], { after: [parent] })
    const [entry] = (await s.raw.client.xrange(s.raw.key('stream:normal'), '-', '+'))[0]!
    await s.raw.client.xdel(s.raw.key('stream:normal'), entry)
    assert.ok((await rejection(s.result(parent))) instanceof TaskLostError)
    await s.work()
    assert.match((await rejection(s.result(child))).message, /is lost$/)
  })

  test('finds what it takes again when it is retried, and when it is redriven with its parent', async () => {
    await using s = await stage()
    let attempts = 0
    s.queue.task('flaky', (value: unknown) => {
      attempts += 1
      if (attempts < 3) throw new Error('not yet')
      return value
    })
    let isBroken = true
    s.queue.task('mended', () => {
      if (isBroken) throw new Error('broken')
      return 'mended'
    })
    const parent = await s.raw.call('give', ['kept'])
    const child = await s.raw.call('flaky', [], {
      after: [parent],
      take: true,
      options: { retries: 5, backoff: { type: 'fixed', delay: 1 } },
    })
    await s.work()
    assert.equal(await s.result(child), 'kept')
    assert.equal(attempts, 3)
    assert.deepEqual(
      Object.keys(await s.raw.client.hgetall(s.raw.key(`task:${child}`))).filter((name) =>
        name.startsWith('in'),
      ),
      [],
      'and gives them up',
    )
    const bad = await s.raw.call('mended', [])
    const behind = await s.raw.call('seen', [], { after: [bad], take: true })
    await rejection(s.result(behind))
    isBroken = false
    assert.deepEqual(await Promise.all([bad, behind].map((id) => s.queue.retry(id))), ['retried', 'retried'])
    assert.deepEqual(await s.result(behind), ['mended'])
  })
})

describe('many', () => {
  test('1,000 children of one: told in portions, and none twice', async () => {
    await using s = await stage()
    const runs = new Map<number, number>()
    s.queue.task('note', (n: number, from: string) => {
      runs.set(n, (runs.get(n) ?? 0) + 1)
      return from
    })
    const parent = await s.raw.call('give', ['p'])
    const calls = Array.from({ length: 1_000 }, (_, n) => newCall('note', [n], { after: [parent] }))
    for (let i = 0; i < calls.length; i += 250)
      assert.deepEqual(await s.raw.send(calls.slice(i, i + 250)), [])
    await s.work()
    await until('all to have run', async () => (await s.queue.counts()).ended.succeeded === 1_001)
    assert.equal(runs.size, 1_000)
    assert.ok([...runs.values()].every((count) => count === 1))
    await until('nothing to be left', async () => (await leftovers(s.raw)).length === 0)
  })

  test('1,000 parents of one: their results in order', async () => {
    await using s = await stage()
    const parents = Array.from({ length: 1_000 }, (_, n) => newCall('give', [n]))
    for (let i = 0; i < 1_000; i += 250) await s.raw.send(parents.slice(i, i + 250))
    const child = newCall('seen', ['own'], {
      ...{ after: parents.map(({ id }) => id), take: true, options: { inputs: 'list' as const } },
    })
    assert.deepEqual(await s.raw.send([child]), [])
    await s.work(100)
    const [list, own] = (await s.result(child.id)) as [number[], string]
    assert.equal(own, 'own')
    assert.deepEqual(
      list,
      Array.from({ length: 1_000 }, (_, n) => n),
    )
  })

  test('300 in a row, each with the result of the one before', async () => {
    await using s = await stage()
    s.queue.task('more', (n: number = 0) => n + 1)
    const calls = [newCall('more', [])]
    while (calls.length < 300) calls.push(newCall('more', [], { after: [calls.at(-1)!.id], take: true }))
    await s.raw.send(calls)
    await s.work()
    assert.equal(await s.result(calls.at(-1)!.id), 300)
  })

  test('1,000 in a row behind one that fails, and 1,000 beside each other behind the last', async () => {
    await using s = await stage()
    const calls = [newCall('fail', ['broken'])]
    while (calls.length < 1_000) calls.push(newCall('give', [1], { after: [calls.at(-1)!.id] }))
    const last = calls.at(-1)!.id
    for (let i = 0; i < 1_000; i++) calls.push(newCall('give', [1], { after: [last], policy: 'c' }))
    for (let i = 0; i < calls.length; i += 250) await s.raw.send(calls.slice(i, i + 250))
    await s.work()
    await until('all to have ended', async () => {
      const { ended } = await s.queue.counts()
      return ended.failed === 1_000 && ended.cancelled === 1_000
    })
    await until('nothing to be left', async () => (await leftovers(s.raw)).length === 0)
  })
})

/** Keys that nothing should be left of. */
const leftovers = ({ client, key }: Sender): Promise<string[]> =>
  Promise.all([client.keys(key('deps:*')), client.keys(key('releasing'))]).then((found) => found.flat())
