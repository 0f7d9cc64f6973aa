/** Between a socket's opening and its first use scripts are asked for and sent: whatever happens then, calls go on. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Queue } from '../../lib/index.ts'
import { startProxy } from '../support/proxy.ts'
import { startRedis } from '../support/redis.ts'
import type { Command } from '../support/resp.ts'

/** Far above what a socket is given to become ready, and what a lost answer costs. */
const BOUND = { timeout: 60_000 }

const isScript = ({ name, args }: Command, verb: string): boolean =>
  name === 'SCRIPT' && String(args[0]).toUpperCase() === verb

async function stage() {
  const redis = await startRedis()
  const proxy = await startProxy(redis.port)
  const queue = new Queue('preparing', { redis: proxy.url, enqueueTimeout: 30_000 })
  queue.on('error', () => {})
  const echo = queue.task('echo', (value: string) => value)
  const dispose = async (): Promise<void> => {
    await queue.close()
    await proxy[Symbol.asyncDispose]()
    await redis.stop()
  }
  return { redis, proxy, queue, echo, [Symbol.asyncDispose]: dispose }
}

async function work(queue: Queue): Promise<void> {
  const worker = queue.worker()
  worker.on('error', () => {})
  const ready = new Promise((resolve) => worker.once('ready', resolve))
  void worker.run()
  await ready
}

describe('a call passes', { concurrency: true }, () => {
  for (const fate of ['swallow', 'silence', 'cut'] as const) {
    test(`where the question which scripts are known is never answered (${fate})`, BOUND, async () => {
      await using s = await stage()
      let asked = 0
      s.proxy.fate = (command) => {
        if (!isScript(command, 'EXISTS')) return 'pass'
        asked += 1
        return asked === 1 ? fate : 'pass'
      }
      await s.echo('a').enqueued
      assert.ok(asked >= 2, 'the socket was replaced')
      s.proxy.fate = () => 'pass'
      await work(s.queue)
      assert.equal(await s.echo('b').get(), 'b')
    })
  }

  test('where the connection is cut while it sends scripts', BOUND, async () => {
    await using s = await stage()
    let cuts = 0
    s.proxy.fate = (command) => {
      if (!isScript(command, 'LOAD')) return 'pass'
      cuts += 1
      // Those behind it may have got there: the next connection sends what is missing then.
      return cuts > 2 ? 'pass' : 'cut'
    }
    const call = s.echo('a')
    await call.enqueued
    assert.ok(cuts >= 1)
    await work(s.queue)
    assert.equal(await call.get(), 'a')
    assert.equal((await call.info())?.attempt, 1)
  })

  test('where nobody may ask for scripts, nor load them', BOUND, async () => {
    await using s = await stage()
    await s.redis.client.call('ACL', 'SETUSER', 'default', '-script')
    await work(s.queue)
    assert.equal(await s.echo('a').get(), 'a')
  })

  test('to a worker whose own question was never answered when it registered', BOUND, async () => {
    await using s = await stage()
    const questions: number[] = []
    s.proxy.fate = (command) => {
      if (!isScript(command, 'EXISTS')) return 'pass'
      // The first of the connection, with which it is made ready, is not the worker's own.
      return questions.push(command.args.length) === 2 ? 'swallow' : 'pass'
    }
    await work(s.queue)
    assert.ok(questions.length >= 4, 'it has asked again, on another socket')
    assert.equal(await s.echo('a').get(), 'a')
  })
})
