/** Limits over all workers: how many of a key run at once, how many begin in a time, and turns between keys. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { currentTask, OptionError, type TaskHandle, type TaskOptions } from '../../lib/index.ts'
import { type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { P, scene } from '../support/scene.ts'
import { until } from '../support/until.ts'

const on = freshQueues()
const { fresh } = on
const MINUTE = 60_000

type Slow = (ms: number, tenant: string) => Promise<number>
const byTenant = (_ms: number, tenant: string): string => tenant

/** Keys of limits that are left, without the prefix. */
async function left(client: typeof on.redis.client, prefix: string): Promise<string[]> {
  const names = (await client.keys('*'))
    .filter((name) => name.startsWith(`${prefix}:`))
    .map((name) => name.slice(prefix.length + 1))
  return names.filter((name) => /^(line|limit|busy|rate|ring|resting)\b/.test(name)).sort()
}

/** How many workers hear what is told to all. */
async function listeners(client: typeof on.redis.client): Promise<number> {
  const [, count] = await client.pubsub('NUMSUB', `${P}:control`)
  return Number(count)
}

/** How many were under way at once, at most: tasks that had begun and not ended, whoever ran them. */
function mostAtOnce(journal: string[][], ids: readonly string[]): number {
  const open = new Set<string>()
  let most = 0
  for (const [id, , what] of journal) {
    if (!ids.includes(id!)) continue
    if (what === 'start') open.add(id!)
    else open.delete(id!)
    most = Math.max(most, open.size)
  }
  return most
}

