/** Every example runs as its first lines say: a worker in one process, the test in another. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { start } from './support/processes.ts'
import { startRedis } from './support/redis.ts'
import { until } from './support/until.ts'

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
  'retries.ts': [
    /^\/flaky by attempt 3\n {2}attempt 1: 503 on attempt 1\n {2}attempt 2: 503 on attempt 2$/m,
    /^\/limited by attempt 2$/m,
    /^failed after 1: 404 not found\nfailed after 1: not a page\nfailed after 2: 503 on attempt 2$/m,
  ],
  'time-limits.ts': [
    /^in time: 10 ms of work, attempt 1$/m,
    /^timeout: failed after 2 attempts, ERR_MILLRACE_TASK_FAILED$/m,
    /^deadline: expired after [01] attempts, ERR_MILLRACE_TASK_EXPIRED$/m,
    /^ttl: expired after 0 attempts, ERR_MILLRACE_TASK_EXPIRED$/m,
  ],
  'cancel.ts': [
    /^before it begins: cancelled\ncancelled: not needed$/m,
    /^now: rendering\nwhile it runs: running\ncancelled: the customer left\nafter its end: cancelled$/m,
    /^TimeoutError\ncancelled: nobody waits for it any more$/m,
  ],
  'later.ts': [
    /^tea is scheduled, due in \d(\.\d)? s$/m,
    /^eggs is scheduled, due in \d(\.\d)? s$/m,
    /^bins is scheduled, due in 8640\d(\.\d)? s$/m,
    /^tea: \d{4,} ms after the call\neggs: (1[5-9]|[2-9]\d|\d{3,})\d\d ms after the call$/m,
    /^bins: scheduled, cancelled$/m,
  ],
  'order.ts': [
    /^in line: alarm \(first\), payment \(high\), ann \(normal\), bob \(normal\), cid \(normal\), archive \(low\)$/m,
    /^cid: moved$/m,
    /^served: alarm, cid, payment, ann, bob, archive$/m,
  ],
  'identity.ts': [
    /^before: none\nthe second joined: true, same task: true\nsame result: true$/m,
    /^ensure: none, then true$/m,
    /^reindexed: version 1, version 3, version 3$/m,
    /^throttled: version 7, version 7$/m,
  ],
  'dead-letters.ts': [
    /^3 × charge: Error: the bank does not answer \(request #\)\n1 × charge: RangeError: order #: -# is less than nothing$/m,
    /^again: 3\norder 1: 10\norder 2: 20\norder 3: 30$/m,
    /^left: charge\(4, -40\)\nremoved\nfailed now: 0$/m,
  ],
  'backpressure.ts': [
    /^12 calls: 5 taken, 7 refused\nERR_MILLRACE_QUEUE_FULL$/m,
    /^with patience: all 12$/m,
    /^paused: true, it is queued\nresumed: 1$/m,
  ],
  'limits.ts': [
    /^11 pings took a second or more\nsyncs of one account at once: 2$/m,
    /^behind 500 of another tenant, served as number 10 or before$/m,
  ],
  'batches.ts': [
    /^indexed 45: document 0 is in a batch of \d+, attempt 1$/m,
    /^alone: an empty document$/m,
    /^inserted 45: some twice$/m,
  ],
  'nested.ts': [/^64 words\ninherited: (19|20) s\nwithout a deadline: undefined$/m],
  'rolling-deploys.ts': [
    /^farewell\(ann\) is parked, attempts: 0\ngoodbye ann$/m,
    /^goodbye bob, goodbye cid, goodbye dan, goodbye eve$/m,
  ],
  'schedules.ts': [
    /^defined: new\nonce more: same\nat nine: changed$/m,
    /^after Christmas Eve: 2026-12-25T07:30:00\.000Z$/m,
    /^now: the morning report\nonce: the only report$/m,
    /^morning: report, paused$/m,
    /^once: report, 0 times to come$/m,
    /^left: 0$/m,
  ],
  'processes.ts': [
    /^100 calls by 1 of 1 processes: \d+\.\d\d s\n100 calls by 2 of 2 processes: \d+\.\d\d s$/m,
    /^one process took \d+\.\d\d times as long as two$/m,
  ],
  'schema.ts': [
    /^4 due on a Thursday$/m,
    /^not sent: customer$/m,
    /^failed: ERR_MILLRACE_SCHEMA at items\.0\.price$/m,
  ],
  'streams.ts': [
    /^You asked: why\? The answer is forty two\.\n8 words$/m,
    /^left at: You\nERR_MILLRACE_TASK_CANCELLED$/m,
    /^97 missed\n20\.98\n20\.99\n21$/m,
    /^part 1\n(part 2\n)?attempt 2\npart 1\npart 2\npart 3$/m,
  ],
  'many.ts': [
    /^squares: 1, 4, 9\nenqueued 20000, refused 0\nthe last: 399960001$/m,
    /^accepted\naccepted\nERR_MILLRACE_QUEUE_FULL$/m,
  ],
  'transactions.ts': [
    /^accepted, then: ann owes 200\ndropped: that is too much\nin another queue: a mail to dan$/m,
    /^ERR_MILLRACE_OPTION: handle\.get: its transaction sends the call when its function has returned; wait for it after that$/m,
  ],
  'callbacks.ts': [
    /^archive: the page of \/home\nann: E_404 404: \/missing\nann saw the last part\narchive is indexed$/m,
    /^ERR_MILLRACE_DEPENDENCY, because of 404: \/missing\narchive is indexed$/m,
  ],
  'several-queues.ts': [
    /^shipped after "A-1: 12\.5 paid"\n2 orders\nA-4: 9 paid\nshipped after "a receipt"$/m,
  ],
  'flows.ts': [
    /^words with an e: 4\nof each letter: 1, 2, 1\ntogether: 4$/m,
    /^succeeded: split, count, count, total\nfailed: not today\ntried again: 2, then 1$/m,
  ],
  'testing.ts': [
    /^ok: a welcome is posted, and three days later a reminder\nok: a post that fails is tried again after a minute$/m,
  ],
}

/** Examples that need more than a Redis, and the specs that run them as their first lines say. */
const ELSEWHERE: Record<string, string> = { 'postgres-outbox.ts': 'spec/postgres-outbox.spec.ts' }

for (const file of readdirSync(new URL('../examples', import.meta.url))) {
  const elsewhere = ELSEWHERE[file]
  test(`examples/${file}${elsewhere ? ` is run by ${elsewhere}` : ''}`, async () => {
    if (elsewhere) return assert.ok(existsSync(elsewhere) && readFileSync(elsewhere, 'utf8').includes(file))
    const expected = EXPECTED[file]
    assert.ok(expected, 'this example says here what it prints')
    await using redis = await startRedis()
    const env = { REDIS_URL: redis.url }
    await using worker = start(`examples/${file}`, { args: ['worker'], env })
    await using caller = start(`examples/${file}`, { args: ['test'], env })
    assert.equal(await caller.ended, 0, caller.output)
    for (const line of expected) assert.match(caller.output, line)
    // A caller that needs no Redis may end before the worker hears signals.
    await until('the worker to be registered', async () => {
      return (await redis.client.keys('millrace:*:workers')).length > 0
    })
    worker.signal('SIGINT')
    assert.equal(await worker.ended, 0, worker.output)
    assert.doesNotMatch(worker.output + caller.output, /Warning|ERR_MILLRACE_REDIS/)
  })
}
