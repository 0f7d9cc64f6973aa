/** Calls with wishes of any kind, sent in batches of the spec's own: the callers' side on top of it has specs of its own. */

import { type CallOptions, callHead, encodeCall } from '../../lib/envelope.ts'
import { newTaskId } from '../../lib/ids.ts'
import type { Lane } from '../../lib/record.ts'
import { Admin } from '../../lib/redis/admin.ts'
import type { Exception } from '../../lib/redis/calls.ts'
import { Connection } from '../../lib/redis/connection.ts'
import { Keys } from '../../lib/redis/keys.ts'
import { Store } from '../../lib/redis/store.ts'
import type { How, NewCall } from '../../lib/redis/wire.ts'

const NOBODY = { awaited: callHead(undefined), other: callHead(undefined) }

export interface Wishes {
  readonly after?: readonly string[]
  readonly policy?: 'f' | 'r' | 'c' | 's' | 'e'
  readonly take?: boolean
  readonly flow?: string
  readonly key?: string
  readonly delay?: number
  readonly ttl?: number
  readonly lane?: Lane
  readonly options?: CallOptions
  readonly id?: string
}

export function newCall(name: string, args: readonly unknown[], wishes: Wishes = {}): NewCall {
  const {
    after,
    policy,
    take,
    flow,
    key,
    delay,
    ttl,
    lane = 'normal',
    options = {},
    id = newTaskId(),
  } = wishes
  const how: (string | number)[] = []
  const say = (word: string, value: string | number | undefined): void => {
    if (value !== undefined) how.push(word, value)
  }
  say('after', after?.join(' '))
  say('policy', policy)
  say('take', take ? 1 : undefined)
  say('flow', flow)
  say('key', key)
  say('in', delay)
  say('ttl', ttl)
  const packed = encodeCall(name, args, options, 1_000_000)
  return { lane, how: how.length > 0 ? (how as How) : undefined, id, packed, isAwaited: false }
}

export interface Sender extends Disposable {
  readonly store: Store
  readonly admin: Admin
  send(calls: readonly NewCall[], atomic?: boolean, cap?: number): Promise<readonly Exception[]>
  /** One call; answers its id. */
  call(name: string, args: readonly unknown[], wishes?: Wishes): Promise<string>
  key(name: string): string
  readonly client: Connection['client']
}

export async function sender(url: string, queue: string): Promise<Sender> {
  const connection = new Connection(url, { role: 'spec' })
  await connection.ready(5_000)
  const keys = new Keys('millrace', queue)
  const store = new Store(connection, keys)
  const send: Sender['send'] = (calls, atomic = false, cap) =>
    store.enqueue(calls, NOBODY, false, cap, atomic)
  return {
    ...{ store, admin: new Admin(connection, keys), send },
    async call(name, args, wishes) {
      const call = newCall(name, args, wishes)
      const exceptions = await send([call])
      if (exceptions.length > 0) throw new Error(JSON.stringify(exceptions))
      return call.id
    },
    key: (name) => `${keys.prefix}:${name}`,
    get client() {
      return connection.client
    },
    [Symbol.dispose]: () => connection.close(),
  }
}
