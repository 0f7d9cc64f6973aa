/** `call`, `send`, `result`, `events` and help: real processes, real exit codes. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { until } from '../support/until.ts'
import { startMillrace } from './support/command.ts'
import { stage } from './support/stage.ts'

let s: Awaited<ReturnType<typeof stage>>
before(async () => {
  s = await stage()
})
after(() => s.end())
const scene = () => s.scene()

test('call prints the result, and nothing else on stdout; its exit code says how it went', async () => {
  const { run, data, worker } = scene()
  await using child = worker()
  await child.prints('worker ready')
  assert.deepEqual(await run('call', 'add', '1', '2'), { code: 0, stdout: '3\n', stderr: '' })
  const greeted = (await data('call', 'greet', '"Ann"', '-q', 'cli')) as { id: string }
  assert.deepEqual(greeted, { id: greeted.id, state: 'succeeded', result: 'Hello Ann' })
  assert.deepEqual(await run('result', greeted.id), { code: 0, stdout: 'Hello Ann\n', stderr: '' })

  const failed = await run('call', 'fail', '"this"')
  assert.deepEqual([failed.code, failed.stdout], [1, ''])
  assert.match(failed.stderr, /^millrace: task failed: TypeError: cannot do this\n +at .*tasks\.ts:\d+/)
  const late = await run('call', 'steps', '1', 'true', '--timeout', '200ms')
  assert.deepEqual([late.code, late.stdout], [75, ''])
  assert.match(late.stderr, /200 ms/)

  const typo = await run('call', 'addd', '1')
  assert.equal(typo.code, 2)
  assert.match(typo.stderr, /no running worker knows a task addd: did you mean add\?/)
  const argument = await run('call', 'greet', 'Ann')
  assert.equal(argument.code, 2)
  assert.match(argument.stderr, /argument 1 is not JSON: Ann; a text needs quotes: '"Ann"'/)
})

test('Ctrl-C cancels the task that is called', async () => {
  const { worker, env, queue: open } = scene()
  await using child = worker()
  await child.prints('worker ready')
  await using call = startMillrace(['call', 'steps', '1', 'true'], { env, cwd: s.folder })
  await using queue = open()
  const task = await until('it to run', async () => (await queue.tasks({ state: 'running' }))[0])
  call.signal('SIGINT')
  assert.equal(await call.ended, 130)
  await until('it to be cancelled', async () => (await queue.getTask(task.id))?.state === 'cancelled')
})

test('send prints an id; result waits if it is told to', async () => {
  const { run, data, worker } = scene()
  await using child = worker()
  await child.prints('worker ready')
  const { stdout } = await run('send', 'steps', '2')
  const id = stdout.trim()
  const waited = await run('result', id, '--wait')
  assert.deepEqual(waited, { code: 0, stdout: 'all done\n', stderr: '' })
  const none = await run('result', 'none-such')
  assert.deepEqual([none.code, none.stdout], [1, ''])
  assert.match(none.stderr, /there is no task none-such in queue cli/)
  const later = (await data('send', 'add', '1', '2', '--delay', '1h')) as { id: string }
  const open = await run('result', later.id)
  assert.deepEqual([open.code, open.stdout], [75, `${later.id} is scheduled\n`])
})

test('events tells what workers do, until Ctrl-C', async () => {
  const { worker, env, run } = scene()
  await using child = worker()
  await child.prints('worker ready')
  await using events = startMillrace(['events'], { env, cwd: s.folder })
  await events.prints('listens to the workers of queue cli')
  await until('it to hear something', async () => {
    await run('call', 'add', '1', '2')
    return /succeeded {2}add/.test(events.output)
  })
  events.signal('SIGINT')
  assert.equal(await events.ended, 0)
})

test('a queue that nobody has used is not made up', async () => {
  const { run, queue: open } = scene()
  await using queue = open()
  await queue.remote<() => void>('add')().enqueued
  const typo = await run('queue', 'pause', 'clii')
  assert.deepEqual([typo.code, typo.stdout], [2, ''])
  assert.match(typo.stderr, /has used a queue clii: did you mean cli\?/)
  assert.equal((await run('send', 'add', '1', '-q', 'new')).code, 2)
  assert.equal((await run('send', 'add', '1', '-q', 'new', '--force')).code, 0)
})

describe('help', () => {
  test('is there for every command, with examples, and a mistyped one suggests the near', async () => {
    const { run } = scene()
    const [plain, help, call, typo] = await Promise.all([
      run(),
      run('--help'),
      run('help', 'call'),
      run('clal'),
    ])
    assert.equal(plain!.code, 2)
    assert.equal(help!.code, 0)
    for (const word of ['worker', 'call', 'info', 'failed', 'Exit codes'])
      assert.ok(help!.stdout.includes(word), word)
    assert.match(call!.stdout, /Examples:\n +millrace call fib 100000/)
    assert.equal(typo!.code, 2)
    assert.match(typo!.stderr, /unknown command 'clal'\n\(Did you mean call\?\)/)
  })

  test('completion completes in a real bash', async () => {
    const { run } = scene()
    const { stdout } = await run('completion', 'bash')
    writeFileSync(join(s.folder, 'completion.bash'), stdout)
    const complete = (...words: string[]): string[] => {
      const line = `source completion.bash; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _millrace; printf '%s\\n' "\${COMPREPLY[@]}"`
      return spawnSync('bash', ['-c', line], { cwd: s.folder, encoding: 'utf8' }).stdout.trim().split('\n')
    }
    assert.deepEqual(complete('millrace', 'ca'), ['call'])
    assert.deepEqual(complete('millrace', 'failed', 'r'), ['retry', 'rm'])
    assert.deepEqual(complete('millrace', 'task', 'ls', '--sta'), ['--state'])
    assert.deepEqual(complete('millrace', 'worker', 'x.ts', '--burs'), ['--burst'])
  })

  test('keda prints an object for each lane', async () => {
    const { data, env } = scene()
    const object = (await data('keda', 'My Queue'.replace(' ', '_'), '--max', '5')) as {
      metadata: { name: string }
      spec: { maxReplicaCount: number; triggers: { metadata: { stream: string } }[] }
    }
    assert.equal(object.metadata.name, 'my-queue-worker')
    assert.equal(object.spec.maxReplicaCount, 5)
    assert.equal(
      object.spec.triggers[2]!.metadata.stream,
      `${env.MILLRACE_NAMESPACE}:{My_Queue}:stream:normal`,
    )
  })
})
