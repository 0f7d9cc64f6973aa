/** A visit: a connection of its own to the Redis of one queue, closed at the end, whatever the queue's own do. */

import { OptionError } from '../errors.ts'
import { checkName } from '../ids.ts'
import { name, resolve } from '../options.ts'
import { Queue, whereIs } from '../queue.ts'
import { Admin } from '../redis/admin.ts'
import { Connection } from '../redis/connection.ts'
import { Examiner } from '../redis/examiner.ts'
import { Keys } from '../redis/keys.ts'
import { Schedules } from '../redis/schedules.ts'
import { type RedisTarget, resolveTarget } from '../redis/target.ts'

/** A queue, or where it is. `redis`: as of a Queue, default REDIS_URL. `namespace`: default `millrace`. */
export type DoctorTarget =
  | Queue
  | { readonly redis?: RedisTarget; readonly namespace?: string; readonly queue: string }

export interface Visit {
  readonly connection: Connection
  readonly keys: Keys
  readonly admin: Admin
  readonly examiner: Examiner
  readonly schedules: Schedules
}

/** Of one command: keys are many, and a busy server is slow. */
export const COMMAND_TIMEOUT = 10_000

const ADDRESS = {
  redis: (what: string, value: unknown): RedisTarget => resolveTarget(what, value),
  namespace: name('millrace'),
  queue: checkName,
}

/** Rejects with RedisError when Redis is not reached within `timeout` ms. */
export async function visit<T>(
  target: DoctorTarget,
  timeout: number,
  work: (visit: Visit) => Promise<T>,
): Promise<T> {
  const { redis, namespace, queue } = addressOf(target)
  const connection = new Connection(redis, { role: 'doctor', checkVersion: true })
  try {
    await connection.ready(timeout)
    const keys = new Keys(namespace, queue)
    const [admin, examiner] = [new Admin(connection, keys), new Examiner(connection, keys)]
    return await work({ connection, keys, admin, examiner, schedules: new Schedules(connection, keys) })
  } finally {
    connection.close()
  }
}

function addressOf(target: DoctorTarget): { redis: RedisTarget; namespace: string; queue: string } {
  if (!(target instanceof Queue)) return resolve('doctor', target, ADDRESS)
  const where = whereIs(target)
  if (!where) throw new OptionError('doctor: an inline queue has no Redis to look at')
  return where
}
