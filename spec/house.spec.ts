/** How lib/ hangs together: which way imports run, what each folder may know, how long a file may be. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, posix } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { embed } from '../scripts/embed-lua.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string): string => readFileSync(`${root}/lib/${file}`, 'utf8')

const MADE = 'redis/lua/embedded.ts'
const MAX_LINES = 300

/** What a file imports, as it is written: values and types, `export … from`, and `import()`. */
function importsOf(source: string): string[] {
  const patterns = [
    /^\s*(?:import|export)\b[^'"`;=()]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^\s*import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  ]
  return patterns.flatMap((pattern) => [...source.matchAll(pattern)].map((match) => match[1]!))
}

type Graph = ReadonlyMap<string, readonly string[]>

const files = readdirSync(`${root}/lib`, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.(ts|mjs|lua)$/.test(file))
  .sort()
const code = files.filter((file) => !file.endsWith('.lua'))
const imports: Graph = new Map(code.map((file) => [file, file === MADE ? [] : importsOf(read(file))]))
const isRelative = (name: string): boolean => name.startsWith('.')
const graph: Graph = new Map(
  [...imports].map(([file, names]) => [
    file,
    names.filter(isRelative).map((name) => posix.join(dirname(file), name)),
  ]),
)

/** Each may import what stands before it, and itself. */
const LAYERS = ['ground', 'redis', 'upkeep', 'sides', 'inline', 'queue', 'door'] as const
type Layer = (typeof LAYERS)[number]

const FOLDERS: Record<string, Layer | 'outside'> = {
  redis: 'redis',
  upkeep: 'upkeep',
  ...{ call: 'sides', flow: 'sides', work: 'sides', processes: 'sides' },
  inline: 'inline',
  ...{ cli: 'door', console: 'door', doctor: 'door', testing: 'door' },
  'dev-redis': 'outside',
}
const FILES: Record<string, Layer | 'outside'> = {
  ...{
    'queue.ts': 'queue',
    'operations.ts': 'queue',
    'queue-options.ts': 'queue',
    'definitions.ts': 'queue',
    'scheduling.ts': 'queue',
    'together.ts': 'queue',
  },
  ...{ 'index.ts': 'door', 'cli.ts': 'door', 'console.ts': 'door', 'testing.ts': 'door' },
  'doctor.ts': 'door',
  'dev-redis.ts': 'outside',
}
const folderOf = (file: string): string => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '')
const layerOf = (file: string): Layer | 'outside' | undefined =>
  file.includes('/') ? FOLDERS[folderOf(file)] : (FILES[file] ?? 'ground')

/** Imports that run against the direction. */
function upward(all: Graph): string[] {
  const wrong: string[] = []
  for (const [file, targets] of all) {
    for (const target of targets) {
      const [from, to] = [layerOf(file), layerOf(target)]
      if (from === undefined || to === undefined) wrong.push(`${file} → ${target}: a folder without a layer`)
      else if (from === 'outside' || to === 'outside') {
        if (from !== to && from !== 'door') wrong.push(`${file} → ${target}`)
      } else if (LAYERS.indexOf(to) > LAYERS.indexOf(from)) wrong.push(`${file} → ${target}`)
    }
  }
  return wrong
}

/** Imports between the two sides of the wire. What works in this process is on the worker's side. */
const meetings = (all: Graph): string[] =>
  [...all].flatMap(([file, targets]) =>
    targets
      .filter((target) =>
        ['call,work', 'call,inline'].includes([folderOf(file), folderOf(target)].sort().join()),
      )
      .map((target) => `${file} → ${target}`),
  )

/** Each circle once, as the way around it. */
function circles(all: Graph): string[] {
  const found = new Set<string>()
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file)
    if (at >= 0) found.add([...way.slice(at), file].join(' → '))
    if (at >= 0 || done.has(file)) return
    for (const target of all.get(file) ?? []) visit(target, [...way, file])
    done.add(file)
  }
  for (const file of all.keys()) visit(file, [])
  return [...found]
}

const graphOf = (edges: Record<string, string[]>): Graph => new Map(Object.entries(edges))

