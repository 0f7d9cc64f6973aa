/** What a worker process is doing now, asked of real processes whose main loop is free, blocked, native, debugged or stopped. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { OptionError, Queue, type WorkerStacks } from '../lib/index.ts'
import { type Fresh, freshQueues, gate } from './support/fresh.ts'
import { type Child, start } from './support/processes.ts'
import { until } from './support/until.ts'

const served = freshQueues()
const { fresh } = served
const dir = mkdtempSync(join(tmpdir(), 'millrace-stacks-'))
after(() => rmSync(dir, { recursive: true }))

const SECRET = 'payload-that-nobody-may-see'
/** A short lease: a blocked worker hears the question with its next beat. */
const LEASE = 3_000
/** For a busy machine. */
const PATIENT = { timeout: 20_000 }

let files = 0
/** Handlers go on when it is there. */
function fileGate() {
  files += 1
  const file = join(dir, `gate-${files}`)
  return { file, open: () => writeFileSync(file, '') }
}

async function work(s: Fresh, options: object = {}): Promise<{ child: Child; id: string }> {
  const env = { REDIS_URL: served.redis.url, QUEUE: s.queue.name }
  const child = start('spec/support/blocking-worker.mjs', {
    args: [JSON.stringify({ lease: LEASE, ...options })],
    env,
  })
  const [, id] = await child.prints(/ready (\S+)/)
  return { child, id: id! }
}

const asked = async (s: Fresh, id: string): Promise<WorkerStacks> =>
  (await s.queue.stacks(id, PATIENT)) ?? assert.fail('there is no such worker')

test('a free loop answers: what runs and what it is called, and no stack', async () => {
  await using s = fresh()
  const { child, id } = await work(s)
  await using _ = child
  assert.deepEqual(await asked(s, id), { tasks: [], blocked: 0, stack: undefined, problem: undefined })
  const { file, open } = fileGate()
  const handle = s.queue.remote<(file: string) => string>('wait')(file)
  await child.prints(`start ${handle.id}`)
  // Again and again: one that answers is never paused.
  for (let i = 0; i < 10; i++) {
    const { tasks, ...rest } = await asked(s, id)
    assert.deepEqual(
      tasks.map((task) => [task.id, task.name]),
      [[handle.id, 'wait']],
    )
    assert.ok(tasks[0]!.elapsed >= 0)
    assert.deepEqual(rest, { blocked: 0, stack: undefined, problem: undefined })
  }
  open()
  assert.equal(await handle.get(), 'waited')
})

test('a blocked one: since when, in which functions, and no value; the handler goes on undisturbed', async () => {
  await using s = fresh()
  const { child, id } = await work(s)
  await using _ = child
  const { file, open } = fileGate()
  type Spun = { turned: boolean; pid: number; attempt: number }
  const handle = s.queue.remote<(file: string, secret: string) => Spun>('spin')(file, SECRET)
  await child.prints(`start ${handle.id}`)
  for (let i = 0; i < 3; i++) {
    const stacks = await asked(s, id)
    assert.equal(stacks.problem, undefined)
    assert.ok(stacks.blocked! > 0)
    assert.deepEqual(
      stacks.tasks.map((task) => [task.id, task.name]),
      [[handle.id, 'spin']],
    )
    const frames = stacks.stack!
    assert.ok(frames.length > 2 && frames.length <= 50)
    const spin = frames.find((frame) => frame.function === 'spin')
    assert.match(spin?.file ?? '', /spec\/support\/blocking-worker\.mjs$/)
    assert.ok(spin!.line > 0 && spin!.column > 0)
    for (const frame of frames) {
      assert.deepEqual(Object.keys(frame).sort(), ['column', 'file', 'function', 'line'])
    }
    const told = JSON.stringify(stacks)
    for (const value of [SECRET, file]) assert.ok(!told.includes(value), told)
  }
  const keys = await served.redis.client.keys(`${s.prefix}:answer:*`)
  for (const key of keys) assert.ok((await served.redis.client.pttl(key)) > 0, 'it expires')
  open()
  assert.deepEqual(await handle.get(), { turned: true, pid: child.pid, attempt: 1 })
  const after = await asked(s, id)
  assert.deepEqual([after.tasks, after.blocked], [[], 0])
})

test('one that waits in native code, or that a debugger has paused, is left alone, and the answer says why', async () => {
  await using s = fresh()
  const { child, id } = await work(s)
  await using _ = child
  const native = fileGate()
  const waits = s.queue.remote<(file: string) => string>('native')(native.file)
  await child.prints(`start ${waits.id}`)
  const first = await asked(s, id)
  assert.deepEqual([first.stack, first.problem], [undefined, 'it is not in JavaScript, or is stopped'])
  assert.ok(first.blocked! > 0)
  assert.equal(first.tasks[0]?.name, 'native')
  native.open()
  assert.equal(await waits.get(), 'done')

  const [end, resume] = [fileGate(), fileGate()]
  const debugged = s.queue.remote<(file: string, resume: string) => string>('debugged')(end.file, resume.file)
  await child.prints('paused by a debugger')
  const second = await asked(s, id)
  assert.deepEqual([second.stack, second.problem], [undefined, 'a debugger has paused it'])
  end.open()
  const third = await asked(s, id)
  assert.equal(third.problem, 'a debugger has paused it', 'it is paused still')
  resume.open()
  assert.equal(await debugged.get(), 'went on')
  assert.equal((await asked(s, id)).blocked, 0)
})

test('a process that is stopped: what it holds, and that it gave no answer', async () => {
  await using s = fresh()
  const { child, id } = await work(s, { lease: 60_000 })
  await using _ = child
  const { file, open } = fileGate()
  const handle = s.queue.remote<(file: string) => string>('wait')(file)
  await child.prints(`start ${handle.id}`)
  child.signal('SIGSTOP')
  const stacks = await s.queue.stacks(id, { timeout: 200 })
  assert.deepEqual(
    [stacks?.tasks[0]?.id, stacks?.blocked, stacks?.stack, stacks?.problem],
    [handle.id, undefined, undefined, 'its process gave no answer for 200 ms'],
  )
  child.signal('SIGCONT')
  open()
  assert.equal(await handle.get(), 'waited')
})

test('a worker in this process answers too; nobody of that id is null', async () => {
  await using s = fresh()
  const { passed, open } = gate()
  const hold = s.queue.task('hold', () => passed)
  const worker = await s.work()
  const handle = hold()
  await until('it to run', async () => (await handle.info())?.state === 'running')
  const stacks = await s.queue.stacks(worker.id)
  assert.deepEqual([stacks?.tasks[0]?.id, stacks?.blocked], [handle.id, 0])
  open()
  assert.equal(await s.queue.stacks('nobody'), null)
  await assert.rejects(s.queue.stacks('all', { timeout: 0 }), OptionError)
  await using inline = new Queue('here', { inline: true })
  await assert.rejects(inline.stacks('any'), OptionError)
})
