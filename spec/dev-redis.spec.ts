import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import {
  DevRedisStartError,
  findRedisServer,
  RedisServerMissingError,
  startDevRedis,
} from '../lib/dev-redis.ts'
import { LOADER } from './support/loader.ts'
import { startRedis } from './support/redis.ts'

/** A zombie counts as dead: in some containers nobody reaps orphans. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && !existsSync('/proc')
  }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > deadline) assert.fail(`not within 10 s: ${what}`)
    await delay(10)
  }
}

async function configOf(url: string, name: string): Promise<string> {
  const client = new Redis(url, { retryStrategy: null })
  client.on('error', () => {})
  try {
    const [, value] = (await client.config('GET', name)) as [string, string]
    return value
  } finally {
    client.disconnect()
  }
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-spec-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A process that starts a server, runs `next`, and prints the server's pid. Its temporary files go to `temporary`. */
async function parentOfServer(t: TestContext, next: string) {
  const temporary = temporaryFolder(t)
  const code = `
    import { startDevRedis } from ${JSON.stringify(import.meta.resolve('../lib/dev-redis.ts'))}
    const server = await startDevRedis({ useEnv: false })
    ${next}
    console.log(server.pid)
  `
  const child = spawn(process.execPath, [...LOADER, '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, TMPDIR: temporary },
  })
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const server = Number(`${line}`)
  assert.ok(server > 0)
  const left = () => readdirSync(temporary).filter((entry) => entry.startsWith('millrace-redis-'))
  const nothingRemains = async () => {
    await until('the server is gone', () => !alive(server))
    await until('its folder is gone', () => left().length === 0)
  }
  return { child, server, ended, left, nothingRemains }
}

describe('startDevRedis', () => {
  it('starts on loopback, answers, stops, and leaves nothing', async () => {
    const server = await startDevRedis({ useEnv: false })
    const pid = server.pid as number
    const folder = await configOf(server.url, 'dir')
    assert.equal(await configOf(server.url, 'bind'), '127.0.0.1')
    assert.equal(await configOf(server.url, 'maxmemory-policy'), 'noeviction')
    assert.equal(server.url, `redis://127.0.0.1:${server.port}`)
    assert.match(server.from, /^(redis|valkey)-server \d+\.\d+\.\d+ .*\(\/.*\)$/)
    assert.ok(alive(pid))
    assert.ok(existsSync(folder))
    await server.stop()
    assert.ok(!alive(pid))
    assert.ok(!existsSync(folder))
  })

  it('stops twice, and at the end of an await using', async () => {
    let pid: number
    {
      await using server = await startDevRedis({ useEnv: false })
      pid = server.pid as number
      await Promise.all([server.stop(), server.stop()])
      await server.stop()
    }
    assert.ok(!alive(pid))
  })

  it('gives each of several its own server', async () => {
    const servers = await Promise.all(Array.from({ length: 5 }, () => startDevRedis({ useEnv: false })))
    assert.equal(new Set(servers.map(({ pid }) => pid)).size, 5)
    assert.equal(new Set(servers.map(({ port }) => port)).size, 5)
    await Promise.all(servers.map((server) => server.stop()))
  })

  it('stops a server that was paused or is dead already', async () => {
    const paused = await startDevRedis({ useEnv: false })
    process.kill(paused.pid as number, 'SIGSTOP')
    await paused.stop()
    assert.ok(!alive(paused.pid as number))

    const dead = await startDevRedis({ useEnv: false })
    process.kill(dead.pid as number, 'SIGKILL')
    await until('the server is dead', () => !alive(dead.pid as number))
    await dead.stop()
  })

  it('keeps a folder that it was given, and the data in it', async (t) => {
    const dir = join(temporaryFolder(t), 'made', 'here')
    const args = ['--appendonly', 'yes']
    for (const expected of [1, 2]) {
      await using server = await startDevRedis({ useEnv: false, dir, args })
      const client = new Redis(server.url)
      assert.equal(await client.incr('starts'), expected)
      client.disconnect()
    }
    assert.ok(existsSync(join(dir, 'redis.log')))
  })

  it('knows a server with a password as up, and puts the password into the URL', async () => {
    await using server = await startDevRedis({ useEnv: false, args: ['--requirepass', 'p@ss/word'] })
    assert.equal(await configOf(server.url, 'requirepass'), 'p@ss/word')
    await assert.rejects(configOf(`redis://127.0.0.1:${server.port}`, 'dir'), /NOAUTH/)
    assert.doesNotMatch(server.from, /p@ss/)
  })

  it('takes REDIS_URL as it is and leaves that server alone', async (t) => {
    const before = process.env.REDIS_URL
    t.after(() => {
      if (before === undefined) delete process.env.REDIS_URL
      else process.env.REDIS_URL = before
    })
    await using running = await startDevRedis({ useEnv: false })
    process.env.REDIS_URL = `redis://user:secret@127.0.0.1:${running.port}/3`
    const taken = await startDevRedis({ port: 1 })
    assert.equal(taken.url, process.env.REDIS_URL)
    assert.equal(taken.port, running.port)
    assert.equal(taken.pid, undefined)
    assert.equal(taken.from, `REDIS_URL (127.0.0.1:${running.port})`)
    await taken.stop()
    await taken.stop()
    assert.ok(alive(running.pid as number))
  })

  it('refuses what it does not know', async () => {
    const unknown = { prot: 6379 } as object
    await assert.rejects(startDevRedis(unknown), {
      name: 'TypeError',
      message: /unknown option "prot".*port/,
    })
    await assert.rejects(startDevRedis({ port: 70_000 }), TypeError)
    await assert.rejects(startDevRedis({ args: ['--port', '1'] }), TypeError)
  })

  it('tells what the server complained about when it does not start', async () => {
    const wrong = startDevRedis({ useEnv: false, args: ['--no-such-setting', '1'] })
    await assert.rejects(wrong, (error: Error) => {
      assert.ok(error instanceof DevRedisStartError)
      assert.match(
        error.message,
        /did not start on 127\.0\.0\.1:\d+: it ended with code 1\n[\s\S]*no-such-setting/,
      )
      return true
    })
    await using first = await startDevRedis({ useEnv: false })
    const second = startDevRedis({ useEnv: false, port: first.port })
    await assert.rejects(second, { code: 'ERR_MILLRACE_DEV_REDIS_START', message: /did not start/ })
    assert.ok(alive(first.pid as number))
  })
})

