/** Schedules with workers that come, die and go: each slot becomes one task, whoever is there. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { OptionError, type Queue } from '../../lib/index.ts'
import { sources } from '../../lib/redis/lua/embedded.ts'
import { type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { timeOf } from '../support/keyspace.ts'
import { type Child, start } from '../support/processes.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'

const redis = freshQueues()
const { fresh } = redis
const HOUR = 3_600_000
/** Not over before it is defined, on a loaded machine too. */
const soon = (): number => Date.now() + 1_500

/** A task that says by which ids it ran. */
function noted(s: Fresh) {
  const ran: unknown[] = []
  const task = s.queue.task('noted', (what: unknown) => void ran.push(what))
  return { task, ran }
}

const one = async (queue: Queue, name: string) =>
  (await queue.schedules()).find((schedule) => schedule.name === name)

/** As if no worker had been there: the schedule is at a slot that was due long ago. */
async function rewind(s: Fresh, name: string, slot: number): Promise<void> {
  const { client } = redis.redis
  await client.hset(`${s.prefix}:schedule:${name}`, 'slot', slot)
  await client.zadd(`${s.prefix}:slots`, slot, name)
}

/** Slots of which there are records, in their order. */
async function slotsOf(s: Fresh, name: string): Promise<number[]> {
  const keys = await redis.redis.client.keys(`${s.prefix}:task:${name}:*`)
  return keys.map((key) => Number(key.slice(key.lastIndexOf(':') + 1))).sort((a, b) => a - b)
}

const hasMovedOn = (s: Fresh, name: string): Promise<true> =>
  until('it has moved on', async () => {
    const due = Number(await redis.redis.client.zscore(`${s.prefix}:slots`, name))
    return due > (await timeOf(redis.redis.client))
  })

test('each slot becomes one task, with several workers of which one is killed, and after a restart of all', async () => {
  await using s = fresh()
  const children: Child[] = []
  const work = async (): Promise<Child> => {
    const env = { REDIS_URL: redis.redis.url, QUEUE: s.queue.name }
    const child = start('spec/life/support/worker.ts', { args: ['{"lease":1000}'], env })
    children.push(child)
    await child.prints('ready', 60_000)
    return child
  }
  try {
    const neighbour = s.queue.remote<(ms: number) => number>('neighbour')
    // On a loaded machine workers need a while to begin: what they missed is wanted here as well.
    await s.queue.schedule('tick', { every: 100, missed: 'all' }, neighbour.prepare(0))
    const at = (await one(s.queue, 'tick'))!.next[0]!.getTime()
    const [first, second, third] = await Promise.all([work(), work(), work()])
    const count = (least: number): Promise<unknown> =>
      until(`${least} slots`, async () => (await slotsOf(s, 'tick')).length >= least)
    await count(5)
    const atKill = (await slotsOf(s, 'tick')).length
    first.signal('SIGKILL')
    await count(atKill + 10)
    await Promise.all(
      [second, third].map((child) => {
        child.signal('SIGTERM')
        return child.ended
      }),
    )
    const before = (await slotsOf(s, 'tick')).length
    await Promise.all([work(), work()])
    await count(before + 5)
    await s.queue.unschedule('tick')
    const slots = await slotsOf(s, 'tick')
    assert.deepEqual(
      slots,
      slots.map((_, index) => at + 100 * index),
      'no slot is missing, and none is between',
    )
    const ended = await until('all of them to end', async () => {
      const counts = await s.queue.counts()
      return counts.queued + counts.running + counts.scheduled === 0 && counts.ended
    })
    assert.deepEqual(ended, { succeeded: slots.length, failed: 0, cancelled: 0, expired: 0 })
    const runs = children.flatMap(({ output }) => output.match(/^start \S+/gm) ?? [])
    assert.equal(new Set(runs).size, slots.length)
  } finally {
    for (const child of children) await child[Symbol.asyncDispose]()
  }
})

