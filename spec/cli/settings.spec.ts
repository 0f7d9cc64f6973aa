/** Where values come from: flags, the environment, the configuration file, defaults; and modules that are named by them. */

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ExitError } from '../../lib/cli/exit.ts'
import { findModules, loadModules } from '../../lib/cli/modules.ts'
import { resolveSettings } from '../../lib/cli/settings.ts'

let root: string
before(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-cli-')))
})
after(() => rmSync(root, { recursive: true, force: true }))

let n = 0
/** A folder of its own with these files. */
function folderWith(files: Record<string, string>): string {
  n += 1
  const folder = join(root, String(n))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

const CONFIG = `export default {
  redis: 'redis://file:1', namespace: 'file', modules: ['a.mjs'], queues: { mail: 5, index: { concurrency: 1, prefetch: 0 } },
  processes: 3, drainTimeout: 1000, log: { level: 'warn', file: 'x.log' }, maxMemory: '1gb', defaults: { retries: 2 },
}`

describe('settings', () => {
  test('come from flags, then the environment, then the file, then defaults', async () => {
    const folder = folderWith({ 'millrace.config.mjs': CONFIG, 'sub/x': '' })
    const env = { REDIS_URL: 'redis://env:1', MILLRACE_PROCESSES: 'auto', MILLRACE_QUEUES: 'mail=7,other' }
    const flags = { redis: 'redis://flag:1', drainTimeout: '2s', queue: [] }
    const { settings, sources, ...found } = await resolveSettings(flags, env, join(folder, 'sub'))
    assert.deepEqual(settings, {
      ...{ redis: 'redis://flag:1', namespace: 'file', name: undefined, modules: ['a.mjs'] },
      ...{ queues: { mail: { concurrency: 7 }, other: {} }, processes: availableParallelism() },
      ...{ drainTimeout: 2_000, logLevel: 'warn', logFile: 'x.log', logFormat: undefined },
      ...{ maxTasks: undefined, maxMemory: 1024 ** 3, healthPort: undefined, defaults: { retries: 2 } },
    })
    const file = join(folder, 'millrace.config.mjs')
    assert.deepEqual(found, { file, folder })
    const { redis, namespace, processes, drainTimeout, name } = sources
    assert.deepEqual(
      [redis, namespace, processes, drainTimeout, name].map(({ source, from }) => `${source} ${from}`),
      [
        'flag --redis',
        `file ${file}`,
        'environment MILLRACE_PROCESSES',
        'flag --drain-timeout',
        'default default',
      ],
    )
  })

  test('without a file are the defaults', async () => {
    const { settings, file } = await resolveSettings({}, {}, folderWith({ x: '' }))
    assert.equal(file, undefined)
    assert.equal(settings.redis, 'redis://127.0.0.1:6379')
    assert.deepEqual([settings.processes, settings.drainTimeout, settings.queues], [1, 25_000, undefined])
  })

  const refused = async (config: string, said: RegExp): Promise<void> => {
    const folder = folderWith({ 'millrace.config.mjs': config })
    await assert.rejects(resolveSettings({}, {}, folder), (error: ExitError) => {
      assert.ok(error instanceof ExitError)
      assert.match(error.message, said)
      return error.exitCode === 2
    })
  }
  test('that make no sense are refused, with their place', async () => {
    await refused('export const x = 1', /must have a default export/)
    await refused('export default { redsi: 1 }', /unknown option "redsi" \(known: redis,/)
    await refused('export default { processes: 0 }', /millrace\.config\.mjs: expected a whole number/)
    await refused('throw new Error("broken")', /could not be loaded: broken/)
    await assert.rejects(resolveSettings({ config: 'no.mjs' }, {}, root), /no configuration no\.mjs in/)
    await assert.rejects(
      resolveSettings({}, { MILLRACE_LOG_LEVEL: 'loud' }, root),
      /MILLRACE_LOG_LEVEL: expected one of/,
    )
    await assert.rejects(resolveSettings({ queue: ['a=x'] }, {}, root), /--queue: expected a whole number/)
  })
})

describe('task modules', () => {
  const lib = import.meta.resolve('../../lib/index.ts')

  test('are found by path and by glob, each once', async () => {
    const folder = folderWith({ 'a.mjs': '', 'jobs/b.mjs': '', 'jobs/c.mjs': '', 'jobs/d.txt': '' })
    const found = await findModules(['jobs/c.mjs', 'jobs/*.mjs', 'a.mjs'], folder)
    assert.deepEqual(
      found,
      ['jobs/c.mjs', 'jobs/b.mjs', 'a.mjs'].map((name) => join(folder, name)),
    )
    await assert.rejects(findModules(['jobs/*.ts'], folder), /no task module jobs\/\*\.ts in/)
    await assert.rejects(findModules(['missing.mjs'], folder), ExitError)
  })

  test('give the queues that they make, with the options that these do not say themselves', async () => {
    const folder = folderWith({
      'a.mjs': `import { Queue } from ${JSON.stringify(lib)}
        export const queue = new Queue('a'); queue.task('one', () => 1)
        const hidden = new Queue('b', { inline: true })`,
    })
    const queues = await loadModules([join(folder, 'a.mjs')], folder, { namespace: 'given' })
    assert.deepEqual(
      queues.map(({ name, taskNames }) => [name, taskNames]),
      [
        ['a', ['one']],
        ['b', []],
      ],
    )
    for (const queue of queues) await queue.close()
  })

  test('that cannot be loaded are named with line and cause', async () => {
    const folder = folderWith({
      'throws.mjs': '\n\nthrow new RangeError("too far")\n',
      'syntax.mjs': 'export const = 5\n',
      'imports.mjs': "import './none.mjs'\n",
    })
    const load = (name: string) => loadModules([join(folder, name)], folder, {})
    await assert.rejects(
      load('throws.mjs'),
      /^ExitError: throws\.mjs could not be loaded, line 3: RangeError: too far$/,
    )
    await assert.rejects(load('syntax.mjs'), /^ExitError: syntax\.mjs could not be loaded/)
    await assert.rejects(load('imports.mjs'), /none\.mjs/)
  })
})
