/** The doctor's look at schedules, on a real Redis, each disorder made by hand: what cannot be followed, what nobody knows, what is late. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Diagnosis, diagnose, type Finding, repair } from '../lib/doctor.ts'
import { type Fresh, freshQueues } from './support/fresh.ts'
import { timeOf } from './support/keyspace.ts'
import { until } from './support/until.ts'

const served = freshQueues()
const HOUR = 3_600_000
const HOURLY = { every: HOUR }

const of = ({ findings }: Diagnosis, what: string): Finding | undefined =>
  findings.find((finding) => finding.what === what)

/** A queue with a task `report`, and ways to harm its schedules. */
function patient() {
  const s: Fresh = served.fresh()
  const report = s.queue.task('report', (name: string) => name)
  const { client } = served.redis
  const key = (name: string): string => `${s.prefix}:schedule:${name}`
  const define = async (...names: string[]): Promise<void> => {
    for (const name of names) await s.queue.schedule(name, HOURLY, report.prepare(name))
  }
  return {
    s,
    report,
    client,
    key,
    define,
    slots: `${s.prefix}:slots`,
    [Symbol.asyncDispose]: () => s[Symbol.asyncDispose](),
  }
}

test('schedules in order are counted, also those that are paused or over; without any nothing is said', async () => {
  await using p = patient()
  assert.equal(of(await diagnose(p.s.queue), 'schedules'), undefined)
  await p.define('one', 'paused')
  await p.s.queue.pauseSchedule('paused')
  const at = Date.now() + 300
  await p.s.queue.schedule('once', { at }, p.report.prepare('once'))
  await p.s.work()
  await until('it to be over', async () => (await p.client.zscore(p.slots, 'once')) === 'inf')
  const diagnosis = await diagnose(p.s.queue)
  assert.deepEqual(of(diagnosis, 'schedules'), { level: 'ok', what: 'schedules', detail: '3' })
  const nothing = { malformed: [], unknown: [], overdue: [] }
  assert.deepEqual(diagnosis.facts.schedules, { schedules: 3, isComplete: true, ...nothing })
  assert.deepEqual([diagnosis.facts.records.unlisted, diagnosis.facts.records.stale], [[], []])
})

test('what no worker can follow is a problem, each with its reason', async () => {
  await using p = patient()
  const harm: Record<string, string[]> = {
    'no-json': ['HSET', 'when', 'at noon'],
    'no-cron': ['HSET', 'when', '{"cron":"61 * * * *"}'],
    'no-zone': ['HSET', 'when', '{"cron":"0 * * * *","timezone":"Mars/Base"}'],
    'no-word': ['HSET', 'missed', 'maybe'],
    'no-since': ['HDEL', 'since'],
    'no-lane': ['HSET', 'lane', 'urgent'],
    'no-call': ['HSET', 'call', 'junk'],
    'no-slot': ['HDEL', 'slot'],
  }
  await p.define('well', ...Object.keys(harm))
  for (const [name, [verb, ...words]] of Object.entries(harm))
    await p.client.call(verb!, p.key(name), ...words)
  await p.client.set(p.key('no-hash'), 'junk')
  await p.s.work()
  const diagnosis = await diagnose(p.s.queue)
  const { malformed, unknown } = diagnosis.facts.schedules
  const reasons = Object.fromEntries(malformed.map(({ name, problem }) => [name, problem]))
  assert.deepEqual(Object.keys(reasons).sort(), Object.keys(harm).sort())
  const said: Record<string, RegExp> = {
    'no-json': /^a definition that is no JSON$/,
    'no-cron': /^cron .*minute/,
    'no-zone': /Mars\/Base/,
    'no-word': /^missed must be one of/,
    'no-since': /^a definition that cannot be read$/,
    'no-lane': /^there is no lane urgent$/,
    'no-call': /^its call cannot be read$/,
    'no-slot': /^its next slot is missing: pause and resume it$/,
  }
  for (const [name, reason] of Object.entries(said)) assert.match(reasons[name]!, reason, name)
  assert.deepEqual(unknown, [])
  assert.equal(of(diagnosis, 'schedules-malformed')!.level, 'problem')
  assert.match(of(diagnosis, 'schedules-malformed')!.detail, /^no worker can follow them: 8 \(.*: .*, …\)$/)
  assert.deepEqual(diagnosis.facts.records.junk, ['schedule:no-hash'])
  assert.equal(diagnosis.ok, false)

  await p.s.queue.pauseSchedule('no-slot')
  await p.s.queue.resumeSchedule('no-slot')
  const after = (await diagnose(p.s.queue)).facts.schedules.malformed
  assert.equal(after.length, 7, 'as it was advised')
})

