/**
 * The directory of a namespace's queues: name → when it was last seen. Workers and producers touch it now and then, so
 * that people find queues without walking the keyspace. Nothing depends on it: what goes wrong with it is passed over.
 */

import type { Redis } from 'ioredis'
import { Connection } from './connection.ts'
import { isConfiguration } from './faults.ts'
import { queuesKey } from './keys.ts'
import { ANSWER_TIMEOUT } from './runner.ts'
import type { RedisTarget } from './target.ts'

/** Ms without being seen, after which a name goes. */
const KEPT = 30 * 86_400_000
const MOST = 10_000
/** After a touch that failed, ms. */
const RETRY = 60_000

export interface DirectoryOptions {
  readonly connection: Connection
  readonly namespace: string
  readonly queue: string
  /** Ms between two touches, at least. */
  readonly every: number
}

export class Directory {
  readonly #options: DirectoryOptions
  #next = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(options: DirectoryOptions) {
    this.#options = options
  }

  /** The queue is in use. Costs nothing when that was said a short while ago; never throws. */
  touch(): void {
    const now = performance.now()
    if (now < this.#next) return
    this.#next = now + this.#options.every
    this.#writing = this.#write().catch((error) => {
      // Without the right to it another try would only fill Redis' ACL log.
      this.#next = isConfiguration(error) ? Number.POSITIVE_INFINITY : performance.now() + RETRY
    })
  }

  /** Resolves when no touch is on its way. */
  settled(): Promise<void> {
    return this.#writing
  }

  async #write(): Promise<void> {
    const { connection, namespace, queue } = this.#options
    const key = queuesKey(namespace)
    const [seconds] = await connection.send((client) => client.time(), ANSWER_TIMEOUT)
    const now = Number(seconds) * 1_000
    const writes = (client: Redis): Promise<number[]> =>
      Promise.all([
        client.zadd(key, now, queue),
        client.zremrangebyscore(key, '-inf', now - KEPT),
        client.zremrangebyrank(key, 0, -MOST - 1),
      ])
    await connection.send(writes, ANSWER_TIMEOUT)
  }
}

/** Names, sorted. Its connection lives for this alone; rejects with RedisError when Redis cannot be asked within `timeout` ms. */
export async function listQueues(target: RedisTarget, namespace: string, timeout: number): Promise<string[]> {
  const connection = new Connection(target, { role: 'directory' })
  const until = performance.now() + timeout
  try {
    await connection.ready(timeout)
    const left = Math.max(1, until - performance.now())
    const names = await connection.send((client) => client.zrange(queuesKey(namespace), '0', '-1'), left)
    return names.sort()
  } finally {
    connection.close()
  }
}
