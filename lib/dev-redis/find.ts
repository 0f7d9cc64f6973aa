/**
 * Finds a redis-server binary that can be started here, and says which one it took.
 *
 * In order: the path in MILLRACE_REDIS_SERVER; redis-server or valkey-server (>= 7.0) on PATH; a copy
 * unpacked earlier; on Debian and Ubuntu the distribution's own packages, fetched with a private apt state
 * and unpacked into the cache folder (apt.ts). It needs no root, changes nothing outside the cache folder, and
 * never starts a server: that is dev-redis.ts.
 */
import { execFile } from 'node:child_process'
import { accessSync, constants, lstatSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { fetchWithApt } from './apt.ts'

export interface FindRedisServerOptions {
  /** Told what takes time, one line each. Default: nobody is told. */
  onNote?: ((line: string) => void) | undefined
  /** Where PATH, HOME, XDG_CACHE_HOME and MILLRACE_REDIS_SERVER are read. Default: `process.env`. */
  env?: NodeJS.ProcessEnv | undefined
  /** May packages be fetched over the network? Default: true. */
  fetch?: boolean | undefined
}

export interface FoundRedisServer {
  /** Absolute path of the binary. */
  command: string
  /** To be added to the environment that the binary is started with. */
  env: Record<string, string>
  /** For people: `redis-server 7.0.15 on PATH (/usr/bin/redis-server)`. */
  from: string
  version: string
}

/** No usable server, and none could be fetched. The message says what was tried and what to type. Scripts exit 69 on it. */
export class RedisServerMissingError extends Error {
  readonly code = 'ERR_MILLRACE_NO_REDIS_SERVER'
  override readonly name = 'RedisServerMissingError'
}

/** `name` is for people, `key` names the cache folder: a home folder can be shared by machines that differ. */
interface System {
  name: string
  key: string
  families: string[]
}

const run = promisify(execFile)

/** Beside others a good copy took more than 5 s; one that is thought broken is fetched anew and moved away. */
const VERSION_TIMEOUT = 30_000

/** Consumer-group lag, XAUTOCLAIM's third reply and functions came with 7.0. */
const OLDEST = 7

export async function findRedisServer(options: FindRedisServerOptions = {}): Promise<FoundRedisServer> {
  const env = options.env ?? process.env
  const system = readSystem()
  const tried: string[] = []
  const missing = () => new RedisServerMissingError(explain(system, tried))

  const chosen = env.MILLRACE_REDIS_SERVER
  if (chosen) {
    // A choice that does not work is told, not replaced by something else.
    const version = await versionOf(chosen, env)
    if (version) {
      return {
        command: chosen,
        env: {},
        from: `redis-server ${version} from MILLRACE_REDIS_SERVER (${chosen})`,
        version,
      }
    }
    tried.push(`MILLRACE_REDIS_SERVER=${chosen}: it does not answer --version`)
    throw missing()
  }

  for (const name of ['redis-server', 'valkey-server']) {
    for (const command of onPath(name, env)) {
      const version = await versionOf(command, env)
      if (version && Number.parseInt(version, 10) >= OLDEST) {
        return { command, env: {}, from: `${name} ${version} on PATH (${command})`, version }
      }
      tried.push(
        `${command}: ${version ? `${version} is older than ${OLDEST}.0` : 'it does not answer --version'}`,
      )
    }
  }
  if (tried.length === 0) tried.push('redis-server, valkey-server: not on PATH')

  const apt = system.families.includes('debian') && onPath('apt-get', env)[0] && onPath('dpkg', env)[0]
  if (!apt) throw missing()
  const cache = cacheFolder(env)
  if (!cache) {
    tried.push(`no cache folder can be written to, of: ${cacheCandidates(env).join(', ')}`)
    throw missing()
  }
  const home = join(cache, `redis-${system.key}`)
  const copy = await unpackedAt(home, env, system)
  if (copy) return copy

  tried.push(`${home}: no copy there`)
  if (options.fetch === false) {
    tried.push('fetching packages: not allowed here')
    throw missing()
  }
  options.onNote?.(`fetching redis-server from ${system.name}'s packages (once, without root, into ${home})`)
  try {
    const works = async (folder: string) => (await unpackedAt(folder, env, system)) !== undefined
    await fetchWithApt({ cache, home, env, oldest: OLDEST, works })
  } catch (error) {
    tried.push(`fetching ${system.name}'s packages: ${reason(error)}`)
    throw new RedisServerMissingError(explain(system, tried), { cause: error })
  }
  const fetched = await unpackedAt(home, env, system)
  if (fetched) return fetched
  tried.push(`${home}: the copy does not answer --version`)
  throw missing()
}

async function versionOf(command: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const { stdout } = await run(command, ['--version'], { env, timeout: VERSION_TIMEOUT })
    return /\bv=(\d+\.\d+\.\d+)/.exec(stdout)?.[1]
  } catch {
    return undefined
  }
}

