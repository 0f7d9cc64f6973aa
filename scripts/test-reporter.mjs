/** What broke, in full; a line for each file; the counts. */

import { dirname, relative } from 'node:path'
import { inspect } from 'node:util'

const mirror = dirname(process.env.MILLRACE_MIRROR ?? '')

/** Tests say where they are: in the mirror (mirror.ts). */
const sourceOf = (file) =>
  file.startsWith(`${mirror}/`)
    ? relative(mirror, file).replace(/\.js$/, '.ts')
    : relative(process.cwd(), file)

/** @param {AsyncIterable<import('node:test').TestEvent>} events */
export default async function* report(events) {
  const files = new Map()
  let passed = 0
  let failed = 0
  let skipped = 0
  for await (const { type, data } of events) {
    if (type === 'test:stderr' || type === 'test:stdout') yield data.message
    // What went wrong when its test was over: it fails the file, whose own line does not say why.
    if (type === 'test:diagnostic' && /asynchronous activity/.test(data.message))
      yield `\n✖ ${data.message}\n`
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const file = data.file ? sourceOf(data.file) : '?'
    if (data.nesting === 0 && data.name.endsWith('.spec.ts')) {
      // A file that could not be run shows up as a test of its own name.
      if (type === 'test:pass') continue
    }
    if (data.details?.type === 'suite') continue
    const counts = files.get(file) ?? { tests: 0, failed: 0, ms: 0 }
    files.set(file, counts)
    counts.tests += 1
    counts.ms += data.details.duration_ms
    if (data.skip !== undefined) skipped += 1
    else if (type === 'test:pass') passed += 1
    else {
      failed += 1
      counts.failed += 1
      const error = data.details.error?.cause ?? data.details.error
      yield `\n✖ ${file}: ${data.name}\n${error?.stack ?? error}\n`
      // Of a file whose process did not end well.
      const { exitCode, signal } = data.details.error ?? {}
      if (exitCode !== undefined) yield `  its process ended by ${signal ?? `exit code ${exitCode}`}\n`
      if (error?.cause) yield `  cause: ${error.cause.stack ?? error.cause}\n`
      if (
        typeof error === 'object' &&
        error !== null &&
        'expected' in error &&
        error.generatedMessage === false
      ) {
        yield `  expected: ${show(error.expected)}\n  actual:   ${show(error.actual)}\n`
      }
      yield '\n'
    }
  }
  for (const [file, { tests, failed: broken, ms }] of files) {
    yield `${broken > 0 ? '✖' : '✔'} ${file}: ${tests} tests${broken > 0 ? `, ${broken} failed` : ''} (${(ms / 1000).toFixed(1)} s)\n`
  }
  yield `${passed} passed, ${failed} failed, ${skipped} skipped\n`
}

const show = (value) => {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return inspect(value)
  }
}
