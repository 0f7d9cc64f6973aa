/** Where Redis is: a URL, ioredis options, or a client whose configuration is taken. Never the client itself. */

import type { Socket } from 'node:net'
import { Redis, type RedisOptions } from 'ioredis'
import { OptionError } from '../errors.ts'
import { show } from '../options.ts'

/** A client that somebody else made, of whichever ioredis: recognised by its shape. */
export interface RedisLike {
  readonly options: object
  readonly status: string
  duplicate(override?: object): unknown
}

export type RedisTarget = string | RedisOptions | RedisLike

const DEFAULT_URL = 'redis://127.0.0.1:6379'

const isClient = (target: unknown): target is RedisLike =>
  typeof target === 'object' && target !== null && 'duplicate' in target && 'status' in target

/** Checks what can be checked without connecting. Messages never hold a URL, which may hold a password. */
export function resolveTarget(what: string, given: unknown): RedisTarget {
  const target = given instanceof URL ? given.href : (given ?? process.env.REDIS_URL ?? DEFAULT_URL)
  if (typeof target === 'string') {
    if (!/^(rediss?:\/\/|\/)/.test(target) || (target[0] !== '/' && !URL.canParse(target))) {
      throw new OptionError(`${what} must be a URL such as ${DEFAULT_URL}, rediss://… or a socket's path`)
    }
    // ioredis takes options from a URL's query too.
    if (target[0] !== '/' && new URL(target).searchParams.has('keyPrefix')) throw keyPrefixError(what)
    return target
  }
  if (typeof target !== 'object') {
    throw new OptionError(
      `${what} must be a URL, ioredis options or an ioredis client (given: ${show(target)})`,
    )
  }
  if (isClient(target) && (target as { isCluster?: boolean }).isCluster) {
    throw new OptionError(`${what}: a Redis Cluster client is not supported yet; give a single Redis`)
  }
  const options = (isClient(target) ? target.options : target) as RedisOptions
  if (options.keyPrefix) throw keyPrefixError(what)
  if (options.tls?.secureContext) {
    throw new OptionError(
      `${what}: tls.secureContext cannot be handed to the heartbeat's thread; give ca, cert and key`,
    )
  }
  return target as RedisTarget
}

const keyPrefixError = (what: string): OptionError =>
  new OptionError(`${what}: keyPrefix does not reach names that scripts build; use the queue's namespace`)

/** The type of ioredis' constructor wants to know. */
type Override = RedisOptions & { replyMapping: 'legacy' }

/** A new client for this target that connects on connect(). */
export function openClient(target: RedisTarget, ours: Override): Redis {
  // A timeout inside the client would end blocking reads; every call has a deadline of ours.
  const override = { ...ours, commandTimeout: undefined, blockingTimeout: undefined } as unknown as Override
  if (typeof target === 'string') return hearing(new Redis(target, override))
  if (isClient(target)) return hearing(target.duplicate(override) as Redis)
  return hearing(new Redis({ ...(target as RedisOptions), ...override }))
}

/**
 * ioredis listens to the first error of a socket and to no other (redis/ioredis#961). Over TLS there may be another: we
 * refuse the server's certificate, and then the server says that it did not like that. Unheard, it would end the process.
 */
function hearing(client: Redis): Redis {
  const { connector } = client as unknown as { connector: { connect: (tell: unknown) => Promise<Socket> } }
  const connect = connector.connect.bind(connector)
  connector.connect = async (tell) => (await connect(tell)).on('error', () => {})
  return client
}

/** Which database of which server it speaks to, as it was told: two names of one server are two places. Without user and password. */
export function placeOf(client: Redis): string {
  const { host, port, path, db, sentinels, name } = client.options
  const watched = sentinels?.map((sentinel) => [sentinel.host, Number(sentinel.port)])
  const server = watched ? [name, watched] : (path ?? [host, Number(port)])
  return JSON.stringify([server, Number(db ?? 0)])
}

/** The target in a form that a thread can be given: functions stay behind, ours replace the ones that matter. */
export function portableTarget(target: RedisTarget): string | RedisOptions {
  if (typeof target === 'string') return target
  return withoutFunctions(isClient(target) ? target.options : target) as RedisOptions
}

function withoutFunctions(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  if (Array.isArray(value)) return value.map(withoutFunctions)
  const entries = Object.entries(value).filter(([, item]) => typeof item !== 'function')
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutFunctions(item)]))
}
