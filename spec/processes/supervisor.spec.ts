/** The supervisor alone, with real processes that do no work: what it does when they die, are late, or do not end. */

import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Backoff } from '../../lib/processes/backoff.ts'
import { type Death, whyOf } from '../../lib/processes/death.ts'
import { until } from '../support/until.ts'
import { crew, runs } from './support/crew.ts'

describe('a supervisor', () => {
  test('runs as many as it was told, and ends when they have ended', async () => {
    await using c = crew('steady', { processes: 2 })
    const run = c.supervisor.run()
    assert.equal(c.supervisor.run(), run)
    await c.hears('ready', 2)
    const started = c.told('started')
    assert.deepEqual(
      started.map(({ slot }) => slot),
      [1, 2],
    )
    await Promise.all([c.supervisor.stop(), c.supervisor.stop(), c.supervisor.hurry()])
    await run
    const ended = c.told('ended')
    assert.equal(ended.length, 2)
    for (const { code, asked, why } of ended)
      assert.deepEqual([code, asked, why], [0, true, 'ended as asked'])
    for (const { pid } of started) assert.equal(runs(pid), false)
    assert.deepEqual([...c.told('restarting'), ...c.told('killed')], [])
  })

  test('that is stopped before it runs starts nothing', async () => {
    await using c = crew('steady')
    assert.equal(await c.supervisor.reload(), false)
    await c.supervisor.stop()
    await c.supervisor.run()
    assert.equal(await c.supervisor.reload(), false)
    assert.deepEqual(c.log, [])
  })

  test('that is stopped by whoever hears of the first start ends well', async () => {
    await using c = crew('steady', { processes: 3 })
    c.supervisor.on('started', () => void c.supervisor.stop())
    await c.supervisor.run()
    assert.equal(c.told('started').length, 1)
    assert.equal(c.told('ended').length, 1)
  })

  test('starts again what was killed, in its place, and leaves the others alone', async () => {
    await using c = crew('steady', { processes: 2 })
    void c.supervisor.run()
    await c.hears('ready', 2)
    const [, second] = c.told('started')
    process.kill(second!.pid, 'SIGKILL')
    const again = await c.hears('started', 3)
    assert.equal(again.slot, 2)
    const [ended] = c.told('ended')
    assert.deepEqual([ended?.pid, ended?.signal, ended?.asked], [second!.pid, 'SIGKILL', false])
    assert.match(ended!.why, /SIGKILL, which its supervisor did not send: possibly the kernel/)
    const [restarting] = c.told('restarting')
    assert.ok(restarting!.delay >= 250 && restarting!.delay <= 500, `${restarting!.delay} ms`)
    const replaced = await c.hears('replaced')
    assert.deepEqual([replaced.slot, replaced.pid, replaced.old], [2, again.pid, second!.pid])
    assert.equal(replaced.why, ended!.why)
    assert.ok(replaced.ms >= restarting!.delay, `${replaced.ms} ms`)
    assert.equal(c.told('ended').length, 1)
  })

  test('tells of a place that is taken once somebody works there, with the first death', async () => {
    await using c = crew('steady')
    void c.supervisor.run()
    const { pid } = await c.hears('ready')
    c.mark('mute')
    process.kill(pid, 'SIGKILL')
    const second = await c.hears('started', 2)
    process.kill(second.pid, 'SIGTERM')
    rmSync(join(c.folder, 'mute'))
    const replaced = await c.hears('replaced')
    assert.deepEqual([replaced.old, replaced.pid], [pid, c.told('started').at(-1)?.pid])
    assert.match(replaced.why, /SIGKILL/)
    assert.equal(c.told('replaced').length, 1)
  })

  test('waits longer after each death, and a stop ends the wait', async () => {
    await using c = crew('leaves')
    const run = c.supervisor.run()
    const third = await c.hears('restarting', 3)
    assert.ok(third.delay >= 1_000 && third.delay <= 2_000, `${third.delay} ms`)
    const [ended] = c.told('ended')
    assert.deepEqual([ended?.code, ended?.why], [7, 'exited with code 7'])
    await c.supervisor.stop()
    await run
    assert.equal(c.told('started').length, 3)
  })

  test('kills one that does not end in time, and says so', async () => {
    await using c = crew('stubborn', { stopTimeout: 300 })
    const run = c.supervisor.run()
    const { pid } = await c.hears('ready')
    void c.supervisor.stop()
    await run
    assert.equal(existsSync(join(c.folder, `heard-${pid}`)), true, 'it heard SIGTERM before')
    assert.equal(c.told('killed')[0]?.why, 'did not end within 300 ms')
    assert.equal(c.told('ended')[0]?.why, 'was killed, because it did not end within 300 ms')
    assert.equal(runs(pid), false)
  })

  test('kills at once when it is told so in the middle of a drain', async () => {
    await using c = crew('stubborn', { stopTimeout: 600_000 })
    const run = c.supervisor.run()
    const { pid } = await c.hears('ready')
    void c.supervisor.stop()
    await until('it to hear SIGTERM', () => existsSync(join(c.folder, `heard-${pid}`)))
    assert.deepEqual(c.told('killed'), [])
    await c.supervisor.stop({ timeout: 0 })
    await run
    assert.equal(c.told('killed')[0]?.why, 'was to end at once')
  })

  test('goes on trying when a process cannot even be started', async () => {
    // More than any kernel takes as an environment.
    await using c = crew('steady', { env: { LARGE: 'x'.repeat(8 * 1024 * 1024) } })
    void c.supervisor.run()
    const ended = await c.hears('ended', 2)
    assert.deepEqual([ended.pid, ended.code, ended.asked], [undefined, null, false])
    assert.match(ended.why, /^could not be started: .*E2BIG/)
  })
})