describe('a server whose parent ends', () => {
  const STAY = 'setInterval(() => {}, 1_000)'

  it('goes with a parent that was killed with SIGKILL', async (t) => {
    const { child, server, ended, left, nothingRemains } = await parentOfServer(t, STAY)
    assert.ok(alive(server))
    assert.equal(left().length, 1)
    child.kill('SIGKILL')
    await ended
    await nothingRemains()
  })

  it('goes with a parent that was ended by SIGTERM, even when it is paused', async (t) => {
    const { child, server, ended, nothingRemains } = await parentOfServer(t, STAY)
    process.kill(server, 'SIGSTOP')
    child.kill('SIGTERM')
    await ended
    await nothingRemains()
  })

  it('does not keep a parent alive that forgot to stop it', async (t) => {
    const { ended, nothingRemains } = await parentOfServer(t, '')
    assert.deepEqual(await ended, [0, null])
    await nothingRemains()
  })

  it('goes with a parent that exits or throws', async (t) => {
    const exits = await parentOfServer(t, 'setImmediate(() => process.exit(3))')
    assert.deepEqual(await exits.ended, [3, null])
    await exits.nothingRemains()

    const throws = await parentOfServer(t, 'setImmediate(() => { throw new Error("on purpose") })')
    assert.deepEqual(await throws.ended, [1, null])
    await throws.nothingRemains()
  })

  it('does not get the ctrl-C of the parent: it leads a process group of its own', async () => {
    await using server = await startDevRedis({ useEnv: false })
    assert.ok(process.kill(-(server.pid as number), 0))
  })
})

