/**
 * Millrace as its users get it: built JavaScript, like its rivals, in a folder of this run's own. The folder lies
 * under node_modules, where the dependencies are found from and git looks away.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CACHE = join(ROOT, 'node_modules', '.cache', 'millrace-bench')
/** Left behind by a run that was killed. */
const STALE_MS = 3_600_000

export interface Build {
  readonly folder: string
  remove(): void
}

export async function buildLibrary(): Promise<Build> {
  mkdirSync(CACHE, { recursive: true })
  sweep()
  const folder = mkdtempSync(join(CACHE, 'build-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  const script = join(ROOT, 'scripts', 'build.ts')
  const tsc = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script, folder], {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
  })
  const [code] = await once(tsc, 'exit')
  if (code !== 0) {
    remove()
    throw new Error('lib does not compile; the benchmark measures what `npm run build` makes')
  }
  // What is under node_modules takes no module type from the project.
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  return { folder, remove }
}

function sweep(): void {
  for (const entry of readdirSync(CACHE)) {
    const folder = join(CACHE, entry)
    const stat = statSync(folder, { throwIfNoEntry: false })
    if (stat && Date.now() - stat.mtimeMs > STALE_MS) rmSync(folder, { recursive: true, force: true })
  }
}
