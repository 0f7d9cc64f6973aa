/** `millrace dev`: one command from an empty machine to a running system, that follows the source. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Queue } from '../../lib/index.ts'
import { until } from '../support/until.ts'
import { startMillrace } from './support/command.ts'

const lib = import.meta.resolve('../../lib/index.ts')

test('dev has a Redis of its own, and workers that take up what is changed and survive what is broken', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-dev-'))
  const file = join(folder, 'tasks.mjs')
  const write = (body: string): void =>
    writeFileSync(
      file,
      `import { Queue } from ${JSON.stringify(lib)}\nnew Queue('dev').task('say', () => ${body})\n`,
    )
  write("'first'")
  await using child = startMillrace(['dev', 'tasks.mjs', '--port', '0'], {
    cwd: folder,
    env: { REDIS_URL: '', NO_COLOR: '1' },
  })
  const [, url, port] = await child.prints(/REDIS_URL=(redis:\/\/127\.0\.0\.1:(\d+))/)
  await child.prints('worker ready')
  await using queue = new Queue('dev', { redis: url! })
  queue.on('error', () => {})
  const say = queue.remote<() => string>('say')
  assert.equal(await say().get(), 'first')
  write("'second'")
  await until('the change to be there', async () => (await say().get()) === 'second')
  write('(')
  await child.prints(/tasks\.mjs could not be loaded/)
  assert.equal(await say().get(), 'second')
  write("'third'")
  await until('the mended one to be there', async () => (await say().get()) === 'third')
  child.signal('SIGTERM')
  assert.equal(await child.ended, 0)
  await until('its Redis to be gone', () =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => false,
      (error) => /ECONNREFUSED/.test(String(error.cause)),
    ),
  )
  rmSync(folder, { recursive: true, force: true })
})
