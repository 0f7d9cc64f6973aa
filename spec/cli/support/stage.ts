/** Commands on a Redis that a spec file has for itself, in a folder of its own. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Queue } from '../../../lib/index.ts'
import type { Child } from '../../support/processes.ts'
import { startRedis } from '../../support/redis.ts'
import { type Ended, millrace, startMillrace, TASKS } from './command.ts'

export async function stage() {
  const redis = await startRedis()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-command-'))
  let n = 0
  return {
    redis,
    folder,
    /** Queues of its own, although the Redis is shared. */
    scene() {
      n += 1
      const env = { REDIS_URL: redis.url, MILLRACE_NAMESPACE: `test-${n}`, NO_COLOR: '1' }
      const run = (...args: string[]): Promise<Ended> => millrace(args, { env, cwd: folder })
      return {
        env,
        run,
        /** Of its one line of JSON. */
        data: async (...args: string[]): Promise<unknown> => {
          const { stdout, stderr } = await run(...args, '--json')
          assert.match(stdout, /^[^\n]+\n$/, `one line of JSON: ${stdout}${stderr}`)
          return JSON.parse(stdout)
        },
        worker: (...args: string[]): Child => startMillrace(['worker', TASKS, ...args], { env, cwd: folder }),
        queue: (): Queue => new Queue('cli', { redis: redis.url, namespace: env.MILLRACE_NAMESPACE }),
      }
    },
    async end(): Promise<void> {
      await redis.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
