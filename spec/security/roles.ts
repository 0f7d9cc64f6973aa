/** A Redis with one user for each role, with the rights that docs/security.md gives to it: no more, no less. */

import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { Queue, type QueueOptions, type Worker, type WorkerOptions } from '../../lib/index.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

export const ROLES = ['producer', 'worker', 'operator'] as const
export type Role = (typeof ROLES)[number]

const DOCS = new URL('../../docs/security.md', import.meta.url)

/** The rules as they are written, each as the words of one command. */
export function documentedRules(): string[][] {
  const blocks = readFileSync(DOCS, 'utf8').matchAll(/^```acl\n([\s\S]*?)^```$/gm)
  return Array.from(blocks, (block) => block[1]!.trim().split(/\s+/))
}

export interface Roles extends AsyncDisposable {
  readonly redis: TestRedis
  url(role: Role): string
  /** The queue of that role. */
  queue(role: Role, options?: QueueOptions): Queue
  work(queue: Queue, options?: WorkerOptions): Promise<Worker>
  /** A plain client of that role. */
  client(role: Role): Redis
  /** What Redis has refused since the last look: `user what where`. */
  refused(): Promise<string[]>
  /** What the queues said that nobody awaited. */
  readonly errors: Error[]
}

/** change: of the rules, before they are set. */
export async function startRoles(change = (words: string[]): string[] => words): Promise<Roles> {
  const redis = await startRedis()
  for (const rule of documentedRules()) {
    const [command, ...words] = change(rule)
    await redis.client.call(command!, ...words)
  }
  const url = (role: Role): string => `redis://orders-${role}:change-me-${role}@127.0.0.1:${redis.port}`
  const errors: Error[] = []
  const closers: (() => unknown)[] = []
  return {
    ...{ redis, url, errors },
    queue(role, options) {
      const queue = new Queue('orders', { redis: url(role), ...options })
      queue.on('error', (error) => errors.push(error))
      closers.push(() => queue.close())
      return queue
    },
    async work(queue, options) {
      const worker = queue.worker({ lease: 1_000, drainTimeout: 500, ...options })
      const ready = new Promise((resolve) => worker.once('ready', resolve))
      void worker.run()
      await ready
      return worker
    },
    client(role) {
      const client = new Redis(url(role), { retryStrategy: null })
      closers.push(() => client.disconnect())
      return client
    },
    async refused() {
      const log = (await redis.client.acl('LOG')) as string[][]
      await redis.client.acl('LOG', 'RESET')
      return (
        log
          .map((entry) => {
            const field = (name: string): string => entry[entry.indexOf(name) + 1]!
            return `${field('username')} ${field('object')} ${field('context')}`
          })
          // From Redis 7.2 on ioredis says its name. Nothing depends on it.
          .filter((line) => !line.includes('client|setinfo'))
      )
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(closers.map((close) => close()))
      await redis.stop()
    },
  }
}
