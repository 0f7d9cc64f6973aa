/** What operators do from the shell: look at tasks and workers, and tell them what to do. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
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

test('operators see workers and tasks, and tell them what to do', async () => {
  const { run, data, worker } = scene()
  await using child = worker('--name', 'alias')
  await child.prints('worker ready')
  const [seen] = (await data('worker', 'ls')) as { id: string; state: string; tasks: string[] }[]
  assert.match(seen!.id, /^alias-/)
  assert.deepEqual(seen!.tasks.slice(0, 2), ['add', 'greet'])

  assert.match((await run('queue', 'pause', 'cli')).stdout, /^cli: paused/)
  const { id } = (await data('send', 'fail', '"that"')) as { id: string }
  assert.match((await run('task', 'ls')).stdout, new RegExp(`${id} +fail +queued`))
  assert.deepEqual(await data('task', 'move', id, 'first'), { id, answer: 'moved' })
  assert.match((await run('info')).stdout, /cli {2}paused {2}oldest waits .*\n {2}running +0\b/)
  await run('queue', 'resume', 'cli')
  await until(
    'it to fail',
    async () => ((await data('task', 'show', id)) as { state: string }).state === 'failed',
  )
  const page = (await run('task', 'show', id)).stdout
  assert.match(page, /error +TypeError: cannot do that/)

  const groups = (await data('failed', 'groups')) as { fingerprint: string; count: number; error: string }[]
  assert.ok(groups.some(({ error, count }) => error.startsWith('TypeError') && count >= 1))
  const unsure = await run('failed', 'rm', '--all')
  assert.equal(unsure.code, 2)
  assert.match(unsure.stderr, /this would remove \d+ failed tasks of cli: say --yes/)
  assert.equal((await run('failed', 'retry', id)).code, 0)
  const { done } = (await data('failed', 'rm', '--all', '--yes')) as { done: number }
  assert.ok(done >= 0)
  assert.deepEqual(await run('task', 'cancel', 'none-such'), {
    ...{ code: 1, stdout: 'none-such: there is no such task\n', stderr: '' },
  })

  assert.deepEqual(await data('worker', 'stop', seen!.id), { id: seen!.id, told: 1 })
  assert.equal(await child.ended, 0)
})

test('worker stacks shows where a blocked handler is, in the form of a stack', async () => {
  const { data, run, env } = scene()
  // The question is heard with a beat.
  writeFileSync(
    join(s.folder, 'stacks.config.mjs'),
    `export default { modules: ${JSON.stringify(TASKS)}, queues: { cli: { lease: 1500 } } }`,
  )
  await using child = startMillrace(['worker', '--config', 'stacks.config.mjs'], { env, cwd: s.folder })
  await child.prints('worker ready')
  assert.match((await run('worker', 'stacks')).stdout, /its event loop is free/)
  // Until its process is killed: two commands have to start meanwhile.
  const { id } = (await data('send', 'block', '600000')) as { id: string }
  const { stdout } = await run('worker', 'stacks', '-q', 'cli')
  assert.match(
    stdout,
    new RegExp(`blocked for .*\\n {2}block {2}${id} {2}for .*[\\s\\S]*\\n {4}at .*tasks\\.[jt]s:\\d+`),
  )
  assert.match((await run('worker', 'stacks', 'none-such')).stderr, /there is no worker none-such/)
})
