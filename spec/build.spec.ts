/** The package as users get it: compiled, plain JavaScript, with its heartbeat thread. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { start } from './support/processes.ts'
import { startRedis } from './support/redis.ts'
import { until } from './support/until.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
let folder: string

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-build-'))
  const out = join(folder, 'dist')
  const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts', out], {
    cwd: root,
  })
  assert.equal(status, 0, String(stdout))
  writeFileSync(join(folder, 'package.json'), readFileSync(join(root, 'package.json')))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(
    join(folder, 'user.mjs'),
    `
    import { Queue } from 'millrace'
    const queue = new Queue('built')
    export const block = queue.task('block', (ms) => {
      const end = performance.now() + ms
      while (performance.now() < end);
      return process.pid
    })
    if (process.argv[2] === 'worker') {
      await queue.run({ lease: 600 })
    } else {
      console.log('ran on', await block(2_000).get({ timeout: 30_000 }))
      await queue.close()
    }
    `,
  )
})
after(() => rmSync(folder, { recursive: true, force: true }))

test('the built package works without tsx; its heartbeat outlives a blocked event loop', async () => {
  await using redis = await startRedis()
  const env = { REDIS_URL: redis.url }
  // A package may import itself by name, by way of its exports.
  const script = join(folder, 'user.mjs')
  await using first = start(script, { plain: true, env, args: ['worker'], cwd: folder })
  await using caller = start(script, { plain: true, env, cwd: folder })
  await until('the task to run', async () => {
    // No group before the worker is there.
    const [pending] = await redis.client
      .xpending('millrace:{built}:stream:normal', 'workers')
      .catch(() => [0])
    return pending === 1
  })
  await using second = start(script, { plain: true, env, args: ['worker'], cwd: folder })
  assert.equal(await caller.ended, 0, caller.output)
  assert.equal(caller.output, `ran on ${first.pid}\n`)
  // Before that it does not listen for signals.
  await until('the second to be up', async () => (await redis.client.zcard('millrace:{built}:workers')) === 2)
  for (const worker of [first, second]) {
    worker.signal('SIGTERM')
    assert.equal(await worker.ended, 0, worker.output)
  }
})

test('nothing that belongs to the source alone is in the build, and every type it names is there', () => {
  const files = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' })
  assert.deepEqual(
    files.filter((file) => /\.(mjs|lua)$/.test(file) || (file.endsWith('.ts') && !file.endsWith('.d.ts'))),
    [],
  )
  for (const file of [
    'index.js',
    'index.d.ts',
    'dev-redis.js',
    'testing.js',
    'doctor.js',
    'upkeep/heartbeat-thread.js',
  ]) {
    assert.ok(files.includes(file), file)
  }
  writeFileSync(
    join(folder, 'user.ts'),
    `import { Queue, type TaskHandle } from 'millrace'
     import { startDevRedis } from 'millrace/dev'
     import { diagnose, type Finding, repair } from 'millrace/doctor'
     import { createTestQueue } from 'millrace/testing'
     const double = new Queue('q').task('double', (n: number) => 2 * n)
     export const handle: TaskHandle<number> = double(1)
     // @ts-expect-error a string is no number
     double('1')
     export const tests = createTestQueue('q', { auto: true })
     export const doctor = async (queue: Queue): Promise<[readonly Finding[], number]> =>
       [(await diagnose(queue)).findings, (await repair({ queue: 'q' }, { apply: true })).mended]
     export { startDevRedis }
    `,
  )
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node']
  const lib = ['--lib', 'es2023,esnext.disposable']
  const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), [...options, ...lib, 'user.ts'], {
    cwd: folder,
  })
  assert.equal(status, 0, String(stdout))
})

test('the command is in it: it says its version, and works with plain JavaScript', async () => {
  const { bin, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const command = join(folder, bin.millrace)
  assert.match(readFileSync(command, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  await using says = start(command, { plain: true, args: ['--version'], cwd: folder })
  assert.equal(await says.ended, 0)
  assert.equal(says.output, `${version}\n`)
  await using redis = await startRedis()
  const env = { REDIS_URL: redis.url }
  const tasks = "import { Queue } from 'millrace'\nnew Queue('built').task('twice', (n) => 2 * n)\n"
  writeFileSync(join(folder, 'tasks.mjs'), tasks)
  await using worker = start(command, { plain: true, env, args: ['worker', 'tasks.mjs'], cwd: folder })
  await worker.prints('worker ready')
  await using call = start(command, { plain: true, env, args: ['call', 'twice', '21'], cwd: folder })
  assert.equal(await call.ended, 0)
  assert.equal(call.output, '42\n')
  worker.signal('SIGTERM')
  assert.equal(await worker.ended, 0)
})
