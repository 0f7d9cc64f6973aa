/**
 * Progress and the calls that hear of it are one step: a worker that dies leaves both or neither, and one that has lost its
 * task leaves neither. Each look at all tasks is one script, so that nothing moves while it is taken.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { P, scene } from '../support/scene.ts'
import { until } from '../support/until.ts'

const TASKS = 40
const KILLS = 3
const STEPS = 4

/** Of each task: whether it has ended, whether the newest progress is the newest that was told, whether that call is there. */
const LOOK = `
  local seen = {}
  for i = 1, #KEYS do
    local record = redis.call('HMGET', KEYS[i], 'end', 'version', 'heard', 'told:0')
    local is_there = not record[4] or redis.call('EXISTS', KEYS[i] .. '.0.' .. record[4]) == 1
    seen[i] = tostring(record[1] ~= false) .. ' ' .. tostring(record[2] == record[3]) .. ' ' .. tostring(is_there)
  end
  return seen`

test('kill -9 at random: a call of the newest progress is there exactly if that is recorded', async () => {
  await using s = await scene()
  const call = s.tasks.steps.with({ onProgress: { call: s.tasks.echo.prepare(), withProgress: true } })
  const handles = Array.from({ length: TASKS }, () => call(STEPS, 2))
  await Promise.all(handles.map(({ enqueued }) => enqueued))
  const keys = handles.map(({ id }) => `${P}:task:${id}`)
  const look = async (): Promise<number> => {
    const seen = (await s.redis.client.eval(LOOK, keys.length, ...keys)) as string[]
    assert.deepEqual(
      seen.filter((one) => !one.endsWith(' true true')),
      [],
    )
    return seen.filter((one) => one.startsWith('true')).length
  }

  let ended = await look()
  assert.equal(ended, 0)
  for (let kills = 0; kills < KILLS; kills++) {
    const worker = await s.worker({ concurrency: 3, prefetch: 0, lease: 1_000 })
    const target = ended + Math.ceil(Math.random() * (TASKS / KILLS / 2))
    await until('some to have ended', async () => {
      ended = await look()
      return ended >= target
    })
    worker.signal('SIGKILL')
    await worker.ended
    ended = await look()
  }
  await s.worker({ concurrency: 10, lease: 1_000 })
  await until('all to have ended', async () => (await look()) === TASKS, 60_000)
  // Whatever was passed over on the way, and whoever died: the last of each is heard of.
  for (const { id } of handles) {
    const told = await s.redis.client.hget(`${P}:task:${id}`, 'told:0')
    assert.deepEqual(await s.queue.handle(`${id}.0.${told}`).get(), { step: STEPS, of: STEPS })
  }
})

test('a worker that was taken for dead, and goes on reporting, makes no calls', async () => {
  await using s = await scene()
  const paused = await s.worker({ concurrency: 1, prefetch: 0, lease: 1_000 })
  // Nobody runs them: the one slot is taken.
  const call = s.tasks.chatter.with({ onProgress: s.tasks.echo.with({ priority: 'low' }).prepare(1) })
  const { id } = call()
  const record = (): Promise<Record<string, string>> => s.redis.client.hgetall(`${P}:task:${id}`)
  await until('it to report', async () => (await record())['told:0'] === '1')
  paused.signal('SIGSTOP')
  const other = await s.worker({ concurrency: 2, lease: 1_000 })
  await until('it to run elsewhere', () => other.output.includes(`running ${id} attempt 2`))
  await s.queue.handle(`${id}.0.1`).get()
  // The next report would make another.
  const before = await record()
  paused.signal('SIGCONT')
  await until('the first to be told', () => paused.output.includes('aborted'))
  assert.deepEqual(await record(), before)
  assert.equal(await s.queue.getTask(`${id}.0.2`), null)
  await s.queue.handle(id).cancel()
})