describe('concurrency', () => {
  test('of each key never more than so many at once over four workers in two processes, and no fewer while there are some', async () => {
    await using s = await scene()
    // The two workers of a process have four slots, and six tasks may run at once.
    const two = { concurrency: 2, prefetch: 0 }
    await Promise.all([s.worker([two, two]), s.worker([two, two])])
    // Who does not listen yet hears of them later, when they may be done.
    await until('all to listen', async () => (await listeners(s.redis.client)) === 4)
    const slow = s.queue.remote<Slow>('slow', { limit: { concurrency: 2, key: byTenant } })
    const calls = Array.from({ length: 60 }, (_, n) => ({
      tenant: `t${n % 3}`,
      handle: slow(20, `t${n % 3}`),
    }))
    const pids = await Promise.all(calls.map(({ handle }) => handle.get({ timeout: MINUTE })))
    assert.ok(new Set(pids).size > 1, 'both took part')
    for (const tenant of ['t0', 't1', 't2']) {
      const ids = calls.filter((call) => call.tenant === tenant).map(({ handle }) => handle.id)
      assert.equal(mostAtOnce(s.journal(), ids), 2, tenant)
    }
    assert.deepEqual(await left(s.redis.client, P), [])
    assert.equal(await s.redis.client.hget(`${P}:settings`, 'lines'), null)
  })

  test('kill -9 of the workers that hold all slots: the tasks go on elsewhere, still so many at once', async () => {
    await using s = await scene()
    const limit = { concurrency: 2, scope: 'queue' as const, key: 'x' }
    const hangOnce = s.queue.remote<() => Promise<void>>('hangOnce', { limit })
    const first = [hangOnce(), hangOnce()]
    await Promise.all(first.map((handle) => handle.enqueued))
    const options = { concurrency: 1, prefetch: 0, lease: 1_000 }
    const doomed = await s.worker([options, options])
    await until('both to run', () => s.journal().length === 2)
    const slow = s.queue.remote<Slow>('slow', { limit })
    const waiting = Array.from({ length: 6 }, () => slow(1, ''))
    await Promise.all(waiting.map((handle) => handle.enqueued))
    doomed.signal('SIGKILL')
    await doomed.ended
    await s.worker({ ...options, concurrency: 10 })
    const all: TaskHandle<unknown>[] = [...first, ...waiting]
    await Promise.all(all.map((handle) => handle.get({ timeout: MINUTE })))
    assert.equal(
      mostAtOnce(
        s.journal(),
        all.map(({ id }) => id),
      ),
      2,
    )
    assert.deepEqual(await left(s.redis.client, P), [])
  })

  test('a slot is free when its task is cancelled, has expired, waits for another attempt, or has failed', async () => {
    await using s = fresh()
    const limit = { concurrency: 1 }
    const { passed, open } = gate()
    const ran: string[] = []
    const task = s.queue.task('one', async (what: string) => {
      ran.push(what)
      if (what === 'fail') throw new Error('no')
      if (what !== 'hold') return
      const { signal } = currentTask()
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const limited = task.with({ limit })
    await s.work()
    const running = async (handle: TaskHandle): Promise<void> => {
      await until('it to run', async () => (await handle.info())?.state === 'running')
    }
    const held = limited('hold')
    await running(held)
    const next = limited('after cancel')
    await next.enqueued
    assert.equal((await next.info())?.state, 'queued')
    assert.equal(await held.cancel(), 'running')
    await next.get({ timeout: MINUTE })

    const late = limited.with({ deadline: 300 })('hold')
    await running(late)
    const second = limited('after deadline')
    assert.equal((await rejection(late.get({ timeout: MINUTE }))).code, 'ERR_MILLRACE_TASK_EXPIRED')
    await second.get({ timeout: MINUTE })

    const retried = limited.with({ retries: 1, backoff: MINUTE })('fail')
    await until('it to wait', async () => (await retried.info())?.state === 'scheduled')
    await limited('after retry').get({ timeout: MINUTE })
    assert.equal(await retried.cancel(), 'cancelled')

    await rejection(limited('fail').get({ timeout: MINUTE }))
    await limited('after failure').get({ timeout: MINUTE })
    assert.deepEqual(ran, [
      ...['hold', 'after cancel', 'hold', 'after deadline', 'fail', 'after retry', 'fail', 'after failure'],
    ])
    open()
    await passed
    assert.deepEqual(await left(on.redis.client, s.prefix), [])
  })

  test('one that waits for a slot is cancelled, moved, listed, counted, expires and is removed as others are', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    const task = s.queue.task('one', (what: string) => (what === 'hold' ? passed : undefined))
    const limited = task.with({ limit: { concurrency: 1 } })
    await s.work()
    const held = limited('hold')
    await until('it to run', async () => (await held.info())?.state === 'running')
    const low = limited.with({ priority: 'low' })
    const [a, b, c, d] = [limited('a'), low('b'), limited('c'), limited('d')] as const
    const late = limited.with({ ttl: 50 })('late')
    await Promise.all([a, b, c, d, late].map((handle) => handle.enqueued))
    assert.equal((await rejection(late.get({ timeout: MINUTE }))).code, 'ERR_MILLRACE_TASK_EXPIRED')
    const counts = await s.queue.counts()
    assert.deepEqual([counts.queued, counts.lanes], [4, { first: 0, high: 0, normal: 3, low: 1 }])
    assert.equal(await s.queue.move(b.id, 'high'), 'moved')
    const listed = await s.queue.tasks({ state: 'queued' })
    assert.deepEqual(
      listed.map(({ args, lane, state }) => [args?.[0], lane, state]),
      [
        ['b', 'high', 'queued'],
        ['a', 'normal', 'queued'],
        ['c', 'normal', 'queued'],
        ['d', 'normal', 'queued'],
      ],
    )
    assert.equal(await c.cancel(), 'cancelled')
    assert.equal(await s.queue.remove(d.id), 'removed')
    assert.equal((await rejection(d.get({ timeout: MINUTE }))).code, 'ERR_MILLRACE_TASK_CANCELLED')
    open()
    await Promise.all([held, a, b].map((handle) => handle.get({ timeout: MINUTE })))
    assert.equal((await b.info())?.lane, 'high')
    assert.deepEqual(await left(on.redis.client, s.prefix), [])
    assert.equal((await s.queue.counts()).queued, 0)
  })

  test('others are not held up by those that wait, and `limit: false` is none', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    const hold = s.queue.task('hold', () => passed, { limit: { concurrency: 1 } })
    const free = s.queue.task('free', (n: number) => n)
    await s.work({ concurrency: 5 })
    const held = Array.from({ length: 200 }, () => hold())
    await Promise.all(held.map((handle) => handle.enqueued))
    const numbers = await Promise.all(Array.from({ length: 200 }, (_, n) => free(n).get({ timeout: MINUTE })))
    assert.equal(numbers.length, 200)
    const beside = hold.with({ limit: false })()
    await until('it to run beside them', async () => (await beside.info())?.state === 'running')
    const { queued, running } = await s.queue.counts()
    assert.deepEqual([queued, running], [199, 2])
    open()
    await Promise.all(held.map((handle) => handle.get({ timeout: MINUTE })))
  })

  test('what a schedule calls, and what another task of its key was followed by, waits for a slot too', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    const task = s.queue.task('one', (what: string) => (what === 'hold' ? passed : undefined), {
      limit: { concurrency: 1 },
    })
    await s.work()
    const held = task.with({ key: 'k' })('hold')
    await until('it to run', async () => (await held.info())?.state === 'running')
    const follower = task.with({ key: 'k', onDuplicate: 'again' })('follower')
    await follower.enqueued
    assert.equal((await follower.info())?.state, 'waiting')
    await s.queue.schedule('hourly', { every: 3_600_000 }, task.prepare('scheduled'))
    const fired = (await s.queue.runSchedule('hourly'))!
    const last = task('last')
    await last.enqueued
    const states = await Promise.all([fired, last].map(async (handle) => (await handle.info())?.state))
    assert.deepEqual(states, ['queued', 'queued'])
    open()
    await Promise.all([held, follower, fired, last].map((handle) => handle.get({ timeout: MINUTE })))
    assert.deepEqual(await left(on.redis.client, s.prefix), [])
  })

  test('maxQueued counts those that wait for a slot', async () => {
    await using s = fresh({ maxQueued: 2 })
    const task = s.queue.task('one', () => {}, { limit: { concurrency: 1 } })
    const handles = Array.from({ length: 3 }, () => task())
    const refused = await Promise.allSettled(handles.map((handle) => handle.enqueued))
    assert.deepEqual(
      refused.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected'],
    )
  })
})

