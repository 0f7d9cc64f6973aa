/**
 * The whole tree as JavaScript in a temporary folder, made once for all processes of `npm test`: under tsx each of them
 * would compile what it loads and start a thread for it, some 1.2 s of CPU, hundreds of times. Each file stays a file, and
 * takes itself for the one that it was made from: its `import.meta.url` is that of the source, and mirror-run.cjs keeps
 * paths and stacks. ioredis and msgpackr become one file each: loading their many costs as much as all of lib/.
 */

import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, stop } from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDERS = ['lib', 'spec', 'scripts', 'examples']
const PACKAGES = ['ioredis', 'msgpackr']
const [URL_MARK, FOLDER_MARK] = ['__MIRRORED_URL__', '__MIRRORED_FOLDER__']

/** Answers what is to be required ahead of a TypeScript file of the project, which then runs from `folder`. */
export async function mirror(folder: string): Promise<string> {
  await Promise.all([compile(folder), ...PACKAGES.map((name) => bundle(name, folder))])
  await stop()
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!PACKAGES.includes(name)) {
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
    }
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', mirrorOf: ROOT }))
  const run = join(folder, 'run.cjs')
  copyFileSync(join(ROOT, 'scripts', 'mirror-run.cjs'), run)
  return run
}

async function compile(folder: string): Promise<void> {
  const sources = FOLDERS.flatMap((name) =>
    readdirSync(join(ROOT, name), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|mjs)$/.test(file))
      .map((file) => join(ROOT, name, file)),
  )
  const { outputFiles } = await build({
    ...{ entryPoints: sources, outdir: folder, outbase: ROOT, write: false, logLevel: 'error' },
    ...{ format: 'esm', platform: 'node', target: 'node20', sourcemap: 'external', sourcesContent: false },
    define: { 'import.meta.url': URL_MARK, 'import.meta.dirname': FOLDER_MARK },
    // Bundled, but with every import outside: only the names of the files change.
    ...{ bundle: true, packages: 'external', treeShaking: false, keepNames: true },
    plugins: [
      {
        name: 'mirror',
        setup({ onResolve }) {
          onResolve({ filter: /^\.\.?\// }, ({ kind, path }) =>
            kind === 'entry-point' ? undefined : { path: mirrored(path), external: true },
          )
        },
      },
    ],
  })
  const modules = new Set(sources.filter((source) => source.endsWith('.mjs')))
  for (const { path, text } of outputFiles) {
    const isMap = path.endsWith('.map')
    const source = join(ROOT, relative(folder, path.replace(/\.js(\.map)?$/, '')))
    const isModule = modules.has(`${source}.mjs`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(
      isModule ? path.replace(/\.js(?=$|\.map$)/, '.mjs') : path,
      isMap ? text : asOf(`${source}.${isModule ? 'mjs' : 'ts'}`, text),
    )
  }
}

const mirrored = (file: string): string => file.replace(/\.ts$/, '.js')

/** What it resolves is to be imported, so it is the other's mirror; what it finds beside itself is the source. */
const asOf = (source: string, text: string): string =>
  text
    .replaceAll(URL_MARK, JSON.stringify(pathToFileURL(source).href))
    .replaceAll(FOLDER_MARK, JSON.stringify(dirname(source)))
    .replace(/import\.meta\.resolve\("(\.[^"]+)"\)/g, (call: string, file: string) =>
      call.replace(file, mirrored(file)),
    )

async function bundle(name: string, folder: string): Promise<void> {
  const require = createRequire(import.meta.url)
  const names = Object.keys(await import(name)).filter((key) => /^\w+$/.test(key))
  const into = join(folder, 'node_modules', name)
  await build({
    stdin: { contents: `export { ${names} } from '${name}'`, sourcefile: 'all.mjs', resolveDir: ROOT },
    ...{ outfile: join(into, 'index.js'), bundle: true, format: 'esm', platform: 'node', logLevel: 'error' },
    // Native code, which must stay where it is.
    external: ['msgpackr-extract'],
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module'\nconst require = requireFrom(${JSON.stringify(require.resolve(name))})`,
    },
  })
  writeFileSync(join(into, 'package.json'), JSON.stringify({ type: 'module', main: 'index.js' }))
}
