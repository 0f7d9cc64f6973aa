/** What the server says of itself, of its memory, its disk and its clock. */

import type { Connection } from '../redis/connection.ts'
import { COMMAND_TIMEOUT } from './visit.ts'

export interface ServerFacts {
  /** `redis 7.0.15`, `valkey 8.0.1`. */
  readonly version: string
  readonly memory: {
    /** Bytes. */
    readonly used: number
    /** Bytes; 0: no limit. */
    readonly max: number
    /** Only `noeviction` is right. */
    readonly policy: string
  }
  readonly persistence: {
    readonly appendonly: boolean
    /** `always`, `everysec`, `no`; undefined: CONFIG is not allowed here. */
    readonly appendfsync: string | undefined
    /** When snapshots are made, as `save` has it; '': never; undefined: CONFIG is not allowed here. */
    readonly rdb: string | undefined
    readonly lastSnapshot: Date
    /** What failed last on the disk. */
    readonly lastError: string | undefined
  }
  readonly role: string
  /** Replicas that are connected. */
  readonly replicas: number
  /** This machine's clock less that of Redis, ms. Exact to half of the round trip. */
  readonly clockSkew: number
  /** Of the command that read the clock, ms. */
  readonly roundTrip: number
}

export async function serverFacts(connection: Connection): Promise<ServerFacts> {
  const clock = await clockFacts(connection)
  const info = new Map<string, string>()
  const lines = await connection.send((client) => client.info(), COMMAND_TIMEOUT)
  for (const [, key, value] of lines.matchAll(/^(\w+):(.*?)\r?$/gm)) info.set(key!, value!)
  const text = (key: string): string => info.get(key) ?? ''
  const valkey = info.get('valkey_version')
  return {
    version: valkey ? `valkey ${valkey}` : `redis ${text('redis_version')}`,
    memory: {
      used: Number(text('used_memory')),
      max: Number(text('maxmemory')),
      policy: text('maxmemory_policy'),
    },
    persistence: {
      appendonly: text('aof_enabled') === '1',
      appendfsync: await setting(connection, 'appendfsync'),
      rdb: await setting(connection, 'save'),
      lastSnapshot: new Date(Number(text('rdb_last_save_time')) * 1_000),
      lastError: FAILURES.find(([key]) => text(key) === 'err')?.[1],
    },
    role: text('role'),
    replicas: Number(text('connected_slaves')),
    ...clock,
  }
}

/** Of the fields that say `ok` or `err`. */
const FAILURES = [
  ['rdb_last_bgsave_status', 'the last snapshot (RDB) failed'],
  ['aof_last_write_status', 'the last write to the append-only file failed'],
  ['aof_last_bgrewrite_status', 'the last rewrite of the append-only file failed'],
] as const

async function clockFacts(connection: Connection): Promise<Pick<ServerFacts, 'clockSkew' | 'roundTrip'>> {
  const [began, steady] = [Date.now(), performance.now()]
  const [seconds, micros] = await connection.send((client) => client.time(), COMMAND_TIMEOUT)
  const roundTrip = performance.now() - steady
  const server = Number(seconds) * 1_000 + Number(micros) / 1_000
  return {
    clockSkew: Math.round(began + roundTrip / 2 - server),
    roundTrip: Math.round(roundTrip * 1_000) / 1_000,
  }
}

/** Many hosted servers have no CONFIG. */
async function setting(connection: Connection, key: string): Promise<string | undefined> {
  try {
    const reply = await connection.send((client) => client.config('GET', key), COMMAND_TIMEOUT)
    return (reply as string[])[1]
  } catch {
    return undefined
  }
}