test('the answer of a fired slot is lost, again and again: the slot has its task, and no other', async () => {
  await using s = fresh()
  const { task } = noted(s)
  await using proxy = await startProxy(redis.redis.port)
  const through = s.other({ redis: proxy.url })
  through.task('noted', () => {})
  const digest = createHash('sha1').update(sources.fire).digest('hex')
  let [asked, lost] = [0, 0]
  proxy.fate = ({ name, args }) => {
    const script = String(args[0])
    const isFire = (name === 'EVALSHA' && script === digest) || (name === 'EVAL' && script === sources.fire)
    if (isFire) asked += 1
    if (!isFire || asked % 2 === 0) return 'pass'
    lost += 1
    return 'cut'
  }
  await s.work(undefined, through)
  await s.queue.schedule('n', { every: 100, missed: 'all' }, task.prepare('n'))
  const at = (await one(s.queue, 'n'))!.next[0]!.getTime()
  await until('several to be lost', () => lost >= 3)
  await s.queue.unschedule('n')
  const slots = await slotsOf(s, 'n')
  assert.deepEqual(
    slots,
    slots.map((_, index) => slots[0]! + 100 * index),
  )
  assert.ok(slots.length >= 3 && slots[0]! <= at)
  const { ended } = await until('all of them to end', async () => {
    const counts = await s.queue.counts()
    return counts.queued + counts.running === 0 && counts
  })
  assert.equal(ended.succeeded, slots.length)
})

test('a worker that sleeps hears of a schedule that is due sooner, and of its changes', async () => {
  await using s = fresh()
  const { task, ran } = noted(s)
  await s.work()
  await s.queue.schedule('far', { every: HOUR }, task.prepare('far'))
  const at = soon()
  assert.equal(await s.queue.schedule('near', { at }, task.prepare('near')), 'new')
  // The worker looks by itself every ten seconds; this must not wait for it.
  await until('it has run', () => ran.length === 1, 6_000)
  assert.deepEqual(ran, ['near'])
  assert.equal((await s.queue.getTask(`near:${at}`))?.state, 'succeeded')
  assert.equal(await s.queue.schedule('far', { at: soon() }, task.prepare('now near')), 'changed')
  await until('it has run', () => ran.length === 2, 6_000)
  assert.deepEqual(ran, ['near', 'now near'])
  // What has run is over, and the same definition, as at the next start of a program, is nothing new.
  assert.deepEqual((await one(s.queue, 'near'))?.next, [])
  assert.equal(await s.queue.schedule('near', { at }, task.prepare('near')), 'same')
  assert.equal(ran.length, 2)
})

test('the same definition leaves the slot alone; another call takes effect at it; other times at once', async () => {
  await using s = fresh()
  const { task } = noted(s)
  assert.equal(await s.queue.schedule('n', { every: HOUR }, task.prepare(1)), 'new')
  const first = await one(s.queue, 'n')
  assert.equal(await s.queue.schedule('n', { every: HOUR, missed: 'once' }, task.prepare(1)), 'same')
  assert.deepEqual(await one(s.queue, 'n'), first)
  assert.equal(await s.queue.schedule('n', { every: HOUR, missed: 'all' }, task.prepare(2)), 'changed')
  const second = await one(s.queue, 'n')
  assert.deepEqual(second, { ...first, args: [2], missed: 'all' })
  assert.equal(await s.queue.schedule('n', { every: 2 * HOUR }, task.prepare(2)), 'changed')
  const third = await one(s.queue, 'n')
  assert.ok(third!.since > second!.since && third!.next[0]! > second!.next[0]!)
  assert.equal(third!.next[1]!.getTime() - third!.next[0]!.getTime(), 2 * HOUR)
  assert.equal(await s.queue.hasSchedule('n'), true)
  assert.equal(await s.queue.unschedule('n'), true)
  assert.deepEqual([await s.queue.unschedule('n'), await s.queue.hasSchedule('n')], [false, false])
  assert.deepEqual(await s.queue.schedules(), [])
})

test('missed slots: one run for all of them, all of them, or none', async () => {
  await using s = fresh()
  const { task, ran } = noted(s)
  // Half an hour ago was the last.
  const last = (await timeOf(redis.redis.client)) - HOUR / 2
  for (const missed of ['once', 'all', 'skip'] as const) {
    await s.queue.schedule(missed, { every: HOUR, at: last - 9 * HOUR, missed }, task.prepare(missed))
    await rewind(s, missed, last - 4 * HOUR)
  }
  const worker = await s.work()
  for (const name of ['once', 'all', 'skip']) await hasMovedOn(s, name)
  assert.deepEqual(await slotsOf(s, 'once'), [last])
  const all = [4, 3, 2, 1, 0].map((hours) => last - hours * HOUR)
  assert.deepEqual(await slotsOf(s, 'all'), all)
  assert.deepEqual(await slotsOf(s, 'skip'), [])
  for (const name of ['once', 'all', 'skip'])
    assert.equal((await one(s.queue, name))?.next[0]?.getTime(), last + HOUR)
  await until('they have run', () => ran.length === 6)
  assert.deepEqual(ran.sort(), ['all', 'all', 'all', 'all', 'all', 'once'])
  await worker.stop()
})

