/** `npm run build [folder]`: compiles lib to dist (or that folder), from nothing. */

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = process.argv[2] ?? `${root}dist`

rmSync(out, { recursive: true, force: true })
const tsc = `${root}node_modules/.bin/tsc`
const { status } = spawnSync(tsc, ['-p', 'tsconfig.build.json', '--outDir', out], {
  cwd: root,
  stdio: 'inherit',
})
process.exitCode = status ?? 1
