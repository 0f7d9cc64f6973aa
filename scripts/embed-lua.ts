/**
 * Puts the Lua scripts, with what they include, into lib/redis/lua/embedded.ts, so that neither a build nor a
 * bundler has to find them as files. `--check` only says whether that file is up to date.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = new URL('../lib/redis/lua/', import.meta.url)
const target = new URL('embedded.ts', folder)

/** `--! include NAME` stands for shared/NAME.lua; shared files include nothing. */
function expand(source: string): string {
  return source.replace(/^--! include (\w+)\n/gm, (_line, name: string) => {
    return readFileSync(new URL(`shared/${name}.lua`, folder), 'utf8')
  })
}

/** Comments stay in the files; the server needs none of them. Line numbers in its errors are those of the result. */
const withoutComments = (source: string): string =>
  source
    .replace(/^\s*--.*\n/gm, '')
    .replace(/ -- .*$/gm, '')
    .replace(/\n{2,}/g, '\n')

export function embed(): string {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.lua'))
    .sort()
  const entries = names.map((file) => {
    const source = withoutComments(expand(readFileSync(new URL(file, folder), 'utf8')))
    const literal = source.replace(/[\\`]|\$\{/g, '\\$&')
    return `  ${file.slice(0, -'.lua'.length)}: \`${literal}\`,\n`
  })
  return `// Made by \`npm run embed\` from the .lua files of this folder. Change those.\n\nexport const sources = {\n${entries.join('')}} as const\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const made = embed()
  if (!process.argv.includes('--check')) {
    writeFileSync(target, made)
  } else if (readFileSync(target, 'utf8') !== made) {
    console.error('lib/redis/lua/embedded.ts is not what its .lua files make: run `npm run embed`')
    process.exitCode = 1
  }
}
