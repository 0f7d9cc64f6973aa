/** Commands and scripts as the library sends them, with their answers as promises. */

import type { Redis } from 'ioredis'
import { type Reply, send } from '../../lib/redis/command.ts'
import { type ScriptName, sendScript } from '../../lib/redis/scripts.ts'

export const ask = (client: Redis, name: string, args: readonly (string | Buffer)[] = []): Promise<Reply> =>
  new Promise((resolve, reject) => send(client, name, args, { resolve, reject }))

export const runScript = (
  client: Redis,
  script: ScriptName,
  prefix: string | readonly string[],
  argument: Buffer,
): Promise<Reply> =>
  new Promise((resolve, reject) => sendScript(client, script, prefix, argument, { resolve, reject }))