test('a task that no living worker knows is a warning, while one lives', async () => {
  await using p = patient()
  await p.define('known')
  const nobody = p.s.queue.remote<() => void>('nobody')
  for (const name of ['lonely', 'paused']) await p.s.queue.schedule(name, HOURLY, nobody.prepare())
  await p.s.queue.pauseSchedule('paused')
  const before = await diagnose(p.s.queue)
  assert.deepEqual(before.facts.schedules.unknown, [], 'without a worker nobody can tell')
  const worker = await p.s.work()
  const diagnosis = await diagnose(p.s.queue)
  assert.deepEqual(diagnosis.facts.schedules.unknown, [{ name: 'lonely', task: 'nobody' }])
  const { level, detail } = of(diagnosis, 'schedules-unknown')!
  assert.equal(level, 'warning')
  assert.match(detail, /: 1 \(lonely calls nobody\)$/)
  await worker.stop()
  await p.s.queue.task('nobody', () => {})
  await p.s.work()
  assert.deepEqual((await diagnose(p.s.queue)).facts.schedules.unknown, [])
})

test('one that is due for more than a minute while a worker lives is a problem', async () => {
  await using p = patient()
  await p.define('late', 'soon', 'well')
  // What a worker cannot see before it tries.
  for (const name of ['late', 'soon']) await p.client.hset(p.key(name), 'how', 'junk')
  const now = await timeOf(p.client)
  for (const [name, ago] of Object.entries({ late: 120_000, soon: 20_000 })) {
    await p.client.hset(p.key(name), 'slot', now - ago)
    await p.client.zadd(p.slots, now - ago, name)
  }
  assert.deepEqual((await diagnose(p.s.queue)).facts.schedules.overdue, [], 'nobody is there to make it')
  await p.s.work()
  await until('the worker to have tried', () => p.s.errors.length >= 2)
  const diagnosis = await diagnose(p.s.queue)
  const due = new Date(now - 120_000)
  assert.deepEqual(diagnosis.facts.schedules.overdue, [{ name: 'late', due }])
  const { level, detail } = of(diagnosis, 'schedules-overdue')!
  assert.equal(level, 'problem')
  assert.ok(detail.endsWith(`: 1 (late since ${due.toISOString()})`), detail)
})

test('those that are not listed, and what is listed and gone, are put right by a repair; a limit cuts the look short', async () => {
  await using p = patient()
  await p.define('a', 'b', 'c')
  await p.s.work()
  await p.client.zrem(p.slots, 'a', 'b')
  await p.client.del(p.key('c'))
  // It is over; the next one after that comes in an hour.
  await p.client.hset(p.key('a'), 'slot', (await p.client.hget(p.key('a'), 'since'))!)
  const { facts } = await diagnose(p.s.queue)
  assert.deepEqual(
    [[...facts.records.unlisted].sort(), facts.records.stale],
    [['schedule:a', 'schedule:b'], ['schedule:c']],
  )
  assert.deepEqual([facts.schedules.schedules, facts.schedules.malformed], [0, []])
  assert.equal((await repair(p.s.queue, { apply: true })).relisted, 3)
  // The worker hears of the one that is due, and makes its task.
  await until('its task to run', async () => (await p.s.queue.counts()).ended.succeeded === 1)
  const schedules = await p.s.queue.schedules()
  assert.deepEqual(schedules.map(({ name }) => name).sort(), ['a', 'b'])
  const cut = (await diagnose(p.s.queue, { limit: 1 })).facts.schedules
  assert.deepEqual([cut.schedules, cut.isComplete], [1, false])
})
