/**
 * Puts the Lua scripts, with what they include, into lib/redis/lua/embedded.ts, so that neither a build nor a
 * bundler has to find them as files. `--check` only says whether that file is up to date.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = new URL('../lib/redis/lua/', import.meta.url)
const target = new URL('embedded.ts', folder)

/** Comments and indentation stay in the files; the server needs none of them. Line numbers in its errors are those of the result. */
const withoutComments = (source: string): string =>
  source
    .replace(/^\s*--.*\n/gm, '')
    .replace(/ -- .*$/gm, '')
    .replace(/^[ \t]+/gm, '')
    .replace(/\n{2,}/g, '\n')

/** `--! body NAME` stands for another script as a whole, without its head: what includes it has the same. */
const withBodies = (source: string): string =>
  source.replace(/^--! body (\w+)$/gm, (_, name) =>
    readFileSync(new URL(`${name}.lua`, folder), 'utf8')
      .replace(/^(#!lua.*|--! include base)\n/gm, '')
      .trimEnd(),
  )

/** `--! include NAME` stands for shared/NAME.lua, in scripts and in shared files. */
function literal(path: string): string {
  const source = withBodies(readFileSync(new URL(path, folder), 'utf8'))
  const marked = source.replace(/^--! include (\w+)$/gm, '@@$1@@')
  const escaped = withoutComments(marked).replace(/[\\`]|\$\{/g, '\\$&')
  return `\`${escaped.replace(/@@(\w+)@@\n/g, '$${$1}')}\``
}

const names = (path: string): string[] =>
  readdirSync(new URL(path, folder))
    .filter((file) => file.endsWith('.lua'))
    .map((file) => file.slice(0, -'.lua'.length))
    .sort()

/** Shared files, each after those that it includes. */
function inOrder(): string[] {
  const done = new Set<string>()
  const visit = (name: string): void => {
    const source = readFileSync(new URL(`shared/${name}.lua`, folder), 'utf8')
    for (const [, included] of source.matchAll(/^--! include (\w+)$/gm))
      if (!done.has(included!)) visit(included!)
    done.add(name)
  }
  for (const name of names('shared/')) visit(name)
  return [...done]
}

export function embed(): string {
  const shared = inOrder().map((name) => `const ${name} = ${literal(`shared/${name}.lua`)}\n\n`)
  const scripts = names('.').map((name) => `  ${name}: ${literal(`${name}.lua`)},\n`)
  const head = '// Made by `npm run embed` from the .lua files of this folder. Change those.\n'
  return `${head}\n${shared.join('')}export const sources = {\n${scripts.join('')}} as const\n`
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
