/**
 * A Redis of one spec's own, with the failures in the spec's hand: pause, kill, restart on the same port.
 *
 * It never is the one behind REDIS_URL: specs stop it and flush it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type DevRedis, startDevRedis } from '../../lib/dev-redis.ts'
import { fill, fillableServer, free } from './full-disk.ts'

export interface TestRedis extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Of the server that runs now; `restart()` changes it. */
  readonly pid: number
  /** Its folder, with what it has written. */
  readonly dir: string
  /** For looking at the keyspace. Connects at its first command, and again after a restart. */
  readonly client: Redis
  /** SIGSTOP: sockets stay open and nothing answers. */
  pause(): void
  resume(): void
  /** SIGKILL; resolves when the process is gone. Its folder stays, for `restart()`. */
  kill(): Promise<void>
  /** Same port, same folder: with `--appendonly yes` the data is there again. Kills first what still runs. */
  restart(): Promise<void>
  /** From now on its append-only file can grow by `room` bytes and no more. Needs `fillable`. */
  fillDisk(room: number): Promise<void>
  freeDisk(): Promise<void>
  /** Ends the client and the server and removes the folder. Safe twice, safe while paused or killed. */
  stop(): Promise<void>
}

export interface TestRedisOptions {
  /** More arguments for redis-server, such as `['--appendonly', 'yes']`. */
  args?: readonly string[]
  /** Its disk can be made full (full-disk.ts): with `--appendonly yes`. */
  fillable?: boolean
}

export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const { args = [] } = options
  const dir = mkdtempSync(join(tmpdir(), 'millrace-spec-'))
  const onNote = (line: string) => process.stderr.write(`${line}\n`)
  const start = async (port: number): Promise<DevRedis> => {
    const chosen = process.env.MILLRACE_REDIS_SERVER
    if (options.fillable) process.env.MILLRACE_REDIS_SERVER = await fillableServer(dir)
    try {
      return await startDevRedis({ useEnv: false, dir, args, port, onNote })
    } finally {
      if (chosen === undefined) delete process.env.MILLRACE_REDIS_SERVER
      else process.env.MILLRACE_REDIS_SERVER = chosen
    }
  }

  let server: DevRedis
  try {
    server = await start(0)
  } catch (error) {
    rmSync(dir, { recursive: true, force: true })
    throw error
  }
  const { url, port } = server
  let down = false
  const signal = (name: NodeJS.Signals) => {
    // The pid of a dead server can belong to anybody.
    if (down) throw new Error(`${name}: the server was killed and not restarted`)
    process.kill(server.pid as number, name)
  }
  const kill = async () => {
    down = true
    await server.stop()
  }

  let client: Redis | undefined
  const connect = () => {
    const fresh = new Redis(url, {
      lazyConnect: true,
      connectionName: 'spec',
      // A spec waits for its restarted server; the default delay grows to two seconds.
      retryStrategy: () => 50,
      maxRetriesPerRequest: null,
    })
    // Without a listener ioredis prints each lost connection, which specs cause on purpose.
    fresh.on('error', () => {})
    return fresh
  }

  let stopped: Promise<void> | undefined
  const end = async () => {
    client?.disconnect()
    await kill()
    rmSync(dir, { recursive: true, force: true })
  }
  const stop = () => {
    stopped ??= end()
    return stopped
  }
  return {
    url,
    port,
    get pid() {
      return server.pid as number
    },
    dir,
    get client() {
      client ??= connect()
      return client
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    kill,
    async restart() {
      await kill()
      server = await start(port)
      down = false
    },
    fillDisk: (room) => fill(server.pid as number, dir, room),
    freeDisk: () => free(server.pid as number),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