test('two thousand missed slots: the newest thousand run, in portions, once each', async () => {
  await using s = fresh()
  const { task, ran } = noted(s)
  const now = await timeOf(redis.redis.client)
  const at = now - 4_000 * 60_000
  await s.queue.schedule('n', { every: 60_000, at, missed: 'all' }, task.prepare('x'))
  await rewind(s, 'n', at + 2_000 * 60_000)
  await Promise.all([s.work(), s.work()])
  await hasMovedOn(s, 'n')
  await until('they have run', () => ran.length >= 1_000)
  const slots = await slotsOf(s, 'n')
  assert.ok(slots.length === 1_000 || slots.length === 1_001, `${slots.length}: a minute may have passed`)
  assert.ok(slots.every((slot, index) => slot === slots[0]! + 60_000 * index))
})

test('overlap skip: slots pass while the task before has not ended', async () => {
  await using s = fresh()
  const { passed, open } = gate()
  let runs = 0
  const slow = s.queue.task('slow', async () => {
    runs += 1
    await passed
  })
  await s.work()
  await s.queue.schedule('n', { every: 40, overlap: 'skip' }, slow.prepare())
  await until('the first to run', () => runs === 1)
  const begun = (await one(s.queue, 'n'))!.next[0]!.getTime()
  await until('slots to pass', async () => (await one(s.queue, 'n'))!.next[0]!.getTime() >= begun + 200)
  assert.equal((await slotsOf(s, 'n')).length, 1)
  open()
  await until('the next to run', () => runs >= 2)
  await s.queue.unschedule('n')
})

test('paused it keeps its definition, also when it is defined again; resumed it goes on from now', async () => {
  await using s = fresh()
  const { task, ran } = noted(s)
  await s.work()
  await s.queue.schedule('n', { every: 50 }, task.prepare(1))
  await until('it runs', () => ran.length >= 2)
  assert.equal(await s.queue.pauseSchedule('n'), true)
  const paused = await one(s.queue, 'n')
  assert.deepEqual([paused?.isPaused, paused?.next, paused?.every], [true, [], 50])
  await until('what it has made has run', async () => (await slotsOf(s, 'n')).length === ran.length)
  const count = ran.length
  assert.equal(await s.queue.schedule('n', { every: 60 }, task.prepare(2)), 'changed')
  // Another schedule shows that time passes.
  await s.queue.schedule('other', { at: soon() }, task.prepare('other'))
  await until('the other to run', () => ran.includes('other'))
  assert.equal(ran.length, count + 1)
  assert.equal(await s.queue.resumeSchedule('n'), true)
  await until('it goes on', () => ran.includes(2))
  assert.deepEqual([await s.queue.pauseSchedule('x'), await s.queue.resumeSchedule('x')], [false, false])
})

test('a run now is apart from the slots, also of one that is paused', async () => {
  await using s = fresh()
  const { task, ran } = noted(s)
  await s.work()
  await s.queue.schedule('n', { every: HOUR }, task.with({ priority: 'low' }).prepare('n'))
  const before = await one(s.queue, 'n')
  await s.queue.pauseSchedule('n')
  const handle = await s.queue.runSchedule('n')
  await handle!.get()
  assert.deepEqual(ran, ['n'])
  assert.equal((await handle!.info())?.lane, 'low')
  await s.queue.resumeSchedule('n')
  const after = await one(s.queue, 'n')
  assert.deepEqual(after?.next, before?.next)
  assert.deepEqual([after?.lastTask, before?.lastTask], [handle!.id, undefined])
  assert.equal(await s.queue.runSchedule('x'), null)
})

test('jitter moves a slot, and is the same for all who ask', async () => {
  await using s = fresh()
  const { task, ran } = noted(s)
  const at = soon()
  await s.queue.schedule('n', { every: HOUR, at, jitter: 400 }, task.prepare('n'))
  const { next } = (await one(s.other(), 'n'))!
  const offsets = next.map((time, index) => time.getTime() - at - index * HOUR)
  assert.ok(
    offsets.every((offset) => offset >= 0 && offset <= 400) && new Set(offsets).size > 1,
    `${offsets}`,
  )
  await s.work()
  await until('it has run', () => ran.length === 1)
  // The id is that of the slot.
  assert.deepEqual(await slotsOf(s, 'n'), [at])
  assert.ok((await s.queue.getTask(`n:${at}`))!.createdAt >= next[0]!)
})

