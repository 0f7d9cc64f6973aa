/**
 * A disk that is full for one Redis alone, without root and without a file system of its own: the kernel's limit on the size
 * of files (RLIMIT_FSIZE), set from outside while the server runs. Its next write is cut short where the limit lies, and
 * the one after is refused, as on a full disk; Redis takes the first for ENOSPC itself. Linux only (`prlimit`).
 */

import { execFile } from 'node:child_process'
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findRedisServer } from '../../lib/dev-redis.ts'

const run = promisify(execFile)
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** A redis-server that is told of such a write by its error, and not killed by SIGXFSZ; answers its path. */
export async function fillableServer(folder: string): Promise<string> {
  const { command, env } = await findRedisServer()
  const path = join(folder, 'fillable-redis-server')
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}`)
  const lines = ['#!/bin/sh', ...exports, "trap '' XFSZ", `exec ${quoted(command)} "$@"`]
  writeFileSync(path, `${lines.join('\n')}\n`)
  chmodSync(path, 0o755)
  return path
}

/** The append-only file can grow by so many bytes more. */
export async function fill(pid: number, dir: string, room: number): Promise<void> {
  const aof = join(dir, 'appendonlydir')
  const sizes = readdirSync(aof).map((name) => statSync(join(aof, name)).size)
  await limit(pid, String(Math.max(...sizes) + room))
}

/** There is space again. */
export const free = (pid: number): Promise<void> => limit(pid, 'unlimited')

async function limit(pid: number, soft: string): Promise<void> {
  // The soft limit alone: anybody may raise it again, up to the hard one.
  await run('prlimit', ['--pid', String(pid), `--fsize=${soft}:`])
}
