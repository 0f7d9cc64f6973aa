/**
 * Loaded before each spec. Without a message Node 20 makes one for a failed `assert.ok` by reading the source file at
 * the place of the call, which in the code that tsx compiles is another: it can then search for minutes, and a spec
 * that should fail hangs instead.
 */

import assert from 'node:assert/strict'
import { inspect } from 'node:util'

assert.ok = function ok(value, message) {
  if (value) return
  if (message instanceof Error) throw message
  throw new assert.AssertionError({
    message: message ?? `expected something true, got ${inspect(value)}`,
    ...{ actual: value, expected: true, operator: '==', stackStartFn: ok },
  })
}
