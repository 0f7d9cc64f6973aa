/** Where it was measured, and what. */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'

export interface Machine {
  readonly cpus: string
  readonly memory: string
  readonly system: string
  /** Of the last minute, when the benchmark began: others were at work if it is not near 0. */
  readonly load: number
  readonly node: string
  readonly redis: string
  /** What was compared, and what it stands on. */
  readonly packages: Readonly<Record<string, string>>
  /** Of Millrace; with a + where files differ from it. */
  readonly commit: string
}

const ROOT = new URL('../../', import.meta.url)
const PACKAGES = ['bullmq', 'bee-queue', 'ioredis', 'msgpackr']

/** Asked before anything is measured, all but the server's version. */
export function describeMachine(): Omit<Machine, 'redis'> {
  return {
    cpus: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${process.platform} ${release()} ${process.arch}`,
    load: loadavg()[0]!,
    node: process.version,
    packages: {
      millrace: versionIn('package.json'),
      ...Object.fromEntries(PACKAGES.map((name) => [name, versionIn(`node_modules/${name}/package.json`)])),
    },
    commit: commit(),
  }
}

const versionIn = (file: string): string => JSON.parse(readFileSync(new URL(file, ROOT), 'utf8')).version

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', 'lib') === '' ? '' : '+')
  } catch {
    return 'unknown'
  }
}