function onPath(name: string, env: NodeJS.ProcessEnv): string[] {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => isAbsolute(folder))
  return [...new Set(folders)]
    .map((folder) => join(folder, name))
    .filter((file) => {
      try {
        accessSync(file, constants.X_OK)
        return statSync(file).isFile()
      } catch {
        return false
      }
    })
}

/** A half-made copy is never at `home`: it gets there by one rename. `--version` proves that its libraries load too. */
async function unpackedAt(
  home: string,
  env: NodeJS.ProcessEnv,
  system: System,
): Promise<FoundRedisServer | undefined> {
  const command = join(home, 'usr/bin/redis-server')
  const own = { LD_LIBRARY_PATH: [...libraryFolders(home), env.LD_LIBRARY_PATH].filter(Boolean).join(':') }
  const version = await versionOf(command, { ...env, ...own })
  if (!version) return undefined
  return {
    command,
    env: own,
    from: `redis-server ${version} of ${system.name}'s packages (${command})`,
    version,
  }
}

function libraryFolders(home: string): string[] {
  return ['usr/lib', 'lib'].flatMap((name) => {
    const folder = join(home, name)
    try {
      const triplets = readdirSync(folder).filter((entry) => entry.includes('-linux-'))
      return [...triplets.map((entry) => join(folder, entry)), folder]
    } catch {
      return []
    }
  })
}

function cacheCandidates(env: NodeJS.ProcessEnv): string[] {
  const given = env.XDG_CACHE_HOME
  const base = given && isAbsolute(given) ? given : join(env.HOME || homedir(), '.cache')
  return [join(base, 'millrace'), join(tmpdir(), `millrace-${process.getuid?.() ?? 'user'}`)]
}

/** Binaries are started from here, so the folder must be ours and writable by nobody else (`sudo` keeps HOME, /tmp is everyone's). */
function cacheFolder(env: NodeJS.ProcessEnv): string | undefined {
  return cacheCandidates(env).find((folder) => {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      accessSync(folder, constants.W_OK)
      const stat = lstatSync(folder)
      return stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0
    } catch {
      return false
    }
  })
}

function readSystem(): System {
  const release = ['/etc/os-release', '/usr/lib/os-release'].map(readFileOrNothing).find(Boolean) ?? ''
  const field = (name: string) => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(release)?.[1] ?? ''
  const id = field('ID') || process.platform
  const version = field('VERSION_ID') || field('VERSION_CODENAME') || 'rolling'
  return {
    name: field('NAME').replace(/ GNU\/Linux$/, '') || id,
    key: `${id}-${version}-${process.arch}`,
    families: [id, ...field('ID_LIKE').split(' ')],
  }
}

function readFileOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Fedora and Arch dropped redis for valkey, which serves as well. */
const INSTALL: Record<string, string> = {
  debian: 'apt-get update && apt-get install redis-server',
  fedora: 'dnf install valkey',
  rhel: 'dnf install valkey',
  alpine: 'apk add redis',
  arch: 'pacman -S valkey',
  suse: 'zypper install redis',
}

function explain(system: System, tried: string[]): string {
  const family = system.families.find((name) => INSTALL[name])
  const sudo = process.getuid?.() === 0 ? '' : 'sudo '
  let install = `install redis-server or valkey-server, ${OLDEST}.0 or newer`
  if (family) install = (INSTALL[family] as string).replace(/(^|&& )/g, `$1${sudo}`)
  if (process.platform === 'darwin') install = 'brew install redis'
  if (process.platform === 'win32') install = 'wsl sudo apt-get install redis-server, and run this inside WSL'
  return [
    `No Redis server (${OLDEST}.0 or newer) was found. Tried:`,
    ...tried.map((line) => `  - ${line}`),
    'Install one:',
    `  ${install}`,
    'or use one that runs already, for example:',
    '  docker run --rm -d -p 127.0.0.1:6379:6379 redis:7',
    '  export REDIS_URL=redis://127.0.0.1:6379',
  ].join('\n')
}

/** What apt says is long: its first line that begins with E: tells the cause. */
function reason(error: unknown): string {
  const { message, stderr } = error as Error & { stderr?: string }
  return stderr?.split('\n').find((line) => /^E: /.test(line)) ?? message.split('\n')[0] ?? message
}
