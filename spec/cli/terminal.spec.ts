/** What people see: bars, colours and questions, in a real pseudo-terminal. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Queue } from '../../lib/index.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { inTerminal, startMillrace, TASKS } from './support/command.ts'

const ESCAPE = '\u{1b}['

let redis: TestRedis
before(async () => {
  redis = await startRedis()
})
after(() => redis.stop())

let n = 0
function scene() {
  n += 1
  const env = { REDIS_URL: redis.url, MILLRACE_NAMESPACE: `terminal-${n}` }
  return {
    env,
    worker: () => startMillrace(['worker', TASKS], { env }),
    queue: () => new Queue('cli', { redis: redis.url, namespace: env.MILLRACE_NAMESPACE }),
  }
}

test('a call shows a bar while the task reports its progress, and then the result alone', async () => {
  const { env, worker } = scene()
  await using child = worker()
  await child.prints('worker ready')
  await using call = inTerminal(['call', 'steps', '20', '-q', 'cli'], env)
  await call.prints(/█+░+ +\d+ %/)
  assert.equal(await call.ended, 0)
  assert.ok(call.output.includes(`\r${ESCAPE}K`), 'the line is drawn anew')
  assert.match(call.output, /all done\r?\n$/)
})

test('Ctrl-C in the terminal cancels the task', async () => {
  const { env, worker, queue: open } = scene()
  await using child = worker()
  await child.prints('worker ready')
  await using queue = open()
  await using call = inTerminal(['call', 'steps', '2', 'true', '-q', 'cli'], env)
  await call.prints('100 %')
  const task = await until('it to run', async () => (await queue.tasks({ state: 'running' }))[0])
  call.signal('SIGINT')
  assert.equal(await call.ended, 130)
  await until('it to be cancelled', async () => (await queue.getTask(task.id))?.state === 'cancelled')
})

test('info has colours, and none with NO_COLOR; with --watch it is drawn again until Ctrl-C', async () => {
  const { env, worker } = scene()
  await using child = worker()
  await child.prints('worker ready')
  await using coloured = inTerminal(['info', '-q', 'cli'], env)
  assert.equal(await coloured.ended, 0)
  assert.ok(coloured.output.includes(`${ESCAPE}1mcli`))
  await using plain = inTerminal(['info', '-q', 'cli'], { ...env, NO_COLOR: '1' })
  assert.equal(await plain.ended, 0)
  assert.ok(!plain.output.includes(ESCAPE) && plain.output.includes('cli'))
  await using watch = inTerminal(['info', '-q', 'cli', '--watch', '--every', '50ms'], env)
  await watch.prints(/(\[J[\s\S]*){3}/)
  watch.signal('SIGINT')
  assert.equal(await watch.ended, 0)
  assert.ok(watch.output.includes(`${ESCAPE}?25h`), 'the cursor is back')
})

test('what cannot be undone is asked first, with a count', async () => {
  const { env, queue: open } = scene()
  await using queue = open()
  const add = queue.remote<(a: number) => number>('add')
  await Promise.all([add(1).enqueued, add(2).enqueued])
  await using no = inTerminal(['queue', 'clear', 'cli', 'queued'], env)
  await no.prints('Remove 2 queued tasks of cli? [y/N]')
  no.send('n\r')
  assert.equal(await no.ended, 1)
  assert.match(no.output, /nothing was changed/)
  await using yes = inTerminal(['queue', 'clear', 'cli', 'queued'], env)
  await yes.prints('[y/N]')
  yes.send('y\r')
  assert.equal(await yes.ended, 0)
  assert.match(yes.output, /cli: 2 removed/)
  assert.equal((await queue.counts()).queued, 0)
})

test('a worker writes lines for people', async () => {
  const { env } = scene()
  await using child = inTerminal(['worker', TASKS], env)
  await child.prints(/INFO .*worker ready/)
  assert.ok(child.output.includes(ESCAPE))
  child.signal('SIGINT')
  assert.equal(await child.ended, 0)
})
