/** A PostgreSQL of one spec's own, where one is installed: in a folder of its own, on a Unix socket there. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import pg from 'pg'
import { until } from './until.ts'

/** Where packages put what is not in PATH. */
const ROOT = '/usr/lib/postgresql'
const USER = 'millrace'

/** It refuses to be started by root. */
interface Account {
  readonly uid: number
  readonly gid: number
}

interface Installed {
  readonly folder: string
  readonly account: Account | undefined
}

export interface TestPostgres extends AsyncDisposable {
  /** For processes: as psql and pg read it. */
  readonly env: Readonly<Record<string, string>>
  readonly pool: pg.Pool
}

/** Or what is missing, in words. */
export function findPostgres(): Installed | string {
  const versions = existsSync(ROOT) ? readdirSync(ROOT).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
    ...versions.map((version) => join(ROOT, version, 'bin')),
  ]
  const folder = folders.find((one) => ['initdb', 'postgres'].every((name) => existsSync(join(one, name))))
  if (!folder) return `no initdb and postgres in PATH or ${ROOT}/*/bin`
  if (process.getuid?.() !== 0) return { folder, account: undefined }
  const account = accountOf('postgres') ?? accountOf('nobody')
  return account ? { folder, account } : 'it does not run as root, and there is no user postgres or nobody'
}

function accountOf(name: string): Account | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined
}

export async function startPostgres({ folder, account }: Installed): Promise<TestPostgres> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-postgres-'))
  if (account) chownSync(dir, account.uid, account.gid)
  const data = join(dir, 'data')
  const options = { cwd: dir, env: { PATH: process.env.PATH, LC_ALL: 'C' }, ...account }
  const making = ['-D', data, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync']
  const made = spawnSync(join(folder, 'initdb'), making, { ...options, encoding: 'utf8' })
  if (made.status !== 0) {
    rmSync(dir, { recursive: true, force: true })
    throw new Error(`initdb: ${made.error ?? made.stderr}`)
  }
  const settings = ['listen_addresses=', 'fsync=off', 'max_connections=100'].flatMap((one) => ['-c', one])
  const server = spawn(join(folder, 'postgres'), ['-D', data, '-k', dir, ...settings], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  server.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const env = { PGHOST: dir, PGUSER: USER, PGDATABASE: 'postgres' }
  const pool = new pg.Pool({ host: dir, user: USER, database: 'postgres' })
  // Of connections that nobody uses, when the server goes.
  pool.on('error', () => {})
  const stop = async (): Promise<void> => {
    await pool.end()
    await end(server)
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    await until('PostgreSQL to answer', () => {
      if (server.exitCode !== null) throw new Error(`postgres ended: ${said}`)
      return pool.query('SELECT 1').then(Boolean, () => false)
    })
  } catch (error) {
    await stop()
    throw error
  }
  return { env, pool, [Symbol.asyncDispose]: stop }
}

/** At once, and in order: SIGINT is its fast shutdown. */
async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const ended = once(server, 'exit')
  server.kill('SIGINT')
  await ended
}
