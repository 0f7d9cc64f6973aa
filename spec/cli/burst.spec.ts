/** `millrace worker --burst`: works until there is nothing left, in one process and in several. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '../support/until.ts'
import { startMillrace, TASKS } from './support/command.ts'
import { stage } from './support/stage.ts'

let s: Awaited<ReturnType<typeof stage>>
before(async () => {
  s = await stage()
})
after(() => s.end())
const scene = () => s.scene()

test('ends when its queues are empty', async () => {
  const { worker, queue: open } = scene()
  await using queue = open()
  const send = queue.remote<(a: number, b: number) => number>('add')
  const handles = [1, 2, 3].map((n) => send(n, n))
  await Promise.all(handles.map(({ enqueued }) => enqueued))
  await using child = worker('--burst')
  assert.equal(await child.ended, 0)
  assert.deepEqual(await Promise.all(handles.map((handle) => handle.get())), [2, 4, 6])
})

test('of several processes ends with the last of them, and leaves nothing of one that died', async () => {
  const { queue: open, env } = scene()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-burst-'))
  const config = `export default { queues: { cli: { lease: 1_000, concurrency: 2 } } }`
  writeFileSync(join(folder, 'millrace.config.mjs'), config)
  await using queue = open()
  const steps = queue.remote<(total: number) => string>('steps')
  const handles = Array.from({ length: 20 }, () => steps(10))
  await Promise.all(handles.map(({ enqueued }) => enqueued))
  await using child = startMillrace(['worker', TASKS, '--burst', '--processes', '2'], { env, cwd: folder })
  await child.prints(/worker ready[\s\S]*worker ready/, 60_000)
  const victim = await until('one to run', async () => (await queue.tasks({ state: 'running' }))[0])
  const { pid } = (await queue.workers()).find(({ id }) => id === victim.worker)!
  process.kill(pid, 'SIGKILL')
  assert.equal(await child.ended, 0)
  assert.deepEqual(
    new Set(await Promise.all(handles.map((handle) => handle.get({ timeout: 1_000 })))),
    new Set(['all done']),
  )
  assert.match(child.output, new RegExp(`"child":\\d+,"old":${pid},"why":"was ended by SIGKILL`))
  assert.equal(child.output.match(/stops: its queues are empty/g)?.length, 2)
  assert.deepEqual(await queue.workers(), [])
  rmSync(folder, { recursive: true })
})

test('does not go with --watch', async () => {
  const { code, stderr } = await scene().run('worker', TASKS, '--burst', '--watch')
  assert.deepEqual([code, /leave out one/.test(stderr)], [2, true], stderr)
})
