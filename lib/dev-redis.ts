/**
 * A private Redis for development, demos and tests: on loopback, on a free port, in a folder of its own.
 *
 * `REDIS_URL`, when set, is taken as it is and nothing is started. Otherwise a server that
 * dev-redis/find.ts found is started, waited for until it answers, and killed at `stop()`.
 * dev-redis/process.ts sees to it that the server never outlives this process.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findRedisServer } from './dev-redis/find.ts'
import { type ServerProcess, startServer } from './dev-redis/process.ts'

export {
  type FindRedisServerOptions,
  type FoundRedisServer,
  findRedisServer,
  RedisServerMissingError,
} from './dev-redis/find.ts'

export interface DevRedisOptions {
  /** Take `REDIS_URL` as it is when it is set; the other options then do nothing. Default: true. */
  useEnv?: boolean | undefined
  /** TCP port on 127.0.0.1. Default, and meaning of 0: a free one. */
  port?: number | undefined
  /** More arguments for redis-server, such as `['--appendonly', 'yes']`. They win over the defaults here. */
  args?: readonly string[] | undefined
  /** Folder for the server's files and its `redis.log`; it stays. Default: a temporary one, removed at stop. */
  dir?: string | undefined
  /** Told what takes time, one line each. Default: nobody is told. */
  onNote?: ((line: string) => void) | undefined
}

export interface DevRedis extends AsyncDisposable {
  /** With the password in it when `args` has `--requirepass`. */
  readonly url: string
  readonly port: number
  /** Which server this is, for people: `redis-server 7.0.15 on PATH (/usr/bin/redis-server)`. */
  readonly from: string
  /** Of the server itself. Undefined when it is not ours. */
  readonly pid: number | undefined
  /** Kills the server and resolves when it is gone, with its temporary folder. Safe twice. Leaves a `REDIS_URL` alone. */
  stop(): Promise<void>
}

/** The server was found but did not come up. The message ends with the tail of its log. */
export class DevRedisStartError extends Error {
  readonly code = 'ERR_MILLRACE_DEV_REDIS_START'
  override readonly name = 'DevRedisStartError'
}

const OPTIONS = ['useEnv', 'port', 'args', 'dir', 'onNote']

/** These would move the server away from where it is looked for. */
const OUR_ARGUMENTS = ['--port', '--bind', '--dir', '--daemonize']

const START_DEADLINE = 10_000

export async function startDevRedis(options: DevRedisOptions = {}): Promise<DevRedis> {
  check(options)
  const { useEnv = true, args = [], onNote } = options
  if (useEnv && process.env.REDIS_URL) return external(process.env.REDIS_URL)

  const server = await findRedisServer({ onNote })
  const temporary = options.dir === undefined
  const dir = temporary ? mkdtempSync(join(tmpdir(), 'millrace-redis-')) : resolve(options.dir as string)
  if (!temporary) mkdirSync(dir, { recursive: true })
  const remove = () => {
    if (temporary) rmSync(dir, { recursive: true, force: true })
  }
  try {
    for (let attempt = 1; ; attempt++) {
      const port = options.port || (await freePort())
      const started = startServer(server, serverArguments(port, dir, args), dir, temporary)
      const failure = await untilUp(started, port)
      if (!failure) return handle(started, port, server.from, args, remove)
      await started.end()
      // Between finding a port free and binding it, another process can take it.
      if (failure.portTaken && !options.port && attempt < 5) continue
      const what = `${server.from} did not start on 127.0.0.1:${port}: ${failure.why}`
      throw new DevRedisStartError(`${what}\n${started.logTail()}`)
    }
  } catch (error) {
    remove()
    throw error
  }
}

function serverArguments(port: number, dir: string, args: readonly string[]): string[] {
  const network = ['--port', `${port}`, '--bind', '127.0.0.1', '--protected-mode', 'yes']
  const files = ['--daemonize', 'no', '--dir', dir, '--save', '', '--appendonly', 'no']
  return [...network, ...files, '--maxmemory-policy', 'noeviction', ...args]
}

