/** `queue.run({ processes })`: real programs, real kills, and what becomes of their tasks. */

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { OptionError, Queue } from '../../lib/index.ts'
import { start } from '../support/processes.ts'
import { leftovers, registered, scene } from '../support/scene.ts'
import { until } from '../support/until.ts'
import { runs } from './support/crew.ts'
import { team } from './support/team.ts'

const CLEAN = { entries: 0, pending: 0, consumers: 0 }
const lease = 1_000

/** Sockets of a process to a port of this machine, by the kernel's tables. */
function connectionsTo(port: number, pid: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  const inodes = lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote]) => remote?.endsWith(`:${hex}`))
    .map((fields) => `socket:[${fields[9]}]`)
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return links.filter((link) => inodes.includes(link))
}

test('two processes run two CPU-bound handlers at once, also of two queues, under one supervisor', async () => {
  await using s = await scene()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-meet-'))
  await using program = start('spec/processes/support/meet.ts', {
    args: [folder],
    env: { REDIS_URL: s.redis.url },
  })
  await using other = new Queue('other', { redis: s.redis.url })
  for (const queue of [s.queue, other]) {
    const meet = queue.remote<(me: string, other: string) => Promise<number>>('meet')
    const [a, b] = [`${queue.name}-a`, `${queue.name}-b`]
    const pids = await Promise.all([meet(a, b).get(), meet(b, a).get()])
    assert.notEqual(pids[0], pids[1])
    assert.ok(!pids.includes(program.pid), 'the supervisor does not work')
  }
  const ids = await registered(s.redis)
  assert.equal(ids.length, 2)
  for (const id of ids) assert.match(id, /^same-/, 'ids differ although the name is the same')
  assert.deepEqual(connectionsTo(s.redis.port, program.pid), [], 'nor does it connect')
  assert.notDeepEqual(connectionsTo(s.redis.port, process.pid), [])
  program.signal('SIGTERM')
  assert.equal(await program.ended, 0)
  assert.deepEqual(program.output.match(/bye/g), ['bye', 'bye', 'bye'])
  assert.deepEqual(await registered(s.redis), [])
  rmSync(folder, { recursive: true })
})

test('SIGTERM lets all of them finish what they run', async () => {
  await using s = await scene()
  await using t = await team(s, { processes: 2, concurrency: 1, prefetch: 0 })
  const pids = await t.workers(2)
  const waits = [s.tasks.slow(1_500), s.tasks.slow(1_500)].map((handle) => handle.get())
  await t.program.prints(/running .*running /s)
  t.program.signal('SIGTERM')
  assert.deepEqual((await Promise.all(waits)).sort(), [...pids].sort())
  assert.equal(await t.program.ended, 0)
  assert.equal(t.program.output.includes('error'), false, t.program.output)
  assert.deepEqual(pids.map(runs), [false, false])
  assert.deepEqual(await leftovers(s.redis), CLEAN)
})

