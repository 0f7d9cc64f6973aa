/**
 * Millrace as its users get it: built JavaScript, like its rivals, in a folder of this run's own. The measuring
 * processes are compiled too: a loader for TypeScript would weigh on the start and the memory of each of them. The
 * folder lies under node_modules, where the dependencies are found from and git looks away.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const HERE = fileURLToPath(new URL('.', import.meta.url))
const CACHE = join(ROOT, 'node_modules', '.cache', 'millrace-bench')
/** Left behind by a run that was killed. */
const STALE_MS = 6 * 3_600_000

export interface Build {
  /** Of the library. */
  readonly library: string
  /** The file that a measuring process runs. */
  readonly entry: string
  remove(): void
}

export async function build(): Promise<Build> {
  mkdirSync(CACHE, { recursive: true })
  sweep()
  const folder = mkdtempSync(join(CACHE, 'build-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  const library = join(folder, 'lib')
  const bench = join(folder, 'bench')
  try {
    await Promise.all([buildLibrary(library), compileHere(folder, bench)])
  } catch (error) {
    remove()
    throw error
  }
  // What is under node_modules takes no module type from the project.
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  return { library, entry: join(bench, 'process.js'), remove }
}

async function buildLibrary(folder: string): Promise<void> {
  const code = await node(['--import', import.meta.resolve('tsx'), join(ROOT, 'scripts', 'build.ts'), folder])
  if (code !== 0) throw new Error('lib does not compile; the benchmark measures what `npm run build` makes')
}

/** Types are for `npm run check`; nothing but this folder is looked at. */
async function compileHere(folder: string, outDir: string): Promise<void> {
  const project = join(folder, 'tsconfig.json')
  const compilerOptions = {
    ...{ noEmit: false, noCheck: true, noResolve: true, rootDir: HERE, outDir },
    types: [],
  }
  const include = [join(HERE, '**', '*.ts')]
  writeFileSync(project, JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, include }))
  const code = await node([join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', project])
  if (code !== 0) throw new Error('scripts/bench does not compile')
}

async function node(args: string[]): Promise<number | null> {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 2, 2] })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code
}

function sweep(): void {
  for (const entry of readdirSync(CACHE)) {
    const folder = join(CACHE, entry)
    const stat = statSync(folder, { throwIfNoEntry: false })
    if (stat && Date.now() - stat.mtimeMs > STALE_MS) rmSync(folder, { recursive: true, force: true })
  }
}