describe('a reload', () => {
  test('changes all, one by one: a next is ready before its predecessor is told to end', async () => {
    await using c = crew('steady', { processes: 2 })
    void c.supervisor.run()
    await c.hears('ready', 2)
    const before = c.log.length
    assert.equal(await c.supervisor.reload('new code'), true)
    const one = ['started 1', 'ready 1', 'ended 1', 'replaced 1']
    assert.deepEqual(c.log.slice(before), [...one, 'started 2', 'ready 2', 'ended 2', 'replaced 2'])
    const [first, second, third, fourth] = c.told('started')
    assert.deepEqual(
      c.told('replaced').map(({ ms, ...rest }) => ({ ...rest, ms: Number.isInteger(ms) })),
      [
        { slot: 1, pid: third!.pid, old: first!.pid, why: 'new code', ms: true },
        { slot: 2, pid: fourth!.pid, old: second!.pid, why: 'new code', ms: true },
      ],
    )
    const pids = c.told('started').map(({ pid }) => pid)
    assert.deepEqual(pids.map(runs), [false, false, true, true])
    for (const { asked, code } of c.told('ended')) assert.deepEqual([asked, code], [true, 0])
  })

  test('ends where the next dies before it is ready, and its predecessor goes on', async (t) => {
    const write = t.mock.method(process.stderr, 'write', () => true)
    await using c = crew('steady', { processes: 2 })
    void c.supervisor.run()
    await c.hears('ready', 2)
    c.mark('broken')
    assert.equal(await c.supervisor.reload(), false)
    write.mock.restore()
    assert.deepEqual(c.log.slice(-2), ['started 1', 'ended 1'])
    const [ended] = c.told('ended')
    assert.deepEqual([ended?.asked, ended?.code], [false, 1])
    const error = /^exited with code 1; its last error on stderr: TypeError: cannot read the configuration$/
    assert.match(ended!.why, error)
    const [first, second] = c.told('started')
    assert.ok(runs(first!.pid) && runs(second!.pid))
    assert.deepEqual(c.told('restarting'), [])
  })

  test('ends where the next is not ready in time', async () => {
    await using c = crew('steady', { readyTimeout: 400 })
    void c.supervisor.run()
    const { pid } = await c.hears('started')
    await c.hears('ready')
    c.mark('mute')
    assert.equal(await c.supervisor.reload(), false)
    assert.deepEqual([c.told('started').length, c.told('ended').length, runs(pid)], [2, 1, true])
    assert.deepEqual(
      c.told('late').map(({ why }) => why),
      ['was not ready within 400 ms'],
    )
    assert.deepEqual([c.told('ended')[0]?.pid, c.told('ended')[0]?.asked], [c.told('started')[1]?.pid, true])
  })

  test('that is called again while one is under way is followed by another', async () => {
    await using c = crew('steady')
    void c.supervisor.run()
    await c.hears('ready')
    const reloads = [c.supervisor.reload(), c.supervisor.reload(), c.supervisor.reload()]
    assert.deepEqual(await Promise.all(reloads), [true, true, true])
    assert.equal(c.told('started').length, 3)
  })

  test('of a place whose child has died and waits for its restart does not wait', async () => {
    await using c = crew('steady')
    void c.supervisor.run()
    const { pid } = await c.hears('ready')
    process.kill(pid, 'SIGKILL')
    await c.hears('restarting')
    assert.equal(await c.supervisor.reload(), true)
    assert.equal(c.told('ready').length, 2)
    assert.equal(c.told('started').length, 2)
  })

  test('whose predecessor dies meanwhile leaves the place to the next', async () => {
    await using c = crew('steady')
    void c.supervisor.run()
    const { pid } = await c.hears('ready')
    c.mark('mute')
    const reload = c.supervisor.reload()
    const next = await c.hears('started', 2)
    process.kill(pid, 'SIGKILL')
    await c.hears('ended')
    assert.deepEqual(c.told('restarting'), [], 'nothing more is started')
    assert.ok(runs(next.pid))
    await c.supervisor.stop()
    assert.equal(await reload, false)
    assert.equal(c.told('started').length, 2)
  })

  test('that is stopped in the middle ends both', async () => {
    await using c = crew('steady')
    const run = c.supervisor.run()
    await c.hears('ready')
    c.mark('mute')
    const reload = c.supervisor.reload()
    await c.hears('started', 2)
    await c.supervisor.stop()
    assert.equal(await reload, false)
    await run
    assert.equal(c.told('ended').length, 2)
  })
})

