/**
 * A worker that dies at any moment leaves no outcome without its callback, and no callback without its outcome: one
 * script writes both. Each look at all pairs is one script too, so that nothing moves while it is taken.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scene } from '../support/scene.ts'
import { until } from '../support/until.ts'
import { newCall, sender } from '../support/wishes.ts'

const PAIRS = 120
const KILLS = 5

/** Of each pair: whether the task has ended, whether its callback waits, and whether it is listed so. KEYS[1]: P:waiting */
const LOOK = `
  local seen = {}
  for i = 2, #KEYS, 2 do
    local ended, place = redis.call('HEXISTS', KEYS[i], 'end'), redis.call('HGET', KEYS[i + 1], 'entry')
    local listed = redis.call('ZSCORE', KEYS[1], string.match(KEYS[i + 1], '[^:]+$'))
    local waits = place and string.match(place, '^waiting/') ~= nil
    seen[#seen + 1] = ended .. ' ' .. tostring(waits) .. ' ' .. tostring(listed ~= false)
  end
  return seen`

test('kill -9 at random: a callback is in line exactly if its task has ended', async () => {
  await using s = await scene()
  using raw = await sender(s.redis.url, 'spec')
  const pairs = Array.from({ length: PAIRS }, () => {
    const task = newCall('slow', [3])
    return { task, callback: newCall('add', [1], { after: [task.id], policy: 's', take: true }) }
  })
  assert.deepEqual(await raw.send(pairs.flatMap(({ task, callback }) => [task, callback])), [])
  const keys = [
    raw.key('waiting'),
    ...pairs.flatMap(({ task, callback }) => [raw.key(`task:${task.id}`), raw.key(`task:${callback.id}`)]),
  ]
  const look = async (): Promise<number> => {
    const seen = (await raw.client.eval(LOOK, keys.length, ...keys)) as string[]
    assert.deepEqual(
      [...new Set(seen)].filter((pair) => pair !== '1 false false' && pair !== '0 true true'),
      [],
    )
    return seen.filter((pair) => pair === '1 false false').length
  }

  let ended = await look()
  assert.equal(ended, 0)
  assert.equal((await s.queue.counts()).waiting, PAIRS)
  for (let kills = 0; kills < KILLS; kills++) {
    const worker = await s.worker({ concurrency: 2, prefetch: 0, lease: 1_000 })
    const target = ended + Math.ceil(Math.random() * (PAIRS / KILLS / 2))
    await until('some to have ended', async () => {
      ended = await look()
      return ended >= target
    })
    worker.signal('SIGKILL')
    await worker.ended
    ended = await look()
  }
  await s.worker({ concurrency: 10, lease: 1_000 })
  const allEnded = async (): Promise<boolean> => {
    await look()
    return (await s.queue.counts()).ended.succeeded === 2 * PAIRS
  }
  await until('all to have ended', allEnded, 60_000)
  // Whatever had to run twice: each task has one outcome, and its callback got that.
  for (const { task, callback } of pairs) {
    const [first, second] = await Promise.all([task, callback].map(({ id }) => s.queue.getTask(id)))
    assert.deepEqual([first?.state, second?.state, second?.after], ['succeeded', 'succeeded', [task.id]])
    assert.equal(second?.result, Number(first?.result) + 1)
  }
  assert.deepEqual(await raw.client.keys(raw.key('deps:*')), [])
})
