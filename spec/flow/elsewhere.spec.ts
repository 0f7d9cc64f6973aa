/** Tasks of several queues that belong together: callbacks, parents and steps of flows, on one Redis and on another. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import {
  chain,
  chord,
  type DependencyError,
  group,
  OptionError,
  Queue,
  type QueueOptions,
} from '../../lib/index.ts'
import { rejection } from '../support/fresh.ts'
import { definePlaces } from '../support/places.ts'
import { start } from '../support/processes.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

let redis: TestRedis
let count = 0
before(async () => {
  redis = await startRedis()
})
after(() => redis.stop())

interface Place extends AsyncDisposable {
  readonly queue: Queue
  readonly tasks: ReturnType<typeof definePlaces>
  readonly errors: Error[]
  work(): Promise<void>
}

function place(options: QueueOptions = {}): Place {
  count += 1
  const queue = new Queue(`q${count}`, { redis: redis.url, ...options })
  const errors: Error[] = []
  queue.on('error', (error) => errors.push(error))
  return {
    ...{ queue, errors, tasks: definePlaces(queue) },
    async work() {
      const worker = queue.worker({ concurrency: 5, lease: 5_000 })
      const ready = once(worker, 'ready')
      void worker.run()
      await ready
    },
    [Symbol.asyncDispose]: () => queue.close(),
  }
}

/** Results of a queue's tasks of that name, which have no handles here. */
async function resultsOf(queue: Queue, url = redis.url): Promise<unknown[]> {
  await using admin = new Queue(queue.name, { redis: url })
  const ids = (await redisKeys(url, `millrace:{${queue.name}}:task:*`)).map((key) => key.split(':task:')[1]!)
  const infos = await Promise.all(ids.map((id) => admin.getTask(id)))
  return infos.filter((info) => info?.state === 'succeeded').map((info) => info?.result)
}
const clients = new Map<string, TestRedis>()
async function redisKeys(url: string, pattern: string): Promise<string[]> {
  return (clients.get(url) ?? redis).client.keys(pattern)
}
const keysOf = (queue: Queue): Promise<string[]> => redisKeys(redis.url, `millrace:{${queue.name}}:*`)

describe('callbacks in other queues', () => {
  test('come with the result or the error, and leave nothing behind where they were called', async () => {
    await using here = place()
    await using there = place()
    await Promise.all([here.work(), there.work()])
    const { sum, fail } = here.tasks
    const call = { call: there.tasks.note.prepare('ours'), withResult: true } as const
    assert.equal(
      await sum
        .with({ onSuccess: call, onFailure: there.tasks.note.prepare('never') })(1, 2)
        .get(),
      3,
    )
    const failing = fail.with({ onFailure: { call: there.tasks.note.prepare(), withError: true } })()
    await rejection(failing.get())
    await until('both to have run there', async () => (await resultsOf(there.queue)).length === 2)
    const results = await resultsOf(there.queue)
    const error = { name: 'RangeError', message: `not in ${here.queue.name}`, state: 'failed' }
    assert.deepEqual(new Set(results), new Set(['[3,"ours"]', JSON.stringify([{ ...error }])]))
    await until('the letters to be done', async () =>
      (await keysOf(here.queue)).every((key) => !/:(outbox|deps:)/.test(key)),
    )
    const left = (await keysOf(here.queue)).filter((key) => key.includes(':task:'))
    assert.equal(left.length, 2, 'the two tasks themselves')
    assert.deepEqual([here.errors, there.errors], [[], []])
  })

  test('of callbacks, there and back', async () => {
    await using here = place()
    await using there = place()
    await Promise.all([here.work(), there.work()])
    const back = { call: here.tasks.note.prepare('back'), withResult: true } as const
    const add = { call: there.tasks.sum.with({ onSuccess: back }).prepare(10), withResult: true } as const
    assert.equal(await here.tasks.sum.with({ onSuccess: add })(1).get(), 1)
    await until('it to have come back', async () => (await resultsOf(here.queue)).includes('[11,"back"]'))
  })
})

