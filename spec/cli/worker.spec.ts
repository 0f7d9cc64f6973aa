/** `millrace worker`: as people run it, in one process and in several. */

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { millrace, startMillrace, TASKS } from './support/command.ts'
import { stage } from './support/stage.ts'

let s: Awaited<ReturnType<typeof stage>>
before(async () => {
  s = await stage()
})
after(() => s.end())
const scene = () => s.scene()

describe('a worker', () => {
  test('drains when it is told to end, and writes JSON lines where nobody watches', async () => {
    const { data, worker } = scene()
    await using child = worker('--log-level', 'debug')
    await child.prints('worker ready')
    const { id } = (await data('send', 'steps', '10')) as { id: string }
    await child.prints(new RegExp(`"msg":"task started".*"id":"${id}"`))
    child.signal('SIGTERM')
    assert.equal(await child.ended, 0)
    const lines = child.output.trim().split('\n')
    const ended = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'task succeeded')
    assert.deepEqual(
      { ...ended, time: '', ms: 0, pid: 0 },
      {
        time: '',
        level: 'info',
        msg: 'task succeeded',
        pid: 0,
        queue: 'cli',
        task: 'steps',
        id,
        attempt: 1,
        ms: 0,
      },
    )
  })

  test('ends after so many tasks, alone; its log goes to a file', async () => {
    const { run, worker } = scene()
    await using child = worker('--max-tasks', '2', '--log-file', 'worker.log', '--log-format', 'pretty')
    await until('its log', () => existsSync(join(s.folder, 'worker.log')))
    await run('call', 'add', '1', '2')
    await run('call', 'add', '1', '2')
    assert.equal(await child.ended, 0)
    assert.match(readFileSync(join(s.folder, 'worker.log'), 'utf8'), /INFO {2}stops: it has run 2 tasks/)
  })

  test('answers /healthz and /readyz', async () => {
    const { worker } = scene()
    await using child = worker('--health-port', '0')
    const [, address] = await child.prints(/"health":"([^"]+)"/)
    await child.prints('worker ready')
    const live = await fetch(`http://${address}/healthz`)
    assert.deepEqual([live.status, await live.json()], [200, { ok: true }])
    const ready = await until('it to be ready', async () => {
      const answer = await fetch(`http://${address}/readyz`)
      return answer.status === 200 && ((await answer.json()) as { workers: { state: string }[] })
    })
    assert.equal(ready.workers[0]!.state, 'running')
    assert.equal((await fetch(`http://${address}/other`)).status, 404)
    assert.equal((await fetch(`http://${address}/healthz`, { method: 'POST' })).status, 405)
  })

  test('in several processes: one that has run so many tasks is replaced, and readiness counts them', async () => {
    const { worker, queue: open } = scene()
    await using child = worker('--processes', '2', '--max-tasks', '3', '--health-port', '0')
    const [, address] = await child.prints(/"health":"([^"]+)"/)
    await until('both to be ready', async () => {
      const answer = await fetch(`http://${address}/readyz`)
      return answer.status === 200 && ((await answer.json()) as { ready: number }).ready === 2
    })
    await using queue = open()
    const where = queue.remote<() => number>('where')
    const pids = new Set<number>()
    await until('a third process to run something', async () => {
      pids.add(await where().get())
      return pids.size === 3
    })
    await child.prints(/asks to be replaced: it has run 3 tasks/)
    const took =
      /worker process \d \(pid \d+\) has taken the place of pid \d+",.*"why":"it has run 3 tasks","ms":\d+/
    await child.prints(took)
    child.signal('SIGTERM')
    assert.equal(await child.ended, 0)
  })

  test('in several processes: each runs tasks, and all drain', async () => {
    const { worker, queue: open } = scene()
    await using child = worker('--processes', '2')
    await child.prints(/worker ready[\s\S]*worker ready/)
    await using queue = open()
    const where = queue.remote<() => number>('where')
    const pids = new Set<number>()
    await until('both to run something', async () => {
      for (const pid of await Promise.all([where().get(), where().get()])) pids.add(pid)
      return pids.size === 2
    })
    assert.ok(!pids.has(child.pid))
    child.signal('SIGTERM')
    assert.equal(await child.ended, 0)
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), /ESRCH/)
  })

  test('in several processes: kill -9 of the supervisor loses nothing and leaves nobody behind', async () => {
    const { worker, queue: open, data } = scene()
    await using child = worker('--processes', '2')
    await child.prints(/worker ready[\s\S]*worker ready/)
    await using queue = open()
    const seen = (await data('worker', 'ls')) as { pid: number }[]
    const steps = queue.remote<(total: number) => string>('steps')
    const waits = [steps(20), steps(20), steps(20)].map((handle) => handle.get({ timeout: 60_000 }))
    await until('all to run', async () => (await queue.counts()).running === 3)
    child.signal('SIGKILL')
    await child.ended
    // What had not begun was given back, for whoever comes next.
    await using next = worker()
    await next.prints(/worker ready/)
    assert.deepEqual(await Promise.all(waits), ['all done', 'all done', 'all done'])
    await until('the children to end', () =>
      seen.every(({ pid }) => {
        try {
          process.kill(pid, 0)
          return false
        } catch {
          return true
        }
      }),
    )
    assert.deepEqual(
      (await queue.workers()).map(({ pid }) => pid),
      [next.pid],
    )
  })

  test('goes by its configuration file, and says what it would do', async () => {
    const { run, data, env } = scene()
    writeFileSync(
      join(s.folder, 'millrace.config.mjs'),
      `export default { modules: ${JSON.stringify(TASKS)}, queues: { cli: 3 }, name: 'configured', log: { level: 'warn' } }`,
    )
    try {
      await using child = startMillrace(['worker', '--log-level', 'info'], { env, cwd: s.folder })
      await child.prints(/"worker":"configured-/)
      const [seen] = (await data('worker', 'ls')) as { concurrency: number }[]
      assert.equal(seen!.concurrency, 3)
      const { stdout } = await run('config')
      assert.match(stdout, /\nname +configured +\/.*millrace\.config\.mjs\n/)
      assert.match(stdout, /\nredis +redis:\/\/127\.0\.0\.1:\d+\/? +REDIS_URL\n/)
    } finally {
      rmSync(join(s.folder, 'millrace.config.mjs'))
    }
  })

  test('reads TypeScript by the tsx that is there, and says what to do where none is', async () => {
    const { run, data, env } = scene()
    const folder = join(s.folder, 'typescript')
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    const lib = JSON.stringify(import.meta.resolve('../../lib/index.ts'))
    writeFileSync(
      join(folder, 'tasks.ts'),
      `import { Queue } from ${lib}\nnew Queue('typed').task('twice', (n: number): number => 2 * n)\n`,
    )
    if (process.env.MILLRACE_MIRROR && !(process.features as { typescript?: unknown }).typescript) {
      const { code, stderr } = await run('worker', 'typescript/tasks.ts')
      assert.deepEqual([code, /Install tsx \(npm install --save-dev tsx\)/.test(stderr)], [2, true], stderr)
    }
    symlinkSync(join(import.meta.dirname, '../../node_modules'), join(folder, 'node_modules'))
    await using child = startMillrace(['worker', 'tasks.ts'], { env, cwd: folder })
    await child.prints('worker ready')
    const { result } = (await data('call', 'twice', '21', '-q', 'typed')) as { result: number }
    assert.equal(result, 42)
  })

  test('says what is wrong with what it was given', async () => {
    const { run } = scene()
    const said = async (expected: RegExp, ...args: string[]): Promise<void> => {
      const { code, stderr, stdout } = await run('worker', ...args)
      assert.deepEqual([code, stdout], [2, ''], stderr)
      assert.match(stderr, expected)
    }
    writeFileSync(join(s.folder, 'broken.mjs'), '\nthrow new Error("no way")\n')
    writeFileSync(join(s.folder, 'empty.mjs'), '')
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await Promise.all([
      said(/no task modules: name them/),
      said(/no task module none\.ts in/, 'none.ts'),
      said(/broken\.mjs could not be loaded, line 2: no way/, 'broken.mjs'),
      said(/define no tasks/, 'empty.mjs'),
    ])
    await Promise.all([
      said(/no tasks of queue cil: did you mean cli\?/, TASKS, '--queue', 'cil=2'),
      said(/--processes: expected a whole number/, TASKS, '--processes', 'many'),
      said(
        /--health-port: cannot listen on 127\.0\.0\.1:\d+: it is in use/,
        TASKS,
        '--health-port',
        String(port),
      ),
      said(/unknown option '--nmae'[\s\S]*Did you mean --name\?/, TASKS, '--nmae', 'x'),
    ])
    server.close()
  })
})

describe('without Redis', () => {
  test('a command ends with 69 and says where it looked, but no password', async () => {
    const { code, stdout, stderr } = await millrace(['info'], {
      env: { REDIS_URL: 'redis://u:hush@127.0.0.1:1' },
    })
    assert.deepEqual([code, stdout], [69, ''])
    assert.match(stderr, /cannot reach Redis at 127\.0\.0\.1:1: .*ECONNREFUSED/)
    assert.doesNotMatch(stderr, /hush/)
  })

  test('a worker says so and goes on trying', async () => {
    const own = await startRedis()
    await own.kill()
    await using child = startMillrace(['worker', TASKS], { env: { REDIS_URL: own.url } })
    await child.prints(/ECONNREFUSED 127\.0\.0\.1/)
    await own.restart()
    await child.prints('worker ready')
    child.signal('SIGTERM')
    assert.equal(await child.ended, 0)
    await own.stop()
  })
})
