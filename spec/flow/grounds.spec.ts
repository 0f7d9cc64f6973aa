/** The same calls that wait for others, on a queue in Redis and on one in this process: what becomes of them is the same. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { PendingCall } from '../../lib/call/batch.ts'
import { Queue } from '../../lib/index.ts'
import { isEndState, type TaskInfo } from '../../lib/record.ts'
import { gate } from '../support/fresh.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { newCall, type Wishes } from '../support/wishes.ts'

let redis: TestRedis
before(async () => {
  redis = await startRedis()
})
after(() => redis.stop())

interface Stage extends AsyncDisposable {
  readonly queue: Queue
  /** From now on, tasks run. */
  work(): Promise<void>
}

function inRedis(name: string): Stage {
  const queue = new Queue(name, { redis: redis.url })
  queue.on('error', () => {})
  return {
    queue,
    async work() {
      const worker = queue.worker({ lease: 5_000 })
      const ready = new Promise((resolve) => worker.once('ready', resolve))
      void worker.run()
      await ready
    },
    [Symbol.asyncDispose]: () => queue.close(),
  }
}

function inline(name: string): Stage {
  const queue = new Queue(name, { inline: true })
  queue.on('error', () => {})
  return { queue, work: () => queue.resume(), [Symbol.asyncDispose]: () => queue.close() }
}

interface Play {
  readonly queue: Queue
  /** Sent together; answers what became of each: its id, or the code of its refusal. */
  send(...calls: [name: string, args: unknown[], wishes?: Wishes][]): Promise<string[]>
  /** From now on, tasks run; resolves when all have ended that are there. */
  run(): Promise<void>
  /** How it stands, without ids and times. */
  told(id: string): Promise<unknown>
  /** Ends the task `held`, which gives what it is told here. */
  open(value: string): void
}

async function play(stage: Stage, scenario: (play: Play) => Promise<unknown>): Promise<unknown> {
  await using s = stage
  const { queue } = s
  const { passed, open } = gate<string>()
  queue.task('give', (value: unknown) => value)
  queue.task('seen', (...args: unknown[]) => args)
  queue.task('held', () => passed)
  queue.task('fail', (message: string) => {
    throw new Error(message)
  })
  await queue.pause()
  const { services } = queue.remote<(value: unknown) => unknown>('give').prepare(1)
  const ids: string[] = []
  return await scenario({
    queue,
    open,
    async send(...given) {
      const calls = given.map(([name, args, wishes]) => {
        const { id, lane, packed, how } = newCall(name, args, wishes)
        return new PendingCall(id, lane, packed, how)
      })
      for (const call of calls) services.enqueuer.add(call)
      const accepted = await Promise.allSettled(calls.map((call) => call.accepted))
      ids.push(...calls.map(({ id }) => id))
      return accepted.map((one, index) => {
        if (one.status === 'rejected') return String((one.reason as { code?: string }).code)
        return calls[index]!.joined ?? calls[index]!.id
      })
    },
    async run() {
      await queue.resume()
      await s.work()
      const isOver = (info: TaskInfo | null): boolean => !info || isEndState(info.state)
      await until('all to have ended', async () =>
        (await Promise.all(ids.map((id) => queue.getTask(id)))).every(isOver),
      )
    },
    async told(id) {
      const info = await queue.getTask(id)
      if (!info) return null
      const { state, result, attempt, error } = info
      return { state, result, attempt, parents: info.after.length, error: shown(error) }
    },
  })
}

function shown(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined
  const { name, message, code, cause } = error as Error & { code?: unknown }
  const text = message.replace(/[\w-]{21,22}/g, '<id>')
  return [name, code, text, ...(cause === undefined ? [] : [shown(cause)])]
}

const all = (p: Play, ids: readonly string[]): Promise<unknown[]> => Promise.all(ids.map((id) => p.told(id)))
const ID = (n: number): string => `task-${n}-of-the-grounds-spec`