describe('parents in other queues', () => {
  test('are waited for, whether they run, have ended well or not', async () => {
    await using here = place()
    await using there = place()
    await Promise.all([here.work(), there.work()])
    const ended = there.tasks.sum(1)
    await ended.get()
    const running = there.tasks.sum(2, { ms: 50 })
    const call = here.tasks.sum.with({ after: [ended, running] })
    assert.equal(await call(5).get(), 5)
    assert.equal((await running.info())?.state, 'succeeded', 'it had ended')
    const error = await rejection(here.tasks.sum.with({ after: there.tasks.fail() })(1).get())
    const cause = error.cause as DependencyError
    assert.equal(cause.name, 'DependencyError')
    assert.equal((cause.cause as Error).message, `not in ${there.queue.name}`)
    assert.equal(await here.tasks.sum.with({ after: there.tasks.fail(), onParentFailure: 'run' })(7).get(), 7)
  })
})

describe('flows over several queues', () => {
  test('hand results on in both directions, and end in either', async () => {
    await using here = place()
    await using there = place()
    await Promise.all([here.work(), there.work()])
    const [a, b] = [here.tasks.sum, there.tasks.sum]
    const flow = chain(a.prepare(1), b.prepare(10), a.prepare(100), b.prepare(1_000)).start()
    assert.equal(await flow.get(), 1_111)
    const fan = chord(
      group([a.prepare(1), b.prepare(2), b.prepare(3)]),
      there.tasks.note.prepare('all'),
    ).start()
    assert.equal(await fan.get(), '[[1,2,3],"all"]')
    const first = chain(b.prepare(1), a.prepare(2)).start()
    assert.equal(await first.get(), 3)
    const tree = await flow.tree()
    assert.equal(tree.state, 'succeeded')
    assert.deepEqual(
      tree.tasks.map(({ state }) => state),
      Array(4).fill('succeeded'),
    )
    assert.equal((await here.queue.counts()).ended.succeeded, 4, 'each is counted where it ran')
  })

  test('fail by a step there; a retry of the flow runs it again there', async () => {
    await using here = place()
    await using there = place()
    await Promise.all([here.work(), there.work()])
    let isBroken = true
    const flaky = there.queue.task('flaky', (n: number) => {
      if (isBroken) throw new Error('broken')
      return n + 1
    })
    const flow = chain(here.tasks.sum.prepare(1), flaky.prepare(), here.tasks.sum.prepare(10)).start()
    const error = await rejection(flow.get())
    assert.equal(((error.cause as Error).cause as Error).message, 'broken')
    isBroken = false
    assert.equal(await flow.retry(), 2)
    assert.equal(await flow.get(), 12)
  })

  test('cancelled: what runs there is told', async () => {
    await using here = place()
    await using there = place()
    await Promise.all([here.work(), there.work()])
    const flow = chain(
      here.tasks.sum.prepare(1),
      there.tasks.sum.prepare({ ms: 60_000 }),
      here.tasks.sum.prepare(),
    ).start()
    const id = flow.handles[1]!.id
    await until('it to run there', async () => (await there.queue.getTask(id))?.state === 'running')
    const seen = (await flow.tree()).tasks.map(({ state }) => state)
    assert.deepEqual(seen, ['succeeded', 'running', 'waiting'], 'the tree is live, wherever they run')
    assert.equal((await here.queue.getTask(id))?.worker, (await there.queue.getTask(id))?.worker)
    assert.equal(await flow.cancel('enough'), 2)
    await until(
      'it to be cancelled there',
      async () => (await there.queue.getTask(id))?.state === 'cancelled',
    )
    assert.equal((await there.queue.getTask(id))?.error instanceof Error, true)
  })
})

