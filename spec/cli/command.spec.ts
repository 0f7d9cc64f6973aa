/** The command as people and programs run it: real processes, real exit codes. */

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Queue } from '../../lib/index.ts'
import type { Child } from '../support/processes.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { type Ended, millrace, startMillrace, TASKS } from './support/command.ts'

let redis: TestRedis
let folder: string
before(async () => {
  redis = await startRedis()
  folder = mkdtempSync(join(tmpdir(), 'millrace-command-'))
})
after(async () => {
  await redis.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Queues of its own, although the Redis is shared. */
function scene() {
  n += 1
  const env = { REDIS_URL: redis.url, MILLRACE_NAMESPACE: `test-${n}`, NO_COLOR: '1' }
  const run = (...args: string[]): Promise<Ended> => millrace(args, { env, cwd: folder })
  return {
    env,
    run,
    /** Of its one line of JSON. */
    data: async (...args: string[]): Promise<unknown> => {
      const { stdout, stderr } = await run(...args, '--json')
      assert.match(stdout, /^[^\n]+\n$/, `one line of JSON: ${stdout}${stderr}`)
      return JSON.parse(stdout)
    },
    worker: (...args: string[]): Child => startMillrace(['worker', TASKS, ...args], { env, cwd: folder }),
    queue: (): Queue => new Queue('cli', { redis: redis.url, namespace: env.MILLRACE_NAMESPACE }),
  }
}
let n = 0

describe('with a worker', () => {
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
    const s = scene()
    const { worker, env } = s
    await using child = worker()
    await child.prints('worker ready')
    await using call = startMillrace(['call', 'steps', '1', 'true'], { env, cwd: folder })
    await using queue = s.queue()
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
})

test('worker stacks shows where a blocked handler is, in the form of a stack', async () => {
  const { data, run, env } = scene()
  // The question is heard with a beat.
  writeFileSync(
    join(folder, 'stacks.config.mjs'),
    `export default { modules: ${JSON.stringify(TASKS)}, queues: { cli: { lease: 1500 } } }`,
  )
  await using child = startMillrace(['worker', '--config', 'stacks.config.mjs'], { env, cwd: folder })
  await child.prints('worker ready')
  assert.match((await run('worker', 'stacks')).stdout, /its event loop is free/)
  const { id } = (await data('send', 'block', '12000')) as { id: string }
  const { stdout } = await run('worker', 'stacks', '-q', 'cli')
  assert.match(
    stdout,
    new RegExp(`blocked for .*\\n {2}block {2}${id} {2}for .*[\\s\\S]*\\n {4}at .*tasks\\.ts:\\d+`),
  )
  assert.match((await run('worker', 'stacks', 'none-such')).stderr, /there is no worker none-such/)
})

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

  test('in a burst ends when its queues are empty', async () => {
    const s = scene()
    const { worker } = s
    await using queue = s.queue()
    const send = queue.remote<(a: number, b: number) => number>('add')
    const handles = [1, 2, 3].map((n) => send(n, n))
    await Promise.all(handles.map(({ enqueued }) => enqueued))
    await using child = worker('--burst')
    assert.equal(await child.ended, 0)
    assert.deepEqual(await Promise.all(handles.map((handle) => handle.get())), [2, 4, 6])
  })

  test('ends after so many tasks, alone; its log goes to a file', async () => {
    const { run, worker } = scene()
    await using child = worker('--max-tasks', '2', '--log-file', 'worker.log', '--log-format', 'pretty')
    await until('its log', () => existsSync(join(folder, 'worker.log')))
    await run('call', 'add', '1', '2')
    await run('call', 'add', '1', '2')
    assert.equal(await child.ended, 0)
    assert.match(readFileSync(join(folder, 'worker.log'), 'utf8'), /INFO {2}stops: it has run 2 tasks/)
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
    child.signal('SIGTERM')
    assert.equal(await child.ended, 0)
  })

  test('in several processes: each runs tasks, and all drain', async () => {
    const s = scene()
    const { worker } = s
    await using child = worker('--processes', '2')
    await child.prints(/worker ready[\s\S]*worker ready/)
    await using queue = s.queue()
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
      join(folder, 'millrace.config.mjs'),
      `export default { modules: ${JSON.stringify(TASKS)}, queues: { cli: 3 }, name: 'configured', log: { level: 'warn' } }`,
    )
    try {
      await using child = startMillrace(['worker', '--log-level', 'info'], { env, cwd: folder })
      await child.prints(/"worker":"configured-/)
      const [seen] = (await data('worker', 'ls')) as { concurrency: number }[]
      assert.equal(seen!.concurrency, 3)
      const { stdout } = await run('config')
      assert.match(stdout, /\nname +configured +\/.*millrace\.config\.mjs\n/)
      assert.match(stdout, /\nredis +redis:\/\/127\.0\.0\.1:\d+\/? +REDIS_URL\n/)
    } finally {
      rmSync(join(folder, 'millrace.config.mjs'))
    }
  })

  test('says what is wrong with what it was given', async () => {
    const { run } = scene()
    const said = async (expected: RegExp, ...args: string[]): Promise<void> => {
      const { code, stderr, stdout } = await run('worker', ...args)
      assert.deepEqual([code, stdout], [2, ''], stderr)
      assert.match(stderr, expected)
    }
    writeFileSync(join(folder, 'broken.mjs'), '\nthrow new Error("no way")\n')
    writeFileSync(join(folder, 'empty.mjs'), '')
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

test('events tells what workers do, until Ctrl-C', async () => {
  const { worker, env, run } = scene()
  await using child = worker()
  await child.prints('worker ready')
  await using events = startMillrace(['events'], { env, cwd: folder })
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
    writeFileSync(join(folder, 'completion.bash'), stdout)
    const { spawnSync } = await import('node:child_process')
    const complete = (...words: string[]): string[] => {
      const line = `source completion.bash; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _millrace; printf '%s\\n' "\${COMPREPLY[@]}"`
      return spawnSync('bash', ['-c', line], { cwd: folder, encoding: 'utf8' }).stdout.trim().split('\n')
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
