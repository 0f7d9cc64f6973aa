/** Every example runs as its first lines say: a worker in one process, the test in another. */

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { start } from './support/processes.ts'
import { startRedis } from './support/redis.ts'

const EXPECTED: Record<string, RegExp[]> = {
  'rpc.ts': [/^fib\(100000\) has 20899 digits: 420269…537501$/m],
  'background-task.ts': [/^accepted as \S{22}$/m, /^sent 5 characters to bob@example\.org$/m],
  'progress.ts': [/^page \d+ of 20$/m, /^done: 20 pages$/m],
  'inspect.ts': [
    /^resize\(cat\.png, 640\) (queued|running) /m,
    /^resize\(cat\.png, 640\) succeeded \{ progress: 'reading', outcome: 'cat\.png at 640' \}$/m,
    /^ERR_MILLRACE_TASK_FAILED: width must be positive: -1$/m,
    /^resize\(cat\.png, -1\) failed /m,
    /^no-such-task: nothing is known of it$/m,
  ],
}

for (const file of readdirSync(new URL('../examples', import.meta.url))) {
  test(`examples/${file}`, async () => {
    const expected = EXPECTED[file]
    assert.ok(expected, 'this example says here what it prints')
    await using redis = await startRedis()
    const env = { REDIS_URL: redis.url }
    await using worker = start(`examples/${file}`, { args: ['worker'], env })
    await using caller = start(`examples/${file}`, { args: ['test'], env })
    assert.equal(await caller.ended, 0, caller.output)
    for (const line of expected) assert.match(caller.output, line)
    worker.signal('SIGINT')
    assert.equal(await worker.ended, 0, worker.output)
    assert.doesNotMatch(worker.output + caller.output, /Warning|ERR_MILLRACE_REDIS/)
  })
}