describe('another Redis', () => {
  test('callbacks go there by a name that callers and workers have for it', async () => {
    await using far = await startRedis()
    clients.set(far.url, far)
    await using there = place({ redis: far.url })
    await using here = place({ others: { billing: there.queue } })
    await Promise.all([here.work(), there.work()])
    const call = { call: there.tasks.note.prepare('far'), withResult: true } as const
    assert.equal(await here.tasks.sum.with({ onSuccess: call })(4).get(), 4)
    await until('it to have run there', async () =>
      (await resultsOf(there.queue, far.url)).includes('[4,"far"]'),
    )
    await until('nothing to be left', async () =>
      (await keysOf(here.queue)).every((key) => !/:(outbox|deps:)/.test(key)),
    )
  })

  test('that is away: the letter waits, and is brought when it is back', { timeout: 90_000 }, async () => {
    await using far = await startRedis()
    const { url } = far
    clients.set(url, far)
    await using there = place({ redis: url })
    await using here = place({ others: { billing: there.queue } })
    await here.work()
    await far.kill()
    assert.equal(
      await here.tasks.sum
        .with({ onSuccess: there.tasks.note.prepare('late') })(4)
        .get(),
      4,
    )
    assert.equal(
      (await keysOf(here.queue)).some((key) => key.endsWith(':outbox')),
      true,
    )
    await far.restart()
    await there.work()
    await until(
      'it to have run there',
      async () => (await resultsOf(there.queue, url)).includes('["late"]'),
      40_000,
    )
  })

  test('kill -9 of the worker that is on its way there: another one brings the letter', {
    timeout: 90_000,
  }, async () => {
    await using far = await startRedis()
    clients.set(far.url, far)
    await using there = place({ redis: far.url })
    await using here = place({ others: { billing: there.queue } })
    const work = () =>
      start('spec/support/places.ts', {
        args: [here.queue.name, there.queue.name, far.url],
        env: { REDIS_URL: redis.url },
      })
    const outbox = `millrace:{${here.queue.name}}:outbox`
    await using victim = work()
    // It takes what it is sent, and answers nothing.
    far.pause()
    assert.equal(
      await here.tasks.sum
        .with({ onSuccess: there.tasks.note.prepare('once') })(4)
        .get(),
      4,
    )
    await until('the letter to be claimed', async () => {
      const [, due] = await redis.client.zrange(outbox, '0', '-1', 'WITHSCORES')
      return Number(due) > Date.now()
    })
    victim.signal('SIGKILL')
    await victim.ended
    far.resume()
    await using _next = work()
    await there.work()
    await until('it to have run there', async () =>
      (await resultsOf(there.queue, far.url)).includes('["once"]'),
    )
    await until('the letter to be gone', async () => (await redis.client.exists(outbox)) === 0)
  })

  test('a worker that has no name for it says so, and the letter stays', async () => {
    await using far = await startRedis()
    await using there = place({ redis: far.url })
    await using here = place({ others: { billing: there.queue } })
    await using worker = new Queue(here.queue.name, { redis: redis.url })
    definePlaces(worker)
    const told = once(worker, 'error')
    void worker.worker({ lease: 5_000 }).run()
    assert.equal(await here.tasks.sum.with({ onSuccess: there.tasks.note.prepare() })(4).get(), 4)
    const [error] = (await told) as [Error]
    assert.match(error.message, /"@billing".*others/)
    assert.equal(
      (await keysOf(here.queue)).some((key) => key.endsWith(':outbox')),
      true,
    )
  })

  test('what cannot be: no name for it, parents and flows there, callbacks of callbacks there, inline queues', async () => {
    await using there = place({ redis: 'redis://127.0.0.1:1' })
    await using here = place()
    await using named = place({ others: { billing: there.queue } })
    await using inline = place({ redis: undefined as never, inline: true })
    const { note } = there.tasks
    const refused = (make: () => unknown, why: RegExp): void => {
      assert.throws(make, (error) => error instanceof OptionError && why.test(error.message))
    }
    refused(
      () => here.tasks.sum.with({ onSuccess: note.prepare() }),
      /another Redis or namespace: name that queue in the option `others`/,
    )
    refused(() => named.tasks.sum.with({ after: there.queue.handle('x') }), /tells nobody here how it ends/)
    refused(
      () => chain(named.tasks.sum.prepare(), there.tasks.sum.prepare(1)).start(),
      /steps of a flow are all on one/,
    )
    const further = note.with({ onSuccess: note.prepare() }).prepare()
    refused(() => named.tasks.sum.with({ onSuccess: further })(1), /callbacks of its own/)
    refused(() => here.tasks.sum.with({ onSuccess: inline.tasks.note.prepare() }), /inline queue/)
    assert.throws(
      () => new Queue('x', { redis: redis.url, others: { billing: {} as Queue } }),
      /must be a Queue on Redis/,
    )
    assert.throws(() => new Queue('x', { redis: redis.url, others: 'no' as never }), /an object of queues/)
  })
})

