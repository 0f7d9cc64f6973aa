/** The doctor on a real Redis, with each kind of disorder made by hand: what it finds, and what a repair leaves. */

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import { type Diagnosis, diagnose, type Finding, repair } from '../lib/doctor.ts'
import { OptionError, Queue, RedisError } from '../lib/index.ts'
import { freshQueues, gate, rejection } from './support/fresh.ts'
import { startRedis } from './support/redis.ts'
import { until } from './support/until.ts'

const queues = freshQueues()

const of = ({ findings }: Diagnosis, what: string): Finding | undefined =>
  findings.find((finding) => finding.what === what)
const levelOf = (diagnosis: Diagnosis, what: string): string | undefined => of(diagnosis, what)?.level

/** A queue with a task `add`, and Redis to do harm in. */
function patient() {
  const fresh = queues.fresh()
  const add = fresh.queue.task('add', (a: number, b: number) => a + b)
  const client: Redis = queues.redis.client
  const accepted = async (...args: [number, number]): Promise<string> => {
    const handle = add(...args)
    await handle.enqueued
    return handle.id
  }
  return { ...fresh, add, client, accepted, [Symbol.asyncDispose]: () => fresh[Symbol.asyncDispose]() }
}

const entryOf = (client: Redis, prefix: string, id: string): Promise<string> =>
  client.hget(`${prefix}:task:${id}`, 'entry') as Promise<string>

describe('a server', () => {
  test('that is right has no finding worse than advice; its facts are there', async () => {
    await using redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    await using queue = new Queue('well', { redis: redis.url })
    const diagnosis = await diagnose(queue)
    assert.equal(diagnosis.ok, true)
    assert.deepEqual(
      ['maxmemory-policy', 'persistence', 'clock', 'lag', 'looked-at'].map((what) =>
        levelOf(diagnosis, what),
      ),
      ['ok', 'ok', 'ok', 'ok', 'ok'],
    )
    const { server } = diagnosis.facts
    assert.match(server.version, /^(redis|valkey) \d+\.\d+/)
    assert.deepEqual(
      [server.memory.policy, server.memory.max, server.role, server.replicas],
      ['noeviction', 0, 'master', 0],
    )
    assert.deepEqual(
      [server.persistence.appendonly, server.persistence.appendfsync, server.persistence.rdb],
      [true, 'always', ''],
    )
    assert.equal(server.persistence.lastError, undefined)
    assert.ok(server.memory.used > 0 && server.roundTrip > 0)
    assert.ok(Math.abs(server.clockSkew) <= 1_000, `${server.clockSkew}`)
    assert.deepEqual(await redis.client.keys('*'), [], 'it has left nothing')
  })

  test('that evicts, keeps nothing, or is nearly full is told so, the worst first', async () => {
    await using redis = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] })
    const target = { redis: redis.url, queue: 'ill' }
    const without = await diagnose(target)
    assert.equal(without.ok, false)
    assert.equal(levelOf(without, 'maxmemory-policy'), 'warning')
    assert.equal(levelOf(without, 'persistence'), 'warning')
    assert.match(of(without, 'persistence')!.detail, /^none/)
    const used = without.facts.server.memory.used
    await redis.client.config('SET', 'maxmemory', String(Math.round(used * 1.05)), 'save', '60 1000')
    const limited = await diagnose(target)
    assert.equal(limited.findings[0]!.what, 'maxmemory-policy')
    assert.equal(levelOf(limited, 'maxmemory-policy'), 'problem')
    assert.equal(levelOf(limited, 'memory'), 'warning')
    assert.match(of(limited, 'persistence')!.detail, /^snapshots alone/)
    assert.match(of(limited, 'maxmemory-policy')!.advice!, /noeviction/)
  })

  test('that is a replica is looked at all the same, and refuses repair', async () => {
    await using redis = await startRedis()
    await redis.client.call('REPLICAOF', '127.0.0.1', '1')
    const diagnosis = await diagnose({ redis: redis.url, queue: 'copy' })
    assert.equal(levelOf(diagnosis, 'replicas'), 'problem')
    const refused = await rejection(repair({ redis: redis.url, queue: 'copy' }, { apply: true }))
    assert.match(refused.message, /^READONLY/)
  })

  test('whose disk fails is a problem', async () => {
    await using redis = await startRedis()
    // A folder in the place of the file: it cannot be renamed to that.
    const [, dir] = (await redis.client.config('GET', 'dir')) as [string, string]
    mkdirSync(`${dir}/dump.rdb/full`, { recursive: true })
    await redis.client.bgsave()
    const diagnosis = await until('the failure to be seen', async () => {
      const now = await diagnose({ redis: redis.url, queue: 'disk' })
      return of(now, 'disk') && now
    })
    assert.equal(of(diagnosis, 'disk')!.detail, 'the last snapshot (RDB) failed')
  })

  test('that is not there rejects in time; so does what is no queue on a Redis', async () => {
    const gone = await rejection(diagnose({ redis: 'redis://127.0.0.1:1', queue: 'q' }, { timeout: 300 }))
    assert.ok(gone instanceof RedisError)
    await using inline = new Queue('here', { inline: true })
    for (const wrong of [
      diagnose(inline),
      diagnose({ queue: 'a b' }),
      diagnose({ queue: 'q', other: 1 } as never),
      diagnose({ queue: 'q' }, { limit: 0 }),
      repair({ queue: 'q' }, { apply: 'yes' } as never),
    ]) {
      assert.ok((await rejection(wrong)) instanceof OptionError)
    }
  })
})

