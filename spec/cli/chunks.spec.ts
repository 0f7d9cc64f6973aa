/** `call` of a task that yields: its chunks as they come, its result, and how it is left. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { LOADER } from '../support/loader.ts'
import { until } from '../support/until.ts'
import { BIN, startMillrace } from './support/command.ts'
import { stage } from './support/stage.ts'

let s: Awaited<ReturnType<typeof stage>>
before(async () => {
  s = await stage()
})
after(() => s.end())
const scene = () => s.scene()

test('prints a line for each chunk, then the result if there is one', async () => {
  const { run, worker } = scene()
  await using child = worker()
  await child.prints('worker ready')
  assert.deepEqual(await run('call', 'count', '3'), { code: 0, stdout: '1\n2\n3\n', stderr: '' })
  const { stdout } = await run('call', 'mixed')
  assert.match(stdout, /^two\nlines\n\{ big: 1180591620717411303424n, list: \[ 0, 1, .* 39 \] \}\nthe end\n$/)
  const json = await run('call', 'mixed', '--json')
  const [one, two, end, ...more] = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const { id } = end
  assert.deepEqual([one, two.id, two.chunk.big], [{ id, chunk: 'two\nlines' }, id, '1180591620717411303424'])
  assert.deepEqual([end, more], [{ id, state: 'succeeded', result: 'the end' }, []])
})

test('prints them as they come; Ctrl-C cancels it', async () => {
  const { worker, env, queue: open } = scene()
  await using child = worker()
  await child.prints('worker ready')
  await using call = startMillrace(['call', 'count', '1000000', '20'], { env, cwd: s.folder })
  await until('some to be printed', () => call.output.startsWith('1\n2\n3\n'))
  await using queue = open()
  const [task] = await queue.tasks({ state: 'running' })
  assert.equal(task?.name, 'count')
  call.signal('SIGINT')
  assert.equal(await call.ended, 130)
  await until('it to be cancelled', async () => (await queue.getTask(task!.id))?.state === 'cancelled')
})

test('goes on with the next attempt and says so; what a failed one has yielded comes before its error', async () => {
  const { worker, env, run } = scene()
  await using child = worker()
  await child.prints('worker ready')
  await using call = startMillrace(['call', 'flaky'], { env, cwd: s.folder })
  await call.prints('attempt 1\n')
  await run('send', 'go')
  assert.equal(await call.ended, 1)
  // Two pipes: which of their lines comes first is not told.
  const lines = call.output.split('\n')
  assert.deepEqual(
    lines.filter((line) => line.startsWith('attempt')),
    ['attempt 1', 'attempt 2'],
  )
  for (const told of ['its chunks begin anew with attempt 2', 'task failed: Error: the disk is full'])
    assert.ok(lines.includes(`millrace: ${told}`), call.output)
})

test('takes no chunks from whoever called the task that it joins, and leaves when its time is over', async () => {
  const { worker, env, run } = scene()
  await using child = worker()
  await child.prints('worker ready')
  const words = ['call', 'count', '1000000', '20', '--key', 'k']
  await using first = startMillrace(words, { env, cwd: s.folder })
  await first.prints('1\n')
  const second = await run(...words, '--timeout', '300ms')
  assert.deepEqual([second.code, second.stdout], [75, ''])
  const last = Number(first.output.trim().split('\n').at(-1))
  await until('the first to go on', () => first.output.includes(`\n${last + 5}\n`))
  assert.doesNotMatch(first.output, /[^\d\n]/)
  const alone = await run('call', 'count', '1000000', '20', '--timeout', '1s')
  assert.equal(alone.code, 75)
})

test('is cancelled when who reads what is printed has enough', async () => {
  const { worker, env, queue: open } = scene()
  await using child = worker()
  await child.prints('worker ready')
  const command = `${[process.execPath, ...LOADER, BIN].map((word) => `'${word}'`).join(' ')} call count 1000000 5`
  const { stdout } = spawnSync('bash', ['-c', `${command} | head -n 2; echo "\${PIPESTATUS[0]}"`], {
    ...{ cwd: s.folder, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '', ...env } },
  })
  assert.equal(stdout, '1\n2\n141\n')
  await using queue = open()
  await until('it to be cancelled', async () => (await queue.counts()).ended.cancelled === 1)
})
