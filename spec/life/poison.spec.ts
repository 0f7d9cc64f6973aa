/** Tasks that kill the process that runs them: they end, and their neighbours do not suffer for them. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OptionError, type TaskFailedError, type WorkerOptions } from '../../lib/index.ts'
import { type Fresh, freshQueues, rejection } from '../support/fresh.ts'
import { type Child, start } from '../support/processes.ts'

const on = freshQueues()
const { fresh } = on

type Killer = (how: 'kill' | 'exit') => void
type Neighbour = (ms: number) => number

/** Worker processes of a queue; one that dies is followed by another, as under a supervisor. */
async function crew(s: Fresh, size: number, options: WorkerOptions) {
  const env = { REDIS_URL: on.redis.url, QUEUE: s.queue.name }
  const args = [JSON.stringify({ lease: 1_000, ...options })]
  const all: Child[] = []
  let isOver = false
  const hire = (): void => {
    if (isOver) return
    const child = start('spec/life/support/worker.ts', { args, env })
    all.push(child)
    void child.ended.then(hire)
  }
  for (let i = 0; i < size; i++) hire()
  await all[0]!.prints('ready')
  return {
    /** How often each line was printed, by all of them. */
    lines: () => all.flatMap(({ output }) => output.split('\n')),
    all,
    async [Symbol.asyncDispose]() {
      isOver = true
      await Promise.all(all.map((child) => child[Symbol.asyncDispose]()))
    },
  }
}

// Each waits mostly for processes to start and for leases to end.
describe('a task that kills', { concurrency: 2 }, () => {
  for (const how of ['kill', 'exit'] as const) {
    test(`a task that ends its process (${how}) runs maxCrashes times and fails as poison; its neighbours end well`, async () => {
      await using s = fresh()
      // Three neighbours and the killer are held together at first.
      const neighbours = Array.from({ length: 3 }, () => s.queue.remote<Neighbour>('neighbour')(400))
      const killer = s.queue.remote<Killer>('killer')(how)
      const later = Array.from({ length: 5 }, () => s.queue.remote<Neighbour>('neighbour')(10))
      await Promise.all([...neighbours, killer, ...later].map((call) => call.enqueued))
      await using workers = await crew(s, 1, { concurrency: 4, maxCrashes: 3 })
      const error = await rejection<TaskFailedError>(killer.get({ timeout: 60_000 }))
      const cause = error.cause as Error & { code: string }
      assert.deepEqual([cause.name, cause.code], ['PoisonTaskError', 'ERR_MILLRACE_POISON'])
      assert.match(cause.message, /^3 workers died while they ran this task: /)

      const killings = workers.lines().filter((line) => line.startsWith(`killing ${killer.id}`))
      // A process that gets no time for as long as its lease counts as dead too.
      assert.ok(killings.length > 0 && killings.length <= 3, `${killings.length} times`)
      // The message names the three workers that died of it.
      const killed = workers.all.filter(({ output }) => output.includes('killing'))
      for (const { output } of killed) {
        const ids = [...output.matchAll(/^ready (\S+)/gm)].map(([, id]) => id!)
        assert.ok(
          ids.some((id) => cause.message.includes(id)),
          `${ids} in: ${cause.message}`,
        )
      }

      for (const call of [...neighbours, ...later]) {
        assert.equal(typeof (await call.get({ timeout: 60_000 })), 'number')
        const info = await call.info()
        assert.ok(info?.state === 'succeeded' && info.crashes < 3, `${info?.crashes} crashes`)
      }
      const info = await killer.info()
      assert.deepEqual([info?.state, info?.crashes, info?.attempt, info?.args], ['failed', 3, 3, [how]])

      // The third time it ran alone: nothing else had begun in that process and not ended.
      const last = killed.at(-1)!.output
      const begun = [...last.matchAll(/^start (\S+)/gm)].map(([, id]) => id)
      const ended = [...last.matchAll(/^end (\S+)/gm)].map(([, id]) => id)
      if (killings.length === 3) assert.deepEqual(begun.sort(), ended.sort(), last)
    })
  }

  test('with maxCrashes 1 the first death is the end of all that the worker held', async () => {
    await using s = fresh()
    const killer = s.queue.remote<Killer>('killer')('kill')
    await killer.enqueued
    await using workers = await crew(s, 1, { concurrency: 1, maxCrashes: 1 })
    const error = await rejection<TaskFailedError>(killer.get({ timeout: 30_000 }))
    assert.match((error.cause as Error).message, /^1 workers? died/)
    assert.ok(workers.lines().filter((line) => line.startsWith('killing')).length <= 1)
  })

  test('a poisoned task can be run again, and has all its crashes before it', async () => {
    await using s = fresh()
    const killer = s.queue.remote<Killer>('killer')('exit')
    await using workers = await crew(s, 2, { concurrency: 2, maxCrashes: 2 })
    await rejection(killer.get({ timeout: 30_000 }))
    assert.equal(await s.queue.retry(killer.id), 'retried')
    await rejection(s.other().handle(killer.id).get({ timeout: 30_000 }))
    const info = await killer.info()
    assert.deepEqual([info?.state, info?.crashes, info?.errors.length], ['failed', 2, 1])
    const killings = workers.lines().filter((line) => line.startsWith('killing')).length
    assert.ok(killings > 0 && killings <= 4, `${killings} times`)
  })

  test('a maxCrashes that cannot be is refused', () => {
    const s = fresh()
    for (const maxCrashes of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => s.queue.worker({ maxCrashes }), OptionError)
    }
  })
})
