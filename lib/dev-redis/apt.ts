/**
 * Fetches redis-server on Debian and Ubuntu without root: a private apt state, `apt-get download`, `dpkg -x`.
 *
 * The system's own sources, keys and proxy settings are used; its package lists, its package database and
 * its hooks are left alone. Everything happens in a work folder beside `home`, and the result gets to
 * `home` by one rename, so a reader sees a whole copy or none, and of two fetchers one wins.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** 1 s here for 9 MB of lists; a slow line gets two minutes for each step. */
const STEP_TIMEOUT = 120_000

/** A fetch that was killed leaves its work folder: after an hour nobody works in it any more. */
const STALE = 3_600_000

export interface AptFetch {
  /** The cache folder. The work folder is made in it, so that the rename stays on one file system. */
  cache: string
  /** Where the copy goes. */
  home: string
  env: NodeJS.ProcessEnv
  /** Lowest major version worth downloading. */
  oldest: number
  /** Does the copy unpacked in this folder run? */
  works: (folder: string) => Promise<boolean>
}

/** Rejects with an Error whose message is for people. */
export async function fetchWithApt({ cache, home, env, oldest, works }: AptFetch): Promise<void> {
  sweep(cache)
  const work = mkdtempSync(join(cache, '.fetch-'))
  try {
    const folder = (name: string) => {
      mkdirSync(join(work, name), { recursive: true })
      return join(work, name)
    }
    const root = folder('root')
    const debs = folder('debs')
    folder('state/lists/partial')
    folder('cache/archives/partial')
    writeFileSync(join(work, 'apt.conf'), aptConf(work))
    const inDebs = { cwd: debs, env: { ...env, LC_ALL: 'C' }, timeout: STEP_TIMEOUT, maxBuffer: 16 << 20 }
    const apt = (...args: string[]) => run('apt-get', ['-q', '-c', join(work, 'apt.conf'), ...args], inDebs)

    // One broken third-party source fails the whole update. The lists that did arrive decide.
    const updated = await apt('update').catch((error: Error) => error)
    const plan = await apt('-s', '-y', '--no-install-recommends', 'install', 'redis-server').catch(
      (error) => {
        throw updated instanceof Error ? updated : error
      },
    )
    const packages = [...plan.stdout.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+)/gm)].map((match) => ({
      name: match[1] as string,
      version: match[2] as string,
    }))
    const server = packages.find(({ name }) => name === 'redis-server')
    if (!server) throw new Error('apt has no redis-server newer than the installed one')
    const plain = server.version.replace(/^\d+:/, '')
    if (Number.parseInt(plain, 10) < oldest) {
      throw new Error(`they hold redis-server ${plain}, which is older than ${oldest}.0`)
    }

    // On a bare image the list also has adduser, procps and the like, which only the install scripts need.
    // Another libc than the running loader's would crash, so the system's stays.
    const wanted = packages.filter(
      ({ name }) => /^(redis|lib|lua)/.test(name) && !/^libc6\b|^libc-/.test(name),
    )
    await apt('download', ...wanted.map(({ name, version }) => `${name}=${version}`))
    for (const deb of readdirSync(debs)) await run('dpkg', ['-x', join(debs, deb), root], inDebs)
    if (!(await works(root))) throw new Error('the unpacked redis-server does not answer --version')
    await publish(root, home, work, works)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function publish(root: string, home: string, work: string, works: AptFetch['works']): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      renameSync(root, home)
      return
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if ((code !== 'ENOTEMPTY' && code !== 'EEXIST') || attempt === 3) throw error
    }
    if (await works(home)) return
    try {
      renameSync(home, join(work, `broken-${attempt}`))
    } catch {
      // Another fetcher moved it first; the next attempt sees what is there now.
    }
  }
}

function sweep(cache: string): void {
  for (const entry of readdirSync(cache)) {
    if (!entry.startsWith('.fetch-')) continue
    const folder = join(cache, entry)
    const stat = statSync(folder, { throwIfNoEntry: false })
    if (stat && Date.now() - stat.mtimeMs > STALE) rmSync(folder, { recursive: true, force: true })
  }
}

/** Given with `-c`, it is read after the system's settings: only so can `#clear` drop their hooks, which are meant for root. */
function aptConf(work: string): string {
  return `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb-src;
#clear Acquire::IndexTargets::deb::Contents-deb;
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::DEP-11-icons;
#clear Acquire::IndexTargets::deb::DEP-11-icons-small;
#clear Acquire::IndexTargets::deb::DEP-11-icons-hidpi;
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "15";
Acquire::https::Timeout "15";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Dir::State "${work}/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "${work}/cache";
`
}
