/** Cancelling a task that runs: its handler is told, and its slot is free soon, whatever it does. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { currentTask, TaskCancelledError, type TaskHandle } from '../../lib/index.ts'
import { aborted, type Fresh, freshQueues, gate, rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const { fresh } = freshQueues()
const MINUTE = 60_000
const ONE = { concurrency: 1, prefetch: 0 }

/** Runs until the spec says so, and notes with what it was called. */
function held(s: Fresh) {
  const { passed, open } = gate<string>()
  const ran: string[] = []
  const task = s.queue.task('held', (what: string) => {
    ran.push(what)
    return passed
  })
  return { task, ran, open }
}

const state = async (handle: TaskHandle): Promise<string | undefined> => (await handle.info())?.state
const isState = (handle: TaskHandle, wanted: string) =>
  until(`it to be ${wanted}`, async () => (await state(handle)) === wanted)

/** The caller, and the record, say that it was cancelled, and why. */
async function wasCancelled(handle: TaskHandle, reason: string): Promise<void> {
  const error = await rejection(handle.get({ timeout: 8_000 }))
  assert.ok(error instanceof TaskCancelledError, `${error}`)
  assert.deepEqual(
    [error.message, error.taskId, error.code],
    [reason, handle.id, 'ERR_MILLRACE_TASK_CANCELLED'],
  )
  const info = await handle.info()
  assert.deepEqual([info?.state, (info?.error as Error | undefined)?.message], ['cancelled', reason])
  assert.ok(info?.finishedAt)
}

describe('a task that runs', () => {
  test('its signal aborts with the reason, which the caller and getTask see too, whatever the handler does', async () => {
    await using s = fresh()
    const reasons: Error[] = []
    let begun = 0
    const patient = s.queue.task('patient', async (isGood: boolean) => {
      begun += 1
      const reason = await aborted(currentTask().signal)
      reasons.push(reason)
      if (isGood) return 'ended all the same'
      throw new Error('another')
    })
    await s.work()
    for (const isGood of [true, false]) {
      const handle = patient.with({ retries: 3, backoff: 0 })(isGood)
      await until('it to begin', () => begun === reasons.length + 1)
      assert.equal(await handle.cancel('über: not needed'), 'running')
      await wasCancelled(handle, 'über: not needed')
      assert.equal((await handle.info())?.attempt, 1)
    }
    assert.deepEqual(
      reasons.map((reason) => [reason instanceof TaskCancelledError, reason.message]),
      [
        [true, 'über: not needed'],
        [true, 'über: not needed'],
      ],
    )
  })

  test('of a handler that takes no notice the slot is freed after the grace, and its result is refused', async () => {
    await using s = fresh()
    const { task, ran, open } = held(s)
    const quick = s.queue.task('quick', () => 'done')
    await s.work({ ...ONE, abortGrace: 100 })
    const handle = task('a')
    await until('it to run', () => ran.length === 1)
    assert.equal(await handle.cancel('enough'), 'running')
    assert.equal((await handle.info())?.cancelReason, 'enough', 'it is seen while it runs on')
    assert.equal(await quick().get(), 'done')
    open('too late')
    assert.equal(await quick().get(), 'done')
    await wasCancelled(handle, 'enough')
    assert.equal((await handle.info())?.result, undefined)
  })

  test('another Queue object cancels it by its id', async () => {
    await using s = fresh()
    const { task } = held(s)
    await s.work({ abortGrace: 0 })
    const [running, queued] = [task('a'), task.with({ delay: MINUTE })('b')]
    await isState(running, 'running')
    const other = s.other()
    assert.equal(await other.cancel(running.id, 'by another'), 'running')
    assert.equal(await other.handle(queued.id).cancel('by another'), 'cancelled')
    await wasCancelled(running, 'by another')
    await wasCancelled(queued, 'by another')
  })

  test('without a reason the error names the task', async () => {
    await using s = fresh()
    const { task } = held(s)
    const handle = task('a')
    assert.equal(await handle.cancel(), 'cancelled')
    const error = await rejection(handle.get())
    assert.equal(error.message, `task ${handle.id} was cancelled`)
  })
})
