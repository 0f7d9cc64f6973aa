/** `dev`: from an empty machine to a running system: a private Redis, and workers that begin anew when a file changes. */

import { join } from 'node:path'
import type { Command } from 'commander'
import { startDevRedis } from '../../dev-redis.ts'
import { isChild } from '../../processes/child.ts'
import type { Flags } from '../settings.ts'
import { parseWhole } from '../units.ts'
import { work } from './worker.ts'

interface DevFlags extends Flags {
  readonly port?: string
}

export function addDev(program: Command): void {
  program
    .command('dev')
    .description('a private Redis, and workers that restart when a file changes')
    .argument('[modules...]', 'paths or globs of modules that define tasks')
    .option('--config <file>', 'a configuration other than the nearest millrace.config.*')
    .option('--port <n>', 'of the Redis, on 127.0.0.1', '6380')
    .option('--verbose', 'tell of each task that starts')
    .addHelpText(
      'after',
      `
Example:
  millrace dev tasks.ts
It takes REDIS_URL where that is set. Otherwise redis-server is found or fetched, its data lies in .millrace/redis, and
callers reach it with REDIS_URL=redis://127.0.0.1:6380.`,
    )
    .action((modules: string[], flags: DevFlags) => dev(modules, flags))
}

async function dev(modules: readonly string[], flags: DevFlags): Promise<void> {
  const options = { ...flags, watch: true, logFormat: 'pretty' }
  // The children have the address from this process.
  if (isChild) return await work(modules, options)
  const dir = join(process.cwd(), '.millrace', 'redis')
  const port = parseWhole('--port', flags.port ?? '6380', 0)
  const note = (line: string): void => void process.stderr.write(`${line}\n`)
  const redis = await startDevRedis({ port, dir, args: ['--appendonly', 'yes'], onNote: note })
  process.env.REDIS_URL = redis.url
  note(`REDIS_URL=${redis.url}  (${redis.from})`)
  try {
    await work(modules, options)
  } finally {
    await redis.stop()
  }
}