// Waits of seconds, side by side.
describe('what dies, and what is not there', { concurrency: true }, () => {
  test('one that never was counts as lost, when it has had its time to come', {
    timeout: 60_000,
  }, async () => {
    await using here = place()
    await using there = place()
    await here.work()
    const error = await rejection(
      here.tasks.sum
        .with({ after: there.queue.handle('nobody') })(1)
        .get(),
    )
    assert.match((error.cause as Error).message, /nobody.*failed|lost/)
  })

  test('no trace of a step there is left: the flow fails, and hangs nobody', async () => {
    await using here = place()
    await using there = place()
    await here.work()
    const flow = chain(here.tasks.sum.prepare(1), there.tasks.sum.prepare(2)).start()
    const id = flow.handles[1]!.id
    await until('it to be there', async () => (await there.queue.getTask(id))?.state === 'queued')
    await redis.client.del(...(await keysOf(there.queue)))
    const error = await rejection(flow.get())
    assert.match(`${error.name} ${error.message} ${error.cause}`, /lost|no record/)
  })

  test('kill -9 of workers of both queues, at random: each flow ends, with what it has to give', {
    timeout: 180_000,
  }, async () => {
    await using here = place()
    await using there = place()
    const FLOWS = 30
    const [a, b] = [here.tasks.sum, there.tasks.sum]
    const flows = Array.from({ length: FLOWS }, (_, n) =>
      chain(
        a.prepare(n, { ms: 5 }),
        group([b.prepare(1, { ms: 5 }), a.prepare(2), b.prepare(3)]),
        a.prepare(),
        b.prepare(1_000),
      ).start(),
    )
    await Promise.all(flows.map((flow) => flow.enqueued))
    const work = (queue: Queue) =>
      start('spec/support/places.ts', { args: [queue.name], env: { REDIS_URL: redis.url } })
    const endedOf = async (queue: Queue): Promise<number> => (await queue.counts()).ended.succeeded
    const results = flows.map((flow) => flow.get())
    for (let kills = 0; kills < 3; kills++) {
      await using one = work(here.queue)
      await using other = work(there.queue)
      const [from, wanted] = [
        (await endedOf(here.queue)) + (await endedOf(there.queue)),
        20 + Math.random() * 20,
      ]
      await until(
        'some to have ended',
        async () =>
          (await endedOf(here.queue)) + (await endedOf(there.queue)) >= Math.min(from + wanted, 6 * FLOWS),
        60_000,
      )
      const [victim, survivor] = Math.random() < 0.5 ? [one, other] : [other, one]
      victim.signal('SIGKILL')
      await victim.ended
      survivor.signal('SIGKILL')
      await survivor.ended
    }
    await using _one = work(here.queue)
    await using _other = work(there.queue)
    const given = await Promise.all(results)
    assert.deepEqual(
      given,
      Array.from({ length: FLOWS }, (_, n) => 3 * n + 6 + 1_000),
    )
    await until('all letters to be done', async () =>
      (await Promise.all([here, there].map(({ queue }) => keysOf(queue))))
        .flat()
        .every((key) => !/:(outbox|deps:|releasing)/.test(key)),
    )
  })
})
