/** Handlers that block the event loop past their limit: real processes, ended by their own watchdog. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { TaskExpiredError, TaskFailedError } from '../lib/index.ts'
import type { Child } from './support/processes.ts'
import { leftovers, registered, type Scene, scene } from './support/scene.ts'
import { until } from './support/until.ts'

const FOR_EVER = 600_000
/** Longer than the next worker may take to be up. */
const WAIT = { timeout: 90_000 }

const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => assert.fail(`it gave ${String(value)}`),
    (error: unknown) => error,
  )

async function assertTimesOut(promise: Promise<unknown>, timeout: number): Promise<void> {
  const error = await errorOf(promise)
  assert.ok(error instanceof TaskFailedError, String(error))
  const cause = error.cause as Error & { code: string }
  assert.deepEqual([cause.name, cause.code], ['TaskTimeoutError', 'ERR_MILLRACE_TASK_TIMEOUT'])
  assert.match(cause.message, new RegExp(`timeout of ${timeout} ms`))
}

/** The worker's thread is up: only from then on somebody looks after the handlers. */
const watching = ({ redis }: Scene): Promise<boolean> =>
  until('its thread to be connected', async () => {
    return String(await redis.client.client('LIST')).includes('millrace:heartbeat')
  })

/** Tasks that run for long on this process. */
async function neighbours({ tasks }: Scene, on: Child, count: number) {
  const calls = Array.from({ length: count }, () => tasks.slow(3_000))
  for (const { id } of calls) await on.prints(`running ${id} attempt 1`)
  return calls.map((call) => ({ call, wait: call.get(WAIT) }))
}

/** They are in line again although nobody is there to recover them. */
async function assertGivenBack(all: Awaited<ReturnType<typeof neighbours>>): Promise<void> {
  for (const { call } of all) assert.equal((await call.info())?.state, 'queued')
}

/** They run on this process, and nobody is charged with a crash. */
async function assertTaken(on: Child, all: Awaited<ReturnType<typeof neighbours>>): Promise<void> {
  for (const { call } of all) await on.prints(`running ${call.id} attempt 2`)
  for (const { call, wait } of all) {
    assert.equal(await wait, on.pid)
    const info = await call.info()
    assert.deepEqual([info?.state, info?.attempt, info?.crashes], ['succeeded', 2, 0])
  }
}

test('a handler that blocks for ever costs its process; its neighbours run elsewhere at once, uncharged', async () => {
  await using stage = await scene()
  const first = await stage.worker({ concurrency: 5 })
  const all = await neighbours(stage, first, 4)
  const blocking = stage.tasks.block.with({ timeout: 300 })(FOR_EVER)
  await assertTimesOut(blocking.get(WAIT), 300)
  assert.equal(await first.ended, 'SIGKILL')
  const line = `millrace: task ${blocking.id} (block) kept the event loop past its timeout of 300 ms`
  assert.ok(first.output.includes(line), first.output)
  assert.deepEqual(await registered(stage.redis), [], 'it has left')
  await assertGivenBack(all)

  const second = await stage.worker()
  await assertTaken(second, all)
  const info = await blocking.info()
  assert.deepEqual([info?.state, info?.attempt, info?.crashes], ['failed', 1, 0])
  second.signal('SIGTERM')
  assert.equal(await second.ended, 0)
  assert.deepEqual(await leftovers(stage.redis), { entries: 0, pending: 0, consumers: 0 })
})

test('with retries another worker runs it again; attempt and error are kept', async () => {
  await using stage = await scene()
  const first = await stage.worker()
  const call = stage.tasks.blockOnce.with({ timeout: 300, retries: 1, backoff: 50 })(FOR_EVER)
  const wait = call.get(WAIT)
  assert.equal(await first.ended, 'SIGKILL')
  const between = await call.info()
  assert.deepEqual([between?.attempt, between?.crashes], [1, 0])
  const second = await stage.worker()
  assert.equal(await wait, second.pid)
  const info = await call.info()
  assert.deepEqual([info?.state, info?.attempt, info?.crashes], ['succeeded', 2, 0])
  const [error] = info!.errors
  assert.equal(error?.attempt, 1)
  assert.equal((error.error as Error).name, 'TaskTimeoutError')
})