/** When tasks of the key began, by the script that let them: recorded by Redis, as it was told. */
async function starts(s: Fresh, key: string) {
  const monitor = await on.redis.client.monitor()
  const times: number[] = []
  monitor.on('monitor', (_time: string, [command, name, at]: string[]) => {
    if (command?.toUpperCase() === 'RPUSH' && name === `${s.prefix}:rate:${key}`) times.push(Number(at))
  })
  return { times, [Symbol.dispose]: () => monitor.disconnect() }
}

describe('rate', () => {
  test('within any time of `per` no more than `max` begin, over three workers; and all begin in the end', async () => {
    await using s = fresh()
    const [max, per, count] = [4, 200, 26]
    using begun = await starts(s, 'task/limited')
    const ran: number[] = []
    const limited = s.queue.task('limited', (n: number) => void ran.push(n), { limit: { max, per } })
    for (let i = 0; i < 3; i++) await s.work({}, s.queue)
    await Promise.all(Array.from({ length: count }, (_, n) => limited(n).get({ timeout: MINUTE })))
    await until('all starts to be known', () => begun.times.length >= count)
    assert.equal(begun.times.length, count)
    for (let n = 0; n + max < count; n++) {
      const [from, to] = [begun.times[n]!, begun.times[n + max]!]
      assert.ok(to - from >= per, `${max + 1} within ${to - from} ms, from start ${n}`)
    }
    assert.equal(ran.length, count)
    await until('the window to be over', async () => (await left(on.redis.client, s.prefix)).length === 0)
  })

  test('each key has its own, and another attempt is another start', async () => {
    await using s = fresh()
    using begun = await starts(s, 'task/limited/a')
    const limited = s.queue.task(
      'limited',
      (_tenant: string) => {
        if (currentTask().attempt === 1) throw new Error('no')
      },
      { limit: { max: 3, per: MINUTE, key: (tenant: string) => tenant }, retries: 1, backoff: 0 },
    )
    await s.work()
    await Promise.all([limited('a').get({ timeout: MINUTE }), limited('b').get({ timeout: MINUTE })])
    const [third, fourth] = [limited('a'), limited('a')]
    await Promise.all([third.enqueued, fourth.enqueued])
    await until('three to have begun', () => begun.times.length === 3)
    await until('the third to have failed once', async () => (await third.info())?.attempt === 1)
    await limited('b').enqueued
    // Nothing more may begin for a minute.
    assert.equal((await third.info())?.state, 'queued')
    assert.equal((await fourth.info())?.state, 'queued')
    assert.equal(begun.times.length, 3)
  })

  test('of a whole queue: all tasks that say so share one', async () => {
    const limit = { max: 2, per: MINUTE, scope: 'queue' as const }
    await using s = fresh({ defaults: { limit } })
    const ran: string[] = []
    const [a, b] = ['a', 'b'].map((name) => s.queue.task(name, () => void ran.push(name)))
    const free = s.queue.task('free', () => void ran.push('free'), { limit: false })
    await s.work()
    await Promise.all([a!().get({ timeout: MINUTE }), b!().get({ timeout: MINUTE })])
    const third = a!()
    await third.enqueued
    await free().get({ timeout: MINUTE })
    assert.equal((await third.info())?.state, 'queued')
    assert.deepEqual(ran.sort(), ['a', 'b', 'free'])
    assert.equal(await third.cancel(), 'cancelled')
  })
})

