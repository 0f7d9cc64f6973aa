/**
 * `npm test`: type check, lint, generated files, then all specs; or `npm test -- spec/x.spec.ts …` for some of them.
 * Each spec file is a process of its own and starts its own Redis; the binary is found once, before.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildSync } from 'esbuild'
import { findRedisServer, RedisServerMissingError } from '../lib/dev-redis.ts'
import { mirror } from './mirror.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const tool = (name: string): string => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url))

/** For what is made once for all specs. */
const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

/** The heartbeat's thread in one piece: lib/upkeep/heartbeat-thread.dev.mjs says why. */
function buildThread(): string {
  const file = join(folder, 'heartbeat-thread.cjs')
  const from = fileURLToPath(new URL('../lib/upkeep/heartbeat-thread.ts', import.meta.url))
  buildSync({ entryPoints: [from], outfile: file, bundle: true, platform: 'node', format: 'cjs' })
  return pathToFileURL(file).href
}

function run(what: string, command: string, args: readonly string[]): void {
  const started = performance.now()
  // The mock timers of Node 20 say that they are experimental, once a file.
  const env = {
    ...process.env,
    MILLRACE_THREAD: thread,
    MILLRACE_MIRROR: mirrored,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --disable-warning=ExperimentalWarning`,
  }
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env })
  if (status !== 0) {
    console.error(`${what}: failed`)
    process.exit(status ?? 1)
  }
  console.log(`${what}: ok (${((performance.now() - started) / 1000).toFixed(1)} s)`)
}

try {
  const server = await findRedisServer({ onNote: console.log })
  console.log(`Redis for the specs: ${server.from}`)
} catch (error) {
  if (!(error instanceof RedisServerMissingError)) throw error
  console.error(error.message)
  process.exit(69)
}

const thread = buildThread()
const mirrored = await mirror(folder)
const chosen = process.argv.slice(2)
if (chosen.length === 0) {
  run('types', tool('tsc'), ['-p', 'tsconfig.json'])
  run('lint', tool('biome'), ['check', '--error-on-warnings', '.'])
  run('embedded Lua', process.execPath, ['--import', 'tsx', 'scripts/embed-lua.ts', '--check'])
}
const files = chosen.length > 0 ? chosen : specs()
const missing = files.filter((file) => !existsSync(file))
if (missing.length > 0) {
  console.error(`no such spec: ${missing.join(', ')}`)
  process.exit(64)
}
run('specs', process.execPath, [
  ...['--require', mirrored, '--import', './scripts/assert-ok.mjs'],
  ...['--test', '--test-concurrency=3', '--test-timeout=300000'],
  ...['--test-reporter=./scripts/test-reporter.mjs', '--test-reporter-destination=stdout'],
  ...files,
])

function specs(): string[] {
  return readdirSync(`${root}/spec`, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.spec.ts'))
    .sort()
    .map((file) => `spec/${file}`)
}