describe('a child', () => {
  test('that asks for it is replaced, and what means nothing is ignored', async () => {
    await using c = crew('worn')
    void c.supervisor.run()
    const replaced = await c.hears('replaced')
    const [ended] = c.told('ended')
    const [first, second] = c.told('started')
    const [asked] = c.told('replacing')
    assert.deepEqual([asked?.pid, asked?.why], [first!.pid, 'after 3 tasks'])
    assert.deepEqual([replaced.pid, replaced.old, replaced.why], [second!.pid, first!.pid, 'after 3 tasks'])
    assert.deepEqual([ended!.pid, ended!.asked, ended!.code], [first!.pid, true, 0])
    assert.ok(runs(second!.pid))
    const change = ['replacing 1', 'started 1', 'ready 1', 'ended 1', 'replaced 1']
    assert.deepEqual(c.log, ['started 1', 'ready 1', ...change])
  })

  test("that runs out of V8's memory is said to, and its words come through", async (t) => {
    const write = t.mock.method(process.stderr, 'write', () => true)
    await using c = crew('heap', { execArgv: ['--max-old-space-size=24'] })
    void c.supervisor.run()
    const ended = await c.hears('ended')
    const words = Buffer.concat(
      write.mock.calls.map(({ arguments: [chunk] }) => Buffer.from(chunk as Buffer)),
    )
    await c.supervisor.stop({ timeout: 0 })
    write.mock.restore()
    assert.match(ended.why, /^ran out of memory: V8's heap reached its limit .*, and it was ended by SIG\w+$/)
    assert.equal(ended.asked, false)
    assert.match(words.toString(), /heap out of memory/)
  })
})

test('the wait between restarts doubles up to 30 s, with jitter, and begins anew after a healthy minute', () => {
  const [least, most] = [new Backoff(), new Backoff()]
  const waits = (backoff: Backoff, random: number): number[] =>
    Array.from({ length: 9 }, () => backoff.after(59_999, () => random))
  assert.deepEqual(waits(most, 1), [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  assert.deepEqual(waits(least, 0), [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
  assert.equal(
    most.after(60_000, () => 1),
    500,
  )
  for (let i = 0; i < 2_000; i++) least.after(0)
  assert.equal(
    least.after(0, () => 1),
    30_000,
  )
})

test('why a process ended', () => {
  const why = (death: Partial<Death>): string =>
    whyOf({ code: null, signal: null, tail: '', asked: false, killed: undefined, ...death })
  assert.equal(why({ code: 0 }), 'ended by itself, with exit code 0')
  assert.equal(why({ code: 0, asked: true }), 'ended as asked')
  assert.equal(why({ code: 0, tail: 'JavaScript heap out of memory' }), 'ended by itself, with exit code 0')
  assert.equal(why({ code: 3, asked: true }), 'exited with code 3')
  assert.equal(why({ signal: 'SIGSEGV' }), 'was ended by SIGSEGV, which its supervisor did not send')
  assert.equal(why({ signal: 'SIGTERM', asked: true }), 'was ended by SIGTERM, as asked')
  const tail = 'Error: first\nx.js:1\n\nRangeError [ERR_X]: second\n    at x.js:1\n\nNode.js v20.20.2\n'
  assert.equal(
    why({ code: 1, tail }),
    'exited with code 1; its last error on stderr: RangeError [ERR_X]: second',
  )
  const farewell =
    'millrace: task a ran for 3 s, so this process ends. That is recorded, and the rest given back.'
  assert.equal(
    why({ signal: 'SIGKILL', tail: `x\n${farewell}\n` }),
    `was ended by SIGKILL; it said: ${farewell}`,
  )
})