test('signals to the whole group, as of Ctrl-C and of systemd, drain as one signal does', async () => {
  await using s = await scene()
  await using t = await team(s, { processes: 2 })
  const pids = await t.workers(2)
  const slow = s.tasks.slow(1_500)
  const wait = slow.get()
  await t.program.prints(`running ${slow.id}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    for (const pid of pids) process.kill(pid, signal)
  }
  // Two signals that come before the first is seen are one.
  await t.program.prints(/heard SIGTERM.*heard SIGTERM/s)
  t.program.signal('SIGTERM')
  assert.ok(pids.includes(await wait))
  assert.equal((await slow.info())?.attempt, 1)
  assert.equal(await t.program.ended, 0)
})

test('a second signal ends them at once, and what they held goes back without a crash', async () => {
  await using s = await scene()
  await using t = await team(s, { processes: 2 })
  const pids = await t.workers(2)
  const slow = s.tasks.slow(600_000)
  await t.program.prints(`running ${slow.id}`)
  t.program.signal('SIGINT')
  await t.program.prints(/heard SIGTERM.*heard SIGTERM/s)
  t.program.signal('SIGINT')
  assert.equal(await t.program.ended, 130)
  assert.deepEqual(pids.map(runs), [false, false])
  const info = await slow.info()
  assert.deepEqual([info?.state, info?.crashes], ['queued', 0])
  assert.deepEqual(await registered(s.redis), [])
})

test('a process that ignores its signals is killed in the end, and that is reported', async () => {
  await using s = await scene()
  await using t = await team(s, { processes: 2, drainTimeout: 0, lease })
  const pids = await t.workers(2)
  // Its event loop stands still for longer than the drain and all that follows it may take.
  const block = s.tasks.block(120_000)
  await t.program.prints(`blocking ${block.id}`)
  t.program.signal('SIGTERM')
  await t.program.prints(
    /error worker process \d \(pid \d+\) is killed, because it did not end within 10000 ms/,
  )
  assert.equal(await t.program.ended, 0)
  assert.deepEqual(pids.map(runs), [false, false])
})

test('kill -9 of a worker: it is started again, its error is told, and its task ends', async () => {
  await using s = await scene()
  await using t = await team(s, { processes: 2, concurrency: 1, lease })
  await t.workers(2)
  const handles = Array.from({ length: 6 }, () => s.tasks.slow(500))
  const waits = handles.map((handle) => handle.get({ timeout: 60_000 }))
  const [, id] = await t.program.prints(/running (\S+) attempt 1/)
  const victim = Number(s.journal().find(([task]) => task === id)?.[1])
  process.kill(victim, 'SIGKILL')
  await t.program.prints(`(pid ${victim}) was ended by SIGKILL, which its supervisor did not send`)
  const pids = await Promise.all(waits)
  assert.equal(pids.length, 6)
  assert.equal(pids.includes(victim), false)
  assert.equal((await handles.find((handle) => handle.id === id)?.info())?.crashes, 1)
  await t.workers(2, [victim])
  t.program.signal('SIGTERM')
  assert.equal(await t.program.ended, 0)
  assert.deepEqual(await leftovers(s.redis), CLEAN)
})

test('SIGHUP changes all processes, and no call fails meanwhile', async () => {
  await using s = await scene()
  await using t = await team(s, { processes: 2 })
  const old = await t.workers(2)
  let isOver = false
  let calls = 0
  const slow = s.tasks.slow(1_500)
  const wait = slow.get()
  await t.program.prints(`running ${slow.id}`)
  const calling = (async () => {
    for (; !isOver; calls++) assert.equal(await s.tasks.add(calls, 1).get({ timeout: 20_000 }), calls + 1)
  })()
  // Should something else fail first, that is what the spec says.
  for (const promise of [calling, wait]) promise.catch(() => {})
  t.program.signal('SIGHUP')
  const fresh = await t.workers(2, old)
  isOver = true
  await calling
  assert.ok(old.includes(await wait), 'what ran was let end')
  assert.equal((await slow.info())?.attempt, 1)
  assert.ok(calls > 0)
  for (const pid of old) await until(`process ${pid} to be gone`, () => !runs(pid))
  assert.deepEqual(fresh.map(runs), [true, true])
  assert.equal(t.program.output.includes('error'), false, t.program.output)
  t.program.signal('SIGTERM')
  assert.equal(await t.program.ended, 0)
})

test('kill -9 of the supervisor: the workers finish what they run, and end', async () => {
  await using s = await scene()
  await using t = await team(s, { processes: 2, concurrency: 1, prefetch: 0 })
  const pids = await t.workers(2)
  const handles = [1, 2, 3].map(() => s.tasks.slow(1_500))
  const waits = handles.map((handle) => handle.get({ timeout: 60_000 }))
  await t.program.prints(/running .*running /s)
  t.program.signal('SIGKILL')
  for (const pid of pids) await until(`process ${pid} to be gone`, () => !runs(pid))
  assert.deepEqual(await registered(s.redis), [], 'they left, and their leases do not have to end')
  const ended = s.journal().filter(([, , what]) => what === 'end')
  assert.equal(ended.length, 2)
  // The third waits for whoever comes.
  const next = await s.worker()
  const [first, second, third] = await Promise.all(waits)
  const by = [first, second, third].sort()
  assert.deepEqual(by, [...pids, next.pid].sort())
  for (const handle of handles) assert.equal((await handle.info())?.attempt, 1)
})

test('kill -9 of the supervisor: a worker whose handler keeps its event loop for ever ends too', async () => {
  await using s = await scene()
  await using t = await team(s, { processes: 2, drainTimeout: 0, lease })
  const pids = await t.workers(2)
  const endless = s.tasks.block(Number.POSITIVE_INFINITY)
  await t.program.prints(`blocking ${endless.id}`)
  t.program.signal('SIGKILL')
  // It drains for 0 s, has 10 s to give back and leave, and 1 s more until its thread does it.
  for (const pid of pids) await until(`process ${pid} to be gone`, () => !runs(pid), 30_000)
  // Nothing is lost: it was told to be cancelled, and who finds it does that.
  assert.equal(await endless.cancel('it does not end'), 'running')
  await s.worker({ lease })
  await until('it to be cancelled', async () => (await endless.info())?.state === 'cancelled')
  assert.equal((await endless.info())?.crashes, 1)
})

test('a worker whose supervisor is gone can still write to stderr, which was a pipe to it', async () => {
  await using s = await scene()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-noisy-'))
  await using program = start('spec/processes/support/noisy.ts', {
    args: [folder],
    env: { REDIS_URL: s.redis.url },
  })
  const handle = s.queue.remote<() => Promise<number>>('noisy')()
  const wait = handle.get({ timeout: 60_000 })
  await program.prints('noisy runs')
  program.signal('SIGKILL')
  const pid = await wait
  await until('it to end', () => readdirSync(folder).includes(`ended-${pid}`))
  assert.equal((await handle.info())?.attempt, 1)
  await until('both to leave', async () => (await registered(s.redis)).length === 0)
  rmSync(folder, { recursive: true })
})

test('what an operator stops stays stopped, and the program ends with its last worker', async () => {
  await using s = await scene()
  await using t = await team(s, { processes: 2 })
  await t.workers(2)
  const [first, second] = await registered(s.redis)
  assert.equal(await s.queue.stopWorker(first!), 1)
  await until('one to have left', async () => (await registered(s.redis)).length === 1)
  assert.deepEqual(await registered(s.redis), [second])
  await s.queue.stopWorker(second!)
  assert.equal(await t.program.ended, 0)
  assert.equal(t.program.output.includes('error'), false, t.program.output)
})

test('one process is this process', async () => {
  await using s = await scene()
  await using t = await team(s, { processes: 1 })
  assert.deepEqual(await t.workers(1), [t.program.pid])
})

describe('options', () => {
  test('that make no sense are refused', async () => {
    await using queue = new Queue('spec')
    for (const processes of [0, -1, 1.5, 1_025, 'all', null, '2']) {
      const wrong = queue.run({ processes: processes as number })
      await assert.rejects(
        wrong,
        (error: Error) =>
          error instanceof OptionError &&
          /^queue\.run: processes \(or 'auto'\) must be a whole number from 1 to 1024/.test(error.message),
      )
    }
    const unknown = queue.run({ process: 2 } as object)
    await assert.rejects(unknown, /queue\.run: unknown option "process" \(known: .*processes\)/)
    assert.throws(() => queue.worker({ processes: 2 } as object), /worker: unknown option "processes"/)
  })

  test('of an inline queue cannot ask for more than this process', async () => {
    await using queue = new Queue('spec', { inline: true })
    await assert.rejects(queue.run({ processes: 2 }), /an inline queue runs in this process alone/)
  })

  test('ask for a script that can be started', async () => {
    const lib = import.meta.resolve('../../lib/index.ts')
    const code = `import { Queue } from '${lib}'; await new Queue('spec').run({ processes: 2 })`
    await using program = start('--input-type=module', { args: ['--eval', code] })
    await program.prints('processes above 1 need a script file')
    assert.equal(await program.ended, 1)
  })
})