describe('turns between keys', () => {
  const tenants: TaskOptions = { limit: { key: (tenant: string) => tenant } }

  test('one call of a tenant begins second although 2,000 of another wait', async () => {
    await using s = fresh()
    const ran: string[] = []
    const task = s.queue.task('work', (tenant: string) => void ran.push(tenant), tenants)
    const many = Array.from({ length: 2_000 }, () => task('A'))
    await Promise.all(many.map((handle) => handle.enqueued))
    const one = task('B')
    await one.enqueued
    await s.work({ concurrency: 1, prefetch: 0 })
    await one.get({ timeout: MINUTE })
    assert.equal(ran.indexOf('B'), 1)
    await Promise.all(many.map((handle) => handle.get({ timeout: MINUTE })))
    assert.deepEqual(await left(on.redis.client, s.prefix), [])
  })

  test('also while they run: it begins after what the workers hold, and one round', async () => {
    await using s = fresh()
    const ran: string[] = []
    const task = s.queue.task(
      'work',
      async (tenant: string) => {
        ran.push(tenant)
        await delay(2)
      },
      tenants,
    )
    const many = Array.from({ length: 1_000 }, () => task('A'))
    await Promise.all(many.map((handle) => handle.enqueued))
    const concurrency = 3
    for (let i = 0; i < 2; i++) await s.work({ concurrency, prefetch: 0 })
    await until('some to have run', () => ran.length > 20)
    const one = task('B')
    await one.enqueued
    const before = ran.length
    await one.get({ timeout: MINUTE })
    const place = ran.indexOf('B') - before
    // What was held at that moment, and what began between the acceptance and its answer.
    assert.ok(place <= 4 * concurrency, `${place} others began before it`)
    await Promise.all(many.map((handle) => handle.cancel()))
  })

  test('of three tenants each begins in its turn, and in its own order', async () => {
    await using s = fresh()
    const ran: string[] = []
    const task = s.queue.task('work', (tenant: string, n: number) => void ran.push(`${tenant}${n}`), tenants)
    const handles: TaskHandle[] = []
    for (const [tenant, count] of [
      ['A', 4],
      ['B', 2],
      ['C', 1],
    ] as const) {
      for (let n = 1; n <= count; n++) handles.push(task(tenant, n))
    }
    await Promise.all(handles.map((handle) => handle.enqueued))
    await s.work({ concurrency: 1, prefetch: 0 })
    await Promise.all(handles.map((handle) => handle.get({ timeout: MINUTE })))
    assert.deepEqual(ran, ['A1', 'B1', 'C1', 'A2', 'B2', 'A3', 'A4'])
  })

  test('beside tasks without a limit each side goes on', async () => {
    await using s = fresh()
    const ran: string[] = []
    const fair = s.queue.task('fair', (tenant: string) => void ran.push(tenant), tenants)
    const plain = s.queue.task('plain', () => void ran.push('plain'))
    const handles = [
      ...Array.from({ length: 300 }, () => plain()),
      ...Array.from({ length: 300 }, () => fair('A')),
    ]
    await Promise.all(handles.map((handle) => handle.enqueued))
    await s.work({ concurrency: 2, prefetch: 0 })
    await Promise.all(handles.map((handle) => handle.get({ timeout: MINUTE })))
    const early = ran.slice(0, 100)
    assert.ok(early.includes('A') && early.includes('plain'), early.join(' '))
  })
})

describe('a key', () => {
  test('is what its function gives, hashed where it is no name; what is no string is refused at the call', async () => {
    await using s = fresh()
    const asked: unknown[][] = []
    const task = s.queue.task('mail', (_to: unknown) => {}, {
      limit: {
        concurrency: 1,
        key: (...args: unknown[]) => {
          asked.push(args)
          return args[0] as string
        },
      },
    })
    await task('ann@example.org').enqueued
    await task('plain').enqueued
    const keys = (await on.redis.client.keys(`${s.prefix}:limit:*`)).map((key) => key.split(':limit:')[1]!)
    assert.equal(keys.length, 2)
    assert.ok(keys.includes('task/mail/plain'))
    assert.match(keys.find((key) => key !== 'task/mail/plain')!, /^task\/mail\/[\w-]{43}$/)
    assert.deepEqual(asked, [['ann@example.org'], ['plain']])
    for (const bad of [undefined, '', 7, null, {}]) {
      assert.throws(
        () => task(bad),
        (error: Error) => {
          assert.ok(error instanceof OptionError)
          assert.match(
            error.message,
            /^task mail: what limit\.key gives must be a string of at least 1 character \(given: /,
          )
          return true
        },
      )
    }
    assert.equal((await s.queue.counts()).queued, 2)
  })
})