describe('imports', () => {
  test('are seen in all their forms', () => {
    const source = `
      import a, { type B } from './a.ts'
      import type { C } from './c.ts'
      import {
        d,
        e,
      } from "./d.ts"
      export { f } from './f.ts'
      export type { G } from './g.ts'
      export * from './h.ts'
      import './i.ts'
      import * as j from 'j'
      const k = await import('./k.ts')
      const text = 'from'; const url = new URL('./not.ts', import.meta.url)
      export const from = './not.ts'
    `
    const names = ['./a.ts', './c.ts', './d.ts', './f.ts', './g.ts', './h.ts', 'j', './i.ts', './k.ts']
    assert.deepEqual(importsOf(source), names)
    assert.ok(graph.get('queue.ts')?.includes('work/worker.ts'))
    assert.ok(graph.get('upkeep/beating.ts')?.includes('upkeep/heartbeat-thread.ts'), 'an import of types')
    assert.ok([...graph.values()].flat().length > 100)
  })

  test('lead to files of lib, never out of it', () => {
    for (const [file, targets] of graph) {
      for (const target of targets) {
        assert.ok(!target.startsWith('..') && existsSync(`${root}/lib/${target}`), `${file} → ${target}`)
      }
    }
  })

  test('run one way: door → queue → inline → call | flow | work | processes → upkeep → redis → ground', () => {
    assert.deepEqual(upward(graph), [])
    const wrong = {
      'codec.ts': ['errors.ts', 'redis/frame.ts'],
      'redis/store.ts': ['upkeep/loop.ts'],
      'upkeep/loop.ts': ['work/worker.ts', 'redis/keys.ts'],
      'work/worker.ts': ['queue.ts'],
      'queue.ts': ['index.ts', 'call/task.ts'],
      'new-folder/file.ts': ['codec.ts'],
    }
    assert.equal(upward(graphOf(wrong)).length, 6)
  })

  test('of the development Redis and of the rest never meet', () => {
    const wrong = { 'dev-redis.ts': ['dev-redis/find.ts', 'errors.ts'], 'queue.ts': ['dev-redis.ts'] }
    assert.deepEqual(upward(graphOf(wrong)), ['dev-redis.ts → errors.ts', 'queue.ts → dev-redis.ts'])
    assert.deepEqual(upward(graph), [])
    assert.ok(graph.get('dev-redis.ts')?.length)
  })

  test("of the caller's side and of the worker's side never meet", () => {
    assert.deepEqual(meetings(graph), [])
    const wrong = { 'call/task.ts': ['work/held.ts', 'call/handle.ts'], 'work/held.ts': ['call/task.ts'] }
    assert.equal(meetings(graphOf(wrong)).length, 2)
  })

  test('of what works without Redis are of no code that speaks to it', () => {
    const inline = code.filter((file) => folderOf(file) === 'inline')
    assert.ok(inline.length > 5)
    for (const file of inline) {
      const values = read(file).replace(/^import type [^'"]*'[^']+'$/gm, '')
      const speaks = importsOf(values).filter((name) => name.includes('redis/'))
      assert.deepEqual(speaks, [], file)
    }
  })

  test('go around in no circle, not even with types', () => {
    assert.deepEqual(circles(graph), [])
    const wrong = { a: ['b', 'c'], b: ['d'], c: ['d'], d: ['c'], e: ['e'] }
    assert.deepEqual(circles(graphOf(wrong)), ['d → c → d', 'e → e'])
  })

  test('of ioredis are in lib/redis alone', () => {
    const speaks = [...imports].filter(([, names]) => names.some((name) => /^ioredis(\/|$)/.test(name)))
    assert.ok(speaks.length > 0)
    assert.deepEqual(
      speaks.map(([file]) => file).filter((file) => folderOf(file) !== 'redis'),
      [],
    )
  })

  test('of packages are of those that users install with it', () => {
    const { dependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
    const known = Object.keys(dependencies)
    const shipped = [...imports].filter(([file]) => !file.endsWith('.dev.mjs')).flatMap(([, names]) => names)
    const names = shipped.filter((name) => !isRelative(name) && !name.startsWith('node:'))
    assert.deepEqual([...new Set(names)].sort(), known.sort())
  })
})

describe('files', () => {
  test('are at most 300 lines long, but for the one that is made', () => {
    const lines = files.map((file) => [file, read(file).split('\n').length - 1] as const)
    const long = lines.filter(([file, count]) => count > MAX_LINES && file !== MADE)
    assert.deepEqual(long, [])
    assert.ok(files.includes(MADE) && files.length > 40)
  })

  test('lie in a folder that has its place in the order', () => {
    const strangers = files.filter((file) => layerOf(file) === undefined)
    assert.deepEqual(strangers, [])
  })

  test('at the door hold nothing but exports', () => {
    const rest = (source: string): string =>
      source
        .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
        .replace(/^export (type )?(\{[^}]*\}|\*) from '[^']+'$/gm, '')
        .trim()
    for (const door of ['index.ts', 'testing.ts', 'doctor.ts']) assert.equal(rest(read(door)), '', door)
    assert.notEqual(rest("export { a } from './a.ts'\nexport const b = 1\n"), '')
    assert.notEqual(rest("import { a } from './a.ts'\n"), '')
  })

  test('of Lua are in the code as they are written', () => {
    assert.ok(read(MADE) === embed(), 'lib/redis/lua/embedded.ts is old: run `npm run embed`')
  })
})
