/**
 * No password, no user name, no argument, no result, no progress in what is said about failures: errors with all their
 * fields and causes, `error` events, warnings, the console. leaks.ts makes the failures.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { start } from '../support/processes.ts'
import { startRedis } from '../support/redis.ts'

const EXPECTED = [
  ...['ERR_MILLRACE_OPTION', 'ERR_MILLRACE_ENQUEUE', 'ERR_MILLRACE_REDIS', 'ERR_MILLRACE_REDIS_REPLY'],
  ...['ERR_MILLRACE_TASK_FAILED', 'ERR_MILLRACE_PAYLOAD_TOO_LARGE', 'ERR_MILLRACE_UNSUPPORTED_VALUE'],
  ...[
    'ERR_MILLRACE_TASK_TIMEOUT',
    'ERR_MILLRACE_TASK_OVERRUN',
    'ERR_MILLRACE_WAIT_TIMEOUT',
    'ERR_MILLRACE_TASK_LOST',
  ],
  ...[
    'ERR_MILLRACE_TASK_EXPIRED',
    'ERR_MILLRACE_TASK_CANCELLED',
    'ERR_MILLRACE_MALFORMED_DATA',
    'ERR_MILLRACE_QUEUE_CLOSED',
  ],
]

test('whatever goes wrong, nothing that is told of it holds a secret', async () => {
  await using redis = await startRedis()
  await redis.client.acl('SETUSER', 'good', 'reset', 'on', '>SECRET-good', '~*', '&*', '+@all')
  await using gone = await startRedis()
  await gone.kill()
  await using child = start('spec/security/leaks.ts', { args: [String(redis.port), String(gone.port)] })
  assert.equal(await child.ended, 0, child.output)
  const lines = child.output.split('\n')
  assert.deepEqual(
    lines.filter((line) => /SECRET/i.test(line)),
    [],
  )
  assert.deepEqual(
    lines.filter((line) => /UNHANDLED/.test(line)),
    [],
  )
  // That it was not silence: all of these were heard, as events and as warnings too.
  const missing = EXPECTED.filter((code) => !child.output.includes(code))
  assert.deepEqual(missing, [])
  assert.match(child.output, /, event: ERR_MILLRACE/)
  assert.match(child.output, /MillraceWarning/)
  assert.match(child.output, /WRONGPASS/)
})
