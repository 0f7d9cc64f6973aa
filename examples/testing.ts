/**
 * Tests without a server: the same tasks on a queue whose clock and work are in the test's hand. Any test library will
 * do; here each test is a function that throws.
 *
 *   in production:  node --import tsx examples/testing.ts worker
 *   its tests:      node --import tsx examples/testing.ts test
 */

import assert from 'node:assert/strict'
import { Queue } from '../lib/index.ts' // in your project: from 'millrace'
import { createTestQueue } from '../lib/testing.ts' // in your project: from 'millrace/testing'

const DAY = 24 * 3_600_000

/** The tasks, for whatever queue they are given. */
export function defineTasks(queue: Queue, post: (to: string, text: string) => Promise<void>) {
  const remind = queue.task('remind', (to: string) => post(to, 'still there?'))
  const welcome = queue.task(
    'welcome',
    async (to: string) => {
      await post(to, 'welcome!')
      remind.with({ delay: 3 * DAY, key: `remind:${to}` })(to)
    },
    { retries: 3, backoff: 60_000 },
  )
  return { welcome, remind }
}

const TESTS = {
  async 'a welcome is posted, and three days later a reminder'() {
    await using queue = createTestQueue()
    const posted: string[] = []
    const { welcome, remind } = defineTasks(queue, async (to, text) => void posted.push(`${to}: ${text}`))
    const { state } = await queue.runTask(welcome, 'ann')
    assert.equal(state, 'succeeded')
    assert.deepEqual(
      queue.calls(remind).map((call) => call.args),
      [['ann']],
    )
    await queue.clock.advance(3 * DAY)
    assert.deepEqual(posted, ['ann: welcome!', 'ann: still there?'])
  },

  async 'a post that fails is tried again after a minute'() {
    await using queue = createTestQueue()
    let isDown = true
    const { welcome } = defineTasks(queue, async () => {
      if (isDown) throw new Error('the post is down')
    })
    const { id, state, nextRunAt } = await queue.runTask(welcome, 'bob')
    assert.deepEqual([state, nextRunAt?.getTime()], ['scheduled', queue.clock.now + 60_000])
    isDown = false
    await queue.clock.advance(60_000)
    const info = await queue.getTask(id)
    assert.deepEqual([info?.state, info?.attempt], ['succeeded', 2])
  },
}

if (process.argv[2] === 'worker') {
  const queue = new Queue('post')
  defineTasks(queue, async (to, text) => console.log(`to ${to}: ${text}`))
  await queue.run()
} else if (process.argv[2] === 'test') {
  for (const [name, test] of Object.entries(TESTS)) {
    await test()
    console.log(`ok: ${name}`)
  }
} else {
  console.log('usage: node --import tsx examples/testing.ts worker | test')
  process.exitCode = 2
}