describe('a queue', () => {
  test('in order is found in order while tasks wait, run, are delayed, parked and have ended', async () => {
    await using p = patient()
    const { passed, open } = gate()
    const hold = p.queue.task('hold', () => passed)
    const unknown = p.queue.remote<() => void>('unknown')
    await p.accepted(1, 2)
    await p.work({ concurrency: 1 })
    await until('it to have ended', async () => (await p.queue.counts()).ended.succeeded === 1)
    const key = { key: 'k', onDuplicate: 'again' } as const
    await Promise.all([
      unknown().enqueued,
      p.add.with({ delay: 60_000 })(1, 2).enqueued,
      p.add.with({ ...key, delay: 60_000 })(1, 2).enqueued,
    ])
    await p.add.with(key)(3, 4).enqueued
    await until('one to be parked', async () => (await p.queue.counts()).parked === 1)
    const running = hold()
    await until('it to run', async () => (await running.info())?.state === 'running')
    await p.accepted(5, 6)
    await p.add.with({ first: 'newest' })(7, 8).enqueued

    const { facts, findings } = await diagnose(p.queue)
    const { records, groups } = facts
    assert.equal(records.records, 8)
    for (const list of [
      'strays',
      'gone',
      'orphans',
      'junk',
      'withoutRecord',
      'eternal',
      'unlisted',
      'stale',
    ] as const) {
      assert.deepEqual(records[list], [], list)
    }
    assert.deepEqual([groups.strangers, groups.withoutLag, groups.workers.alive], [[], [], 1])
    assert.equal(records.isComplete, true)
    assert.ok(records.bytesPerRecord! > 50 && records.bytesPerEntry! > 50)
    assert.ok(findings.some(({ what, level }) => what === 'memory-per-task' && level === 'ok'))
    assert.deepEqual(await repair(p.queue, { apply: true }), {
      ...{ isApplied: true, mended: 0, held: 0, relisted: 0, gone: [], dismissed: [], isComplete: true },
    })
    open()
    await running.get()
  })

  test('with strays of every kind: a dry run changes nothing, a repair has them run, a second finds nothing', async () => {
    await using p = patient()
    const { client, prefix } = p
    const unknown = p.queue.remote<() => void>('later')
    // Read by a worker, and acknowledged by hand.
    await (await p.work()).stop()
    const acked = await p.accepted(1, 1)
    await client.xreadgroup(
      'GROUP',
      'workers',
      'ghost',
      'COUNT',
      1,
      'STREAMS',
      `${prefix}:stream:normal`,
      '>',
    )
    await client.xack(`${prefix}:stream:normal`, 'workers', await entryOf(client, prefix, acked))
    await client.xgroup('DELCONSUMER', `${prefix}:stream:normal`, 'workers', 'ghost')
    // Delayed, parked and put ahead, and forgotten.
    const delayed = p.add.with({ delay: 600_000 })(2, 2)
    await delayed.enqueued
    await client.del(`${prefix}:scheduled`)
    const newest = p.add.with({ first: 'newest' })(3, 3)
    await newest.enqueued
    await client.del(`${prefix}:front`)
    const worker = await p.work()
    const parked = unknown()
    await until('it to be parked', async () => (await parked.info())?.state === 'parked')
    await worker.stop()
    await client.del(`${prefix}:parked`)
    // Waits for a task that is gone.
    const before = p.add.with({ key: 'k', delay: 600_000 })(4, 4)
    await before.enqueued
    const waiting = p.add.with({ key: 'k', onDuplicate: 'again' })(5, 5)
    await waiting.enqueued
    await client.del(`${prefix}:task:${before.id}`)
    // The clock of the walk is later than their making.
    const diagnosis = await diagnose(p.queue)
    const strays = [acked, delayed.id, newest.id, parked.id, waiting.id].sort()
    assert.deepEqual([...diagnosis.facts.records.strays].sort(), strays)
    assert.deepEqual(diagnosis.facts.records.orphans, [waiting.id])
    assert.equal(levelOf(diagnosis, 'strays'), 'problem')

    const dry = await repair(p.queue)
    assert.deepEqual([dry.isApplied, dry.mended], [false, 5])
    assert.deepEqual((await diagnose(p.queue)).facts.records.strays.length, 5, 'a dry run changes nothing')
    const done = await repair(p.queue, { apply: true })
    assert.deepEqual([done.isApplied, done.mended, done.held, done.gone], [true, 5, 0, []])
    const again = await repair(p.queue, { apply: true })
    assert.deepEqual([again.mended, again.gone, again.dismissed], [0, [], []])
    assert.deepEqual((await diagnose(p.queue)).facts.records.strays, [])

    p.queue.task('later', () => {})
    await p.work()
    const ids = [acked, delayed.id, newest.id, parked.id, waiting.id]
    await Promise.all(ids.map((id) => p.queue.handle(id).get({ timeout: 20_000 })))
    assert.deepEqual((await p.queue.getTask(acked))?.attempt, 2, 'it had been given to somebody')
  })

  test('whose lists do not name what is there, or name what is not: a repair puts both right', async () => {
    await using p = patient()
    const { client, prefix, queue } = p
    const first = p.add.with({ delay: 600_000, key: 'k' })(1, 1)
    const follows = p.add.with({ key: 'k', onDuplicate: 'again' })(2, 2)
    await Promise.all([first.enqueued, follows.enqueued])
    const child = p.add.with({ after: first })(3, 3)
    await child.enqueued
    await queue.schedule('hourly', { every: 3_600_000 }, p.add.prepare(4, 4))
    await queue.schedule('paused', { every: 3_600_000 }, p.add.prepare(5, 5))
    await queue.pauseSchedule('paused')
    const [due] = (await queue.schedules())[0]!.next
    await client.del(`${prefix}:waiting`, `${prefix}:slots`)
    await client.zadd(`${prefix}:waiting`, 1, first.id, 2, 'gone')
    await client.zadd(`${prefix}:slots`, 1, 'gone')
    assert.deepEqual([(await queue.counts()).waiting, (await queue.schedules()).length], [2, 1])

    const diagnosis = await diagnose(queue)
    const { unlisted, stale, strays } = diagnosis.facts.records
    const open = [`task:${follows.id}`, `task:${child.id}`]
    assert.deepEqual([...unlisted].sort(), [...open, 'schedule:hourly', 'schedule:paused'].sort())
    assert.deepEqual([...stale].sort(), [`task:${first.id}`, 'schedule:gone', 'task:gone'].sort())
    assert.deepEqual(strays, [])
    assert.deepEqual([levelOf(diagnosis, 'unlisted'), levelOf(diagnosis, 'stale')], ['problem', 'warning'])

    assert.equal((await repair(queue)).relisted, 7)
    assert.equal((await queue.counts()).waiting, 2, 'a dry run changes nothing')
    assert.equal((await repair(queue, { apply: true })).relisted, 7)
    const after = await diagnose(queue)
    assert.deepEqual([after.facts.records.unlisted, after.facts.records.stale], [[], []])
    const waiting = await queue.tasks({ state: 'waiting' })
    assert.deepEqual(waiting.map(({ id }) => id).sort(), [follows.id, child.id].sort())
    const schedules = await queue.schedules()
    assert.deepEqual(
      schedules.map(({ name, next }) => [name, next[0]]),
      [
        ['hourly', due],
        ['paused', undefined],
      ],
    )
    assert.equal((await repair(queue, { apply: true })).relisted, 0)
  })

  test('with a task whose call is gone says so, and leaves it to its caller', async () => {
    await using p = patient()
    const id = await p.accepted(1, 2)
    await p.client.del(`${p.prefix}:stream:normal`)
    const diagnosis = await diagnose(p.queue)
    assert.deepEqual(diagnosis.facts.records.gone, [id])
    assert.match(of(diagnosis, 'calls-gone')!.detail, new RegExp(`: 1 \\(${id}\\)$`))
    const done = await repair(p.queue, { apply: true })
    assert.deepEqual([done.mended, done.gone], [0, [id]])
    const lost = await rejection(p.queue.handle(id).get({ timeout: 20_000 }))
    assert.equal(lost.code, 'ERR_MILLRACE_TASK_LOST')
  })

  test('with entries without a record, junk, and keys that never expire', async () => {
    await using p = patient()
    const { client, prefix } = p
    const evicted = await p.accepted(1, 2)
    await p.accepted(3, 4)
    const entry = await entryOf(client, prefix, evicted)
    await client.del(`${prefix}:task:${evicted}`)
    await client.set(`${prefix}:task:junk`, 'text')
    await client.hset(`${prefix}:task:done`, 'entry', '1-0', 'end', 's 1 5 1700000000000 w')
    await client.set(`${prefix}:key:k`, 'nobody')
    await client.set(`${prefix}:joined:x`, 'nobody')
    const diagnosis = await diagnose(p.queue)
    const { records } = diagnosis.facts
    assert.deepEqual(records.withoutRecord, [`normal/${entry}`])
    assert.deepEqual(records.junk, ['junk'])
    assert.deepEqual([...records.eternal].sort(), ['joined:x', 'key:k', 'task:done'])
    for (const what of ['entries-without-record', 'junk', 'no-expiry']) {
      assert.equal(levelOf(diagnosis, what), 'warning', what)
    }
  })

  test('with consumers that no worker is behind: those that hold nothing go, the others keep what they hold', async () => {
    await using p = patient()
    const { client, prefix } = p
    const worker = await p.work()
    await worker.stop()
    await p.accepted(1, 2)
    const stream = `${prefix}:stream:normal`
    await client.xgroup('CREATECONSUMER', stream, 'workers', 'idle')
    await client.xreadgroup('GROUP', 'workers', 'holder', 'COUNT', 1, 'STREAMS', stream, '>')
    const diagnosis = await diagnose(p.queue)
    assert.match(of(diagnosis, 'pending-without-worker')!.detail, /^1 entries are held by 1 \(holder\)/)
    assert.match(of(diagnosis, 'consumers-without-worker')!.detail, /^1 \(idle\)$/)
    assert.equal(levelOf(diagnosis, 'workers'), 'warning')
    assert.deepEqual((await repair(p.queue)).dismissed, ['idle'])
    assert.deepEqual((await repair(p.queue, { apply: true })).dismissed, ['idle'])
    assert.deepEqual((await repair(p.queue, { apply: true })).dismissed, [])
    const { strangers } = (await diagnose(p.queue)).facts.groups
    assert.deepEqual(
      strangers.map(({ name, pending }) => [name, pending]),
      [['holder', 1]],
    )
  })

  test('whose lag Redis does not know, and which is paused', async () => {
    await using p = patient()
    await (await p.work()).stop()
    for (const n of [1, 2, 3]) await p.accepted(n, n)
    const stream = `${p.prefix}:stream:normal`
    const last = (await p.client.xrevrange(stream, '+', '-', 'COUNT', 1))[0]![0]
    await p.client.xreadgroup('GROUP', 'workers', 'w', 'COUNT', 1, 'STREAMS', stream, '>')
    await p.client.xdel(stream, last)
    await p.queue.pause()
    const diagnosis = await diagnose(p.queue)
    assert.deepEqual(diagnosis.facts.groups.withoutLag, ['normal'])
    assert.equal(levelOf(diagnosis, 'lag'), 'warning')
    assert.equal(levelOf(diagnosis, 'paused'), 'advice')
  })

  test('with more keys than the limit is looked at in part, and says so', async () => {
    await using p = patient()
    await Promise.all(Array.from({ length: 300 }, (_, i) => p.accepted(i, i)))
    const part = await diagnose(p.queue, { limit: 100 })
    assert.equal(part.facts.records.isComplete, false)
    assert.equal(levelOf(part, 'looked-at'), 'advice')
    assert.ok(part.facts.records.entries <= 100)
    assert.equal((await repair(p.queue, { limit: 100 })).isComplete, false)
    const whole = await diagnose(p.queue)
    assert.deepEqual([whole.facts.records.records, whole.facts.records.isComplete], [300, true])
  })

  test('at work is repaired again and again without a task that runs twice', async () => {
    await using p = patient()
    const runs = new Map<number, number>()
    const count = p.queue.task('count', async (i: number) => {
      runs.set(i, (runs.get(i) ?? 0) + 1)
    })
    await p.work({ concurrency: 20 })
    await p.work({ concurrency: 20 })
    let isOver = false
    const keep = { key: 'k', onDuplicate: 'again' } as const
    const all: Awaited<ReturnType<typeof repair>>[] = []
    const repairs = (async () => {
      while (!isOver) all.push(await repair(p.queue, { apply: true }))
    })()
    let rounds = 0
    for (; rounds < 10 || all.length <= 3; rounds++) {
      const calls = Array.from({ length: 200 }, (_, i) => {
        const wish = i % 4 === 0 ? { delay: 20 } : i % 4 === 1 ? { first: 'newest' as const } : {}
        return count.with(wish)(rounds * 1_000 + i)
      })
      const follows = Array.from({ length: 20 }, () => p.add.with(keep)(1, 1))
      await Promise.all([...calls, ...follows].map((handle) => handle.get({ timeout: 30_000 })))
    }
    isOver = true
    await repairs
    assert.deepEqual(
      all.map(({ mended, gone }) => [mended, gone.length]),
      all.map(() => [0, 0]),
    )
    assert.deepEqual([runs.size, Math.max(...runs.values())], [200 * rounds, 1])
  })
})
