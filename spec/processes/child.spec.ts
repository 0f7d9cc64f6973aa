/** A child's own side: what it is without its supervisor, and what a process that it starts is. */

import assert from 'node:assert/strict'
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { LOADER } from '../support/loader.ts'
import { registered, scene } from '../support/scene.ts'

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

/** As a supervisor starts it. */
function child(file: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  return fork(path(file), args, {
    execArgv: [...LOADER],
    env: { ...process.env, MILLRACE_PROCESS: '3', ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

test('whose supervisor died before it began ends, and does not become a supervisor itself', async (t) => {
  await using s = await scene()
  const program = child('../support/tasks.ts', [JSON.stringify({ processes: 2 })], { REDIS_URL: s.redis.url })
  t.after(() => program.kill('SIGKILL'))
  program.disconnect()
  const [code] = await once(program, 'exit')
  assert.equal(code, 0)
  assert.deepEqual(await registered(s.redis), [])
})

test('says what it has to say, and hands its place to no process that it starts', async (t) => {
  const program = child('./support/says.ts', [])
  t.after(() => program.kill('SIGKILL'))
  const messages: unknown[] = []
  program.on('message', (message) => messages.push(message))
  const [code] = await once(program, 'exit')
  // It listens to its supervisor, has nothing to do, and ends: the channel does not keep it alive.
  assert.equal(code, 0)
  assert.deepEqual(messages, [
    { slot: 3, isChild: true },
    { millrace: 'ready' },
    { millrace: 'replace', why: 'for a reason' },
    { slot: null, isChild: false, variable: null },
  ])
})

test('is none without the channel, whatever the environment says', () => {
  const program = spawnSync(process.execPath, [...LOADER, path('./support/says.ts'), 'print'], {
    env: { ...process.env, MILLRACE_PROCESS: '3' },
  })
  assert.deepEqual(JSON.parse(program.stdout.toString()), { slot: null, isChild: false, variable: '3' })
})