const SCENARIOS: Record<string, (p: Play) => Promise<unknown>> = {
  async 'a chain with results'(p) {
    const ids = await p.send(
      ['give', [1], { id: ID(1) }],
      ['seen', ['own'], { id: ID(2), after: [ID(1)], take: true }],
      ['seen', [], { after: [ID(2), ID(1)], take: true, options: { inputs: 'list' } }],
    )
    assert.equal((await p.queue.getTask(ids[2]!))?.state, 'waiting')
    await p.run()
    const seen = await all(p, ids)
    assert.deepEqual((seen[2] as { result: unknown }).result, [[[1, 'own'], 1]])
    return seen
  },

  async 'a failure, under each policy, and what stands behind'(p) {
    const after = [ID(1)]
    const ids = await p.send(
      ['fail', ['broken'], { id: ID(1) }],
      ['give', [1], { id: ID(2), after }],
      ['give', [1], { after: [ID(2)] }],
      ['give', [1], { after: [ID(2)], policy: 'c' }],
      ['seen', [], { after, policy: 'r', take: true, options: { inputs: 'settled' } }],
      ['give', [1], { id: ID(3), after, policy: 's' }],
      ['give', [1], { after: [ID(3)], policy: 'c' }],
      ['seen', [], { after, policy: 'e', take: true, options: { inputs: 'error' } }],
    )
    await p.run()
    return [await all(p, ids), (await p.queue.counts()).ended]
  },

  async 'a success, and the callbacks of both kinds'(p) {
    const ids = await p.send(
      ['give', ['good'], { id: ID(1) }],
      ['seen', [], { after: [ID(1)], policy: 's', take: true }],
      ['seen', [], { after: [ID(1)], policy: 'e', take: true }],
    )
    await p.run()
    const [, , vanished] = await all(p, ids)
    assert.equal(vanished, null)
    return [await all(p, ids), (await p.queue.counts()).ended]
  },

  async 'parents that have ended before'(p) {
    const first = await p.send(['give', ['good']], ['fail', ['broken']])
    await p.run()
    const ids = await p.send(
      ['seen', [], { after: first, policy: 'r', take: true, options: { inputs: 'settled' } }],
      ['give', [1], { after: first }],
      ['seen', [], { after: [first[0]!], take: true }],
    )
    await p.run()
    return all(p, ids)
  },

  async 'parents that nobody knows, or that come later'(p) {
    const answers = await p.send(
      ['give', [1], { id: ID(1), after: ['nobody'] }],
      ['give', [2], { id: ID(2), after: [ID(1)] }],
      ['give', [3], { id: ID(3), after: [ID(4)] }],
      ['give', [4], { id: ID(4) }],
    )
    assert.deepEqual(answers.slice(0, 3), Array(3).fill('ERR_MILLRACE_UNKNOWN_PARENT'))
    await p.run()
    return [answers, await all(p, [ID(1), ID(2), ID(3), ID(4)])]
  },

  async 'a parent that joins another, and a child with a key'(p) {
    const ids = await p.send(
      ['give', ['held'], { id: ID(1), key: 'k' }],
      ['give', ['joins'], { id: ID(2), key: 'k' }],
      ['seen', [], { id: ID(3), after: [ID(2)], take: true, key: 'j' }],
      ['seen', [], { id: ID(4), after: [ID(1)], take: true, key: 'j' }],
    )
    assert.deepEqual(ids, [ID(1), ID(1), ID(3), ID(3)])
    await p.run()
    return all(p, ids)
  },

  async 'a parent that is cancelled while it waits, and one while it runs'(p) {
    const ids = await p.send(
      ['held', [], { id: ID(1) }],
      ['give', [1], { id: ID(2), after: [ID(1)] }],
      ['give', [1], { id: ID(3), after: [ID(2)], policy: 'e' }],
      ['seen', [], { after: [ID(2)], policy: 'r', take: true, options: { inputs: 'settled' } }],
    )
    assert.equal(await p.queue.cancel(ID(2), 'enough'), 'cancelled')
    p.open('')
    await p.run()
    return all(p, ids)
  },

  async 'redriven with its parent'(p) {
    const ids = await p.send(
      ['fail', ['broken'], { id: ID(1) }],
      ['give', [1], { id: ID(2), after: [ID(1)] }],
    )
    await p.run()
    const first = await all(p, ids)
    const answers = [await p.queue.retry(ID(2)), await p.queue.retry(ID(1)), await p.queue.retry('nobody')]
    await p.run()
    return [first, answers, await all(p, ids)]
  },
}

describe('of calls that wait for others users see the same', () => {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    test(name, async () => {
      const queue = name.replace(/\W+/g, '-')
      const [there, here] = await Promise.all([play(inRedis(queue), scenario), play(inline(queue), scenario)])
      assert.deepEqual(here, there)
    })
  }
})