function check(options: DevRedisOptions): void {
  for (const name of Object.keys(options)) {
    if (OPTIONS.includes(name)) continue
    throw new TypeError(`startDevRedis: unknown option "${name}" (known: ${OPTIONS.join(', ')})`)
  }
  const { port = 0, args = [] } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError(`startDevRedis: port must be a whole number from 0 to 65535, not ${port}`)
  }
  const ours = args.find((arg) => OUR_ARGUMENTS.includes(arg))
  if (ours) throw new TypeError(`startDevRedis: args must not hold ${ours} (use the options port and dir)`)
}

function external(url: string): DevRedis {
  // ioredis also takes "host:port" and socket paths, so what URL cannot read is not refused. No password in `from`.
  const parsed = /^rediss?:\/\//.test(url) && URL.canParse(url) ? new URL(url) : undefined
  const from = parsed ? `REDIS_URL (${parsed.host})` : 'REDIS_URL'
  const stop = async () => {}
  return { url, port: Number(parsed?.port) || 6379, from, pid: undefined, stop, [Symbol.asyncDispose]: stop }
}

function handle(
  started: ServerProcess,
  port: number,
  from: string,
  args: readonly string[],
  remove: () => void,
): DevRedis {
  const at = args.lastIndexOf('--requirepass')
  const login = at >= 0 && args[at + 1] ? `:${encodeURIComponent(args[at + 1] as string)}@` : ''
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= started.end().then(remove)
    return stopped
  }
  const url = `redis://${login}127.0.0.1:${port}`
  return { url, port, from, pid: started.pid, stop, [Symbol.asyncDispose]: stop }
}

async function untilUp(
  started: ServerProcess,
  port: number,
): Promise<{ why: string; portTaken: boolean } | undefined> {
  const deadline = Date.now() + START_DEADLINE
  let answer: Answer = 'none'
  while (Date.now() < deadline) {
    const gone = started.gone()
    if (gone) return { why: gone, portTaken: /Address already in use/.test(started.logTail()) }
    answer = await ask(port, started.pid)
    if (answer === 'up') return undefined
    if (answer === 'another') return { why: 'another server answers there', portTaken: true }
    await delay(10)
  }
  const loading = answer === 'loading' ? ' (it still loads its data)' : ''
  return { why: `no answer within ${START_DEADLINE / 1_000} s${loading}`, portTaken: false }
}

type Answer = 'up' | 'loading' | 'another' | 'none'

/** Asks for the process id too: when two take the same port at once, the loser must not adopt the winner's server. */
function ask(port: number, pid: number | undefined): Promise<Answer> {
  return new Promise((done) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\nINFO server\r\n'))
    const settle = (answer: Answer) => {
      socket.destroy()
      done(answer)
    }
    socket.setTimeout(1_000, () => settle('none'))
    socket.on('error', () => settle('none'))
    socket.on('close', () => settle('none'))
    socket.on('data', (chunk) => {
      text += chunk
      const id = /\nprocess_id:(\d+)\r/.exec(text)?.[1]
      if (/^-LOADING/.test(text)) settle('loading')
      else if (id) settle(id === `${pid}` ? 'up' : 'another')
      // -NOAUTH, or a server without INFO: it is up, and cannot be asked who it is.
      else if (/^-[^\n]*\n|\n-/.test(text)) settle('up')
    })
  })
}

/**
 * Not `listen(0)`: that gives a port of the range that outgoing connections use. After a kill, a client
 * that reconnects to such a port can be given the same one as its own, connect to itself, and so keep the
 * restarted server from binding. Below 32768 no system gives one by default.
 */
async function freePort(): Promise<number> {
  for (let attempt = 1; attempt <= 50; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const free = await new Promise<boolean>((done) => {
      const probe = createServer()
      probe.once('error', () => done(false))
      probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)))
    })
    if (free) return port
  }
  throw new DevRedisStartError('no free port between 20000 and 29999')
}
