/** The thread that beats for all workers of a process: real threads, real connections. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Worker as Thread } from 'node:worker_threads'
import { BeatingThread, type DistantHeart } from '../../lib/upkeep/beating.ts'
import { Begun } from '../../lib/upkeep/begun.ts'
import type { HeartNews } from '../../lib/upkeep/heart.ts'
import { Watch } from '../../lib/upkeep/watch.ts'
import { freshQueues } from '../support/fresh.ts'
import { until } from '../support/until.ts'

const on = freshQueues()
/** All that this process starts. */
const threads: Thread[] = []
const note = (thread: Thread): void => void threads.push(thread)
process.on('worker', note)
after(() => void process.off('worker', note))

async function hearts(): Promise<number> {
  return String(await on.redis.client.client('LIST')).split('name=millrace:heartbeat ').length - 1
}

describe('the thread of a process', () => {
  test('beats for all of its workers, whenever they begin and stop', async () => {
    await using a = on.fresh()
    await using b = on.fresh()
    const [first, second] = [await a.work(), await b.work()]
    await until('both hearts', async () => (await hearts()) === 2)
    await first.stop()
    await until('the connection of the first to end', async () => (await hearts()) === 1)
    const third = await a.work()
    await until('both hearts', async () => (await hearts()) === 2)
    await Promise.all([second.stop(), third.stop()])
    await until('their connections to end', async () => (await hearts()) === 0)
    assert.equal(threads.length, 1)
  })

  test('dies: another begins, and no worker is taken for dead', async () => {
    await using a = on.fresh()
    await using b = on.fresh()
    const dead: string[] = []
    const lease = 1_500
    const workers = await Promise.all([a.work({ lease }), b.work({ lease })])
    for (const worker of workers) worker.on('dead', (id) => dead.push(id))
    await until('both hearts', async () => (await hearts()) === 2)
    const count = threads.length
    await threads.at(-1)!.terminate()
    await until('both hearts again', async () => (await hearts()) === 2)
    assert.equal(threads.length, count + 1)
    await delay(2 * lease)
    assert.deepEqual(dead, [])
    const echo = a.queue.task('echo', (x: number) => x)
    assert.equal(await echo(1).get(), 1)
    await Promise.all(workers.map((worker) => worker.stop()))
  })
})

describe('a thread', () => {
  /** With a heart in it that has told of its first beat. */
  async function beating(thread: BeatingThread): Promise<DistantHeart> {
    const news: HeartNews[] = []
    const follow = (): void => heart.tell({ type: 'follow', worker: 'nobody' })
    const heart = thread.begin({
      data: {
        ...{ target: on.redis.url, namespace: 'millrace', queue: 'q' },
        ...{ lease: 5_000, failedTtl: 1, maxFailed: 1 },
        ...{ begun: new Begun().memory, watch: new Watch().memory },
      },
      hear: (one) => void news.push(one),
      onAnew: follow,
      onError: assert.fail,
    })
    follow()
    await until('a beat', () => news.some((one) => one.type === 'dead' && one.worker === 'nobody'))
    return heart
  }

  test('lingers after its last heart, and ends when nobody has needed it', async () => {
    const thread = new BeatingThread(300)
    const count = threads.length
    const first = await beating(thread)
    const own = threads[count]!
    const gone = once(own, 'exit')
    await first.end()
    const second = await beating(thread)
    assert.equal(threads.length, count + 1, 'it was there still')
    await delay(600)
    assert.notEqual(own.threadId, -1)
    await second.end()
    await gone
    await (await beating(thread)).end()
    assert.equal(threads.length, count + 2)
    await once(threads.at(-1)!, 'exit')
  })

  test('that is dead keeps nobody who ends, and comes back only where somebody needs it', async () => {
    const thread = new BeatingThread(10)
    const heart = await beating(thread)
    await threads.at(-1)!.terminate()
    await heart.end()
    await delay(50)
    const count = threads.length
    const other = await beating(thread)
    await delay(700)
    assert.equal(threads.length, count + 1, 'the dead one was not needed, and has no successor')
    await Promise.all([threads.at(-1)!.terminate(), other.end()])
    await other.end()
  })
})