describe('findRedisServer', () => {
  /** A PATH with one fake program, and a cache folder with nothing in it. */
  function environment(
    t: TestContext,
    name: string,
    says: string,
  ): { env: NodeJS.ProcessEnv; command: string } {
    const folder = temporaryFolder(t)
    const command = join(folder, 'bin', name)
    mkdirSync(join(folder, 'bin'))
    writeFileSync(command, `#!/bin/sh\necho '${says}'\n`)
    chmodSync(command, 0o755)
    const cache = join(folder, 'cache')
    const env = {
      PATH: [join(folder, 'bin'), '/usr/bin', '/bin'].join(delimiter),
      XDG_CACHE_HOME: cache,
      HOME: folder,
    }
    return { env, command }
  }

  it('skips a server that is too old and tells so', async (t) => {
    const { env, command } = environment(t, 'redis-server', 'Redis server v=6.0.0 sha=0 malloc=libc bits=64')
    const path = join(command, '..')
    const finding = findRedisServer({ env: { ...env, PATH: path }, fetch: false })
    await assert.rejects(finding, (error: Error) => {
      assert.ok(error instanceof RedisServerMissingError)
      assert.equal(error.code, 'ERR_MILLRACE_NO_REDIS_SERVER')
      assert.ok(error.message.includes(`${command}: 6.0.0 is older than 7.0`), error.message)
      assert.match(error.message, /Install one:\n {2}\S.*\n[\s\S]*REDIS_URL=/)
      return true
    })
  })

  it('takes valkey-server', async (t) => {
    const { env, command } = environment(
      t,
      'valkey-server',
      'Valkey server v=8.1.1 sha=0 malloc=libc bits=64',
    )
    const found = await findRedisServer({ env: { ...env, PATH: join(command, '..') }, fetch: false })
    const from = `valkey-server 8.1.1 on PATH (${command})`
    assert.deepEqual(found, { command, env: {}, from, version: '8.1.1' })
  })

  it('waits for one that is slow to answer', async (t) => {
    const { env, command } = environment(t, 'slow', "'; sleep 6; echo 'Redis server v=9.9.9")
    const found = await findRedisServer({ env: { ...env, MILLRACE_REDIS_SERVER: command }, fetch: false })
    assert.equal(found.version, '9.9.9')
  })

  it('takes the one that is named, and does not replace it when it does not work', async (t) => {
    const { env, command } = environment(t, 'mine', 'Redis server v=9.9.9')
    const found = await findRedisServer({ env: { ...env, MILLRACE_REDIS_SERVER: command }, fetch: false })
    assert.equal(found.command, command)
    const wrong = { ...env, MILLRACE_REDIS_SERVER: `${command}-not` }
    await assert.rejects(findRedisServer({ env: wrong }), {
      message: /mine-not: it does not answer --version/,
    })
  })

  it('never takes a copy that does not run', async (t) => {
    const { env } = environment(t, 'nothing', '')
    const missing = (await findRedisServer({ env, fetch: false }).catch((error: Error) => error)) as Error
    const home = /(\/.*\/millrace\/redis-.*): no copy there/.exec(missing.message)?.[1]
    if (!home) return t.skip('a copy is only unpacked on Debian and Ubuntu, without a server on PATH')
    mkdirSync(join(home, 'usr/bin'), { recursive: true })
    writeFileSync(join(home, 'usr/bin/redis-server'), 'half', { mode: 0o755 })
    await assert.rejects(findRedisServer({ env, fetch: false }), RedisServerMissingError)
  })
})

describe('startRedis of the specs', () => {
  it('pauses and resumes', async () => {
    await using redis = await startRedis()
    await redis.client.set('a', '1')
    redis.pause()
    const answer = redis.client.get('a')
    const first = await Promise.race([answer, delay(100, 'silence')])
    assert.equal(first, 'silence')
    redis.resume()
    assert.equal(await answer, '1')
  })

  it('restarts on the same port with its data, and with a new pid', async () => {
    await using redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    await redis.client.set('a', '1')
    const { pid, port, url } = redis
    await redis.kill()
    assert.ok(!alive(pid))
    assert.throws(() => redis.pause(), /not restarted/)
    await redis.restart()
    assert.notEqual(redis.pid, pid)
    assert.deepEqual([redis.port, redis.url], [port, url])
    assert.equal(await redis.client.get('a'), '1')
  })

  it('leaves nothing, stopped twice or while paused', async () => {
    const redis = await startRedis()
    const folder = await configOf(redis.url, 'dir')
    redis.pause()
    await Promise.all([redis.stop(), redis.stop()])
    assert.ok(!alive(redis.pid))
    assert.ok(!existsSync(folder))
  })
})
