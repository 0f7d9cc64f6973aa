/** Answers: when a main loop counts as blocked, and how often a question is answered. With a Redis of one function. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Runner } from '../../lib/redis/runner.ts'
import type { WorkerStacks } from '../../lib/redis/stacks.ts'
import { Answers } from '../../lib/upkeep/answers.ts'
import { Begun } from '../../lib/upkeep/begun.ts'
import { until } from '../support/until.ts'

/** Of a worker in a thread, so that nothing is ever paused. */
function scene() {
  const written = new Map<string, WorkerStacks>()
  const status = { calls: 0, failures: 0 }
  const client = {
    async set(key: string, value: string) {
      if (status.failures > 0) {
        status.failures -= 1
        throw new Error('no')
      }
      assert.ok(!written.has(key), 'answered twice')
      written.set(key, JSON.parse(value))
    },
  }
  const runner = {
    keys: { prefix: 'P' },
    run: async () => [],
    connection: { send: (command: (to: typeof client) => Promise<void>) => command(client) },
  } as unknown as Runner
  const answers = new Answers({
    ...{ runner, begun: new Begun(), isMain: false, ready: async () => {} },
    call: () => {
      status.calls += 1
    },
  })
  return { answers, written, status }
}

describe('a main loop', () => {
  test('that has not heard the last beat, and then hears both calls, is not blocked', async () => {
    const { answers, written, status } = scene()
    answers.call()
    await delay(20)
    answers.asked('w1', 'q1')
    await until('it to be called', () => status.calls === 2)
    await delay(20)
    answers.heard()
    assert.equal(written.size, 0, 'one call is open still')
    answers.heard()
    const { blocked, problem } = await until('the answer', () => written.get('P:answer:q1'))
    assert.deepEqual([blocked, problem], [0, undefined])
  })

  test('that hears nothing is blocked since the first call that it did not hear', async () => {
    const { answers, written } = scene()
    answers.call()
    const before = performance.now()
    await delay(100)
    answers.asked('w1', 'q1')
    const { blocked, stack, problem } = await until('the answer', () => written.get('P:answer:q1'))
    assert.ok(blocked! >= 90 && blocked! <= performance.now() - before + 10)
    assert.deepEqual([stack, problem], [undefined, 'it is a thread of its process, and not the main one'])
  })
})

test('a question is answered once, by whichever way it comes; one that could not be answered, when it comes again', async () => {
  const { answers, written, status } = scene()
  status.failures = 1
  answers.asked('w1', 'q1')
  answers.heard()
  await until('the failure', () => status.failures === 0)
  await until('it to be answered after all', () => {
    answers.asked('w1', 'q1')
    return written.get('P:answer:q1')
  })
  for (let i = 0; i < 3; i++) answers.asked('w1', 'q1')
  answers.asked('w1', 'q2')
  await until('the second', () => written.get('P:answer:q2'))
  assert.equal(written.size, 2)
})