test('a task whose every attempt blocks fails when its retries are used up, after as many processes', async () => {
  await using stage = await scene()
  const workers = [await stage.worker(), await stage.worker(), await stage.worker()]
  const call = stage.tasks.block.with({ timeout: 200, retries: 1, backoff: 0 })(FOR_EVER)
  await assertTimesOut(call.get(WAIT), 200)
  const info = await call.info()
  assert.deepEqual([info?.state, info?.attempt, info?.crashes], ['failed', 2, 0])
  await until('two of them to have ended', () => {
    return workers.filter(({ output }) => output.includes('this process ends')).length === 2
  })
  assert.equal(stage.journal().filter(([id]) => id === call.id).length, 2)
  assert.equal(typeof (await stage.tasks.slow(1).get(WAIT)), 'number', 'the third goes on')
})

test('past its deadline a task expires so', async () => {
  await using stage = await scene()
  const worker = await stage.worker()
  const call = stage.tasks.block.with({ deadline: 5_000, retries: 5 })(FOR_EVER)
  await worker.prints(`blocking ${call.id}`)
  const error = await errorOf(call.get(WAIT))
  assert.ok(error instanceof TaskExpiredError, String(error))
  assert.equal(await worker.ended, 'SIGKILL')
  assert.match(worker.output, /kept the event loop past its deadline/)
  assert.equal((await call.info())?.state, 'expired')
})

test('all workers of the process give back what they hold', async () => {
  await using stage = await scene()
  const first = await stage.worker([{ concurrency: 3 }, { concurrency: 3 }])
  const all = await neighbours(stage, first, 4)
  const blocking = stage.tasks.block.with({ timeout: 300 })(FOR_EVER)
  await assertTimesOut(blocking.get(WAIT), 300)
  assert.equal(await first.ended, 'SIGKILL')
  assert.deepEqual(await registered(stage.redis), [])
  await assertGivenBack(all)
  await assertTaken(await stage.worker(), all)
})

test('where Redis is away the process ends all the same, even if the handler returns meanwhile', async () => {
  await using stage = await scene({ redis: { args: ['--appendonly', 'yes', '--appendfsync', 'always'] } })
  const lease = 2_000
  const first = await stage.worker({ lease })
  await watching(stage)
  // Claimed after 0.8 s or a little more, and ended 2 s later: it returns in between.
  const call = stage.tasks.blockOnce.with({ timeout: 300 })(2_500)
  const wait = call.get(WAIT)
  await first.prints(`blocking ${call.id}`)
  await stage.redis.kill()
  assert.equal(await first.ended, 'SIGKILL')
  assert.match(first.output, /Redis did not answer/)
  await stage.redis.restart()
  const second = await stage.worker({ lease })
  assert.equal(await wait, second.pid)
  assert.equal((await call.info())?.crashes, 1)
})

test('a handler that returns a little too late has timed out, and its process goes on', async () => {
  await using stage = await scene()
  const worker = await stage.worker()
  await assertTimesOut(stage.tasks.block.with({ timeout: 50 })(100).get(WAIT), 50)
  const expired = await errorOf(stage.tasks.block.with({ deadline: 200 })(300).get(WAIT))
  assert.ok(expired instanceof TaskExpiredError, String(expired))
  assert.equal(await stage.tasks.block.with({ timeout: 60_000, deadline: 60_000 })(10).get(WAIT), worker.pid)
})

test('with onOverrun: report the process waits for it and says so', async () => {
  await using stage = await scene()
  const worker = await stage.worker({ onOverrun: 'report' })
  const call = stage.tasks.block.with({ timeout: 100 })(2_000)
  await assertTimesOut(call.get(WAIT), 100)
  await worker.prints(`error task ${call.id} (block) kept the event loop past its timeout of 100 ms`)
  assert.equal(await stage.tasks.slow(1).get(WAIT), worker.pid)
})

test('a process that was paused has not used its time', async () => {
  await using stage = await scene()
  const worker = await stage.worker()
  await watching(stage)
  const call = stage.tasks.block.with({ timeout: 2_500 })(2_000)
  const wait = assertTimesOut(call.get(WAIT), 2_500)
  await worker.prints(`blocking ${call.id}`)
  worker.signal('SIGSTOP')
  await delay(4_000)
  worker.signal('SIGCONT')
  await wait
  const ended = worker.ended.then((how) => assert.fail(`it ended (${how}): ${worker.output}`))
  assert.equal(await Promise.race([stage.tasks.slow(1).get(WAIT), ended]), worker.pid)
})

test('a handler without a limit may block for as long as it likes', async () => {
  await using stage = await scene()
  const worker = await stage.worker()
  const [limited] = [stage.tasks.slow.with({ timeout: 1_000 })(10)]
  assert.equal(await limited.get(WAIT), worker.pid)
  assert.equal(await stage.tasks.block(2_500).get(WAIT), worker.pid)
})