test('what cannot be read in Redis is told of once and left alone, and the others go on', async () => {
  await using s = fresh()
  const { task, ran } = noted(s)
  const { client } = redis.redis
  const bad: Record<string, Record<string, string>> = {
    'not-json': { when: '{' },
    unknown: { when: '{"every":1000,"of":"a later version"}' },
    'no-cron': { when: '{"cron":"61 * * * *"}' },
    'bad-policy': { missed: 'never' },
    'no-since': { since: 'x' },
    'no-slot': { slot: 'x' },
    'no-lane': { lane: 'x' },
    'no-how': { how: 'junk' },
    code: { when: '{"__proto__":{"every":5}}' },
  }
  for (const [name, fields] of Object.entries(bad)) {
    await s.queue.schedule(name, { every: HOUR }, task.prepare(name))
    await client.hset(`${s.prefix}:schedule:${name}`, fields)
    await client.zadd(`${s.prefix}:slots`, 1, name)
  }
  await client.zadd(`${s.prefix}:slots`, 1, 'nothing')
  await client.set(`${s.prefix}:schedule:type`, 'junk')
  await client.zadd(`${s.prefix}:slots`, 1, 'type')
  await s.queue.schedule('good', { every: 50 }, task.prepare('good'))
  await s.work()
  await until('the good one to go on', () => ran.length >= 5)
  assert.deepEqual(new Set(ran), new Set(['good']))
  const told = s.errors.map(({ message }) => message)
  assert.equal(told.length, 11, told.join('\n'))
  for (const name of [...Object.keys(bad), 'nothing', 'type'])
    assert.ok(
      told.some((message) => message.startsWith(`schedule ${name}: `)),
      `${name}: ${told.join('\n')}`,
    )
  const infos = await s.queue.schedules()
  assert.equal(infos.length, 12)
  assert.match(infos.find(({ name }) => name === 'no-cron')!.problem!, /minute "61" at character 1: /)
  assert.equal(infos.find(({ name }) => name === 'good')!.problem, undefined)
  // Left alone: as it was written.
  assert.equal(await client.hget(`${s.prefix}:schedule:not-json`, 'when'), '{')
  assert.equal(await client.zscore(`${s.prefix}:slots`, 'not-json'), '1')
  await client.del(`${s.prefix}:schedule:type`)
})

test('what makes no sense is refused where it is defined, and nothing is there', async () => {
  await using s = fresh()
  const { task } = noted(s)
  const call = task.prepare('x')
  const elsewhere = s.other().remote<typeof task>('noted').prepare('x')
  const refuse = async (message: RegExp, options: unknown, name: unknown = 'n', given: unknown = call) => {
    const error = await rejection(s.queue.schedule(name as string, options as object, given as typeof call))
    assert.ok(error instanceof OptionError, String(error))
    assert.match(error.message, message)
  }
  await refuse(/^schedule n: it would never run: its time is over$/, { at: 1 })
  await refuse(/it would never run: no time is like that$/, { cron: '0 0 30 2 *' })
  await refuse(/^schedule name must be 1 to 100 characters of .* \(given: "a b"\)$/, { every: 5 }, 'a b')
  await refuse(/^schedule name must be 1 to 100/, { every: 5 }, 'x'.repeat(101))
  await refuse(/^schedule n: expected a call that task\.prepare\(…\) has made$/, { every: 5 }, 'n', task)
  await refuse(/^schedule n: noted is a task of another queue object$/, { every: 5 }, 'n', elsewhere)
  for (const verb of ['unschedule', 'hasSchedule', 'pauseSchedule', 'resumeSchedule', 'runSchedule'] as const)
    assert.match((await rejection(s.queue[verb]('a b'))).message, /^schedule name must be/)
  assert.deepEqual(await s.queue.schedules(), [])
})

test('a queue that is paused gets its tasks, and runs them when it goes on', async () => {
  await using s = fresh()
  const { task, ran } = noted(s)
  await s.queue.pause()
  await s.work()
  await s.queue.schedule('n', { at: soon() }, task.prepare('n'))
  await until('it is queued', async () => (await s.queue.counts()).queued === 1)
  assert.deepEqual(ran, [])
  await s.queue.resume()
  await until('it has run', () => ran.length === 1)
})
