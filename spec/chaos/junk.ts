/** What a hand may put into the streams and the records, and what has to become of it. */

import type { Redis } from 'ioredis'
import { encodeCall } from '../../lib/envelope.ts'
import type { Lane } from '../../lib/record.ts'

export interface Junk {
  readonly is: string
  /** quarantined: a sample is kept · dropped: nothing is · else the state of the task. */
  readonly fate: 'quarantined' | 'dropped' | 'failed' | 'succeeded' | 'parked'
  readonly id: string
  /** Of the entry; `''` is a field too. */
  readonly fields: readonly (string | Buffer)[]
  /** What lies under the task's key: nothing, no hash, one without a place, with its place, of a task that has ended. */
  readonly record: 'none' | 'text' | 'bare' | 'hash' | 'ended'
}

const NOBODY = Buffer.from([0])
const packed = (...bytes: (number | Buffer | string)[]): Buffer =>
  Buffer.concat([
    NOBODY,
    ...bytes.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))),
  ])
const text = (words: string): Buffer =>
  Buffer.concat([Buffer.from([0xa0 + words.length]), Buffer.from(words)])
const call = (name: string, ...args: unknown[]): Buffer => packed(encodeCall(name, args, {}, 1024 * 1024))
/** { __proto__: { polluted: true } } */
const PROTO = Buffer.concat([
  Buffer.from([0x81]),
  text('__proto__'),
  Buffer.from([0x81]),
  text('polluted'),
  Buffer.from([0xc3]),
])

/** One of each kind. id: a new one at each call; bytes: of what is large. */
export function junkOf(id: () => string, bytes: number): Junk[] {
  const good = call('work', 1, 0)
  const made: Junk[] = []
  const add = (
    fate: Junk['fate'],
    record: Junk['record'],
    is: string,
    ...rest: (string | Buffer)[]
  ): void => {
    const own = id()
    made.push({ is, fate, id: own, record, fields: [own, ...rest] })
  }
  const fields = (is: string, ...all: (string | Buffer)[]): void => {
    made.push({ is, fate: 'quarantined', id: '', record: 'none', fields: all })
  }
  fields('no id', '', good)
  fields('empty', '', '')
  fields('other fields', 'colour', 'red', 'size', 'large')
  fields('bytes for an id', Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from(id())]), good)
  add('quarantined', 'none', 'a task without a record', good)
  add('quarantined', 'none', 'a large one without a record', Buffer.alloc(bytes, 0x91))
  add('quarantined', 'text', 'a record that is no hash', good)
  add('quarantined', 'bare', 'a record without a place', good)
  add('failed', 'hash', 'no call at all', '')
  add('failed', 'hash', 'a head longer than the call', Buffer.from([0xff, 0x01]))
  add('failed', 'hash', 'no msgpack', packed(0xc1, 0xc1))
  add('failed', 'hash', 'cut short', good.subarray(0, -1))
  add('failed', 'hash', 'more than a value', Buffer.concat([good, good]))
  add('failed', 'hash', 'no list', packed(text('work')))
  add('failed', 'hash', 'a number for a name', packed(0x92, 0x2a, 0x90))
  add('failed', 'hash', 'arguments that are no list', packed(0x92, text('work'), text('1')))
  add(
    'failed',
    'hash',
    'a list that says it has 4 billion items',
    packed(0x92, text('work'), 0xdd, 0xff, 0xff, 0xff, 0xff),
  )
  add(
    'failed',
    'hash',
    'a string that says it has 4 GB',
    packed(0x92, text('work'), 0xdb, 0xff, 0xff, 0xff, 0xff),
  )
  add('failed', 'hash', 'nested 500,000 deep', packed(0x92, text('work'), Buffer.alloc(500_000, 0x91), 0x01))
  add(
    'failed',
    'hash',
    'nested 1,000 deep',
    packed(0x92, text('work'), 0x92, Buffer.alloc(1_000, 0x91), 1, 0),
  )
  add('failed', 'hash', 'large', Buffer.alloc(bytes, 0x91))
  add('succeeded', 'hash', '__proto__ as an argument', packed(0x92, text('work'), 0x92, PROTO, 0))
  add('succeeded', 'hash', '__proto__ as options', packed(0x93, text('work'), 0x92, 1, 0, PROTO))
  add('succeeded', 'hash', 'words for numbers', good, 'attempt', 'many', 'crashes', '-', 'deadline', 'soon')
  add('succeeded', 'hash', 'a field without a name', good, '', '')
  add('parked', 'hash', 'a name that nobody knows', call('nobody', 1))
  add('dropped', 'ended', 'a task that has ended', good)
  return made
}

/** The field `end` of such a task: nothing may change it. */
export const ENDED = 's 1 100 200 somebody'

/** The entry, and the record that names it, in one step; records that no task ends are gone in a minute by themselves. */
const BY_HAND = `
local stream, task, record, lane = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local entry = redis.call('XADD', stream, '*', unpack(ARGV, 3))
if record == 'hash' then
  redis.call('HSET', task, 'entry', lane == 'normal' and entry or lane .. '/' .. entry)
elseif record == 'bare' then
  redis.call('HSET', task, 'colour', 'red')
  redis.call('PEXPIRE', task, 60000)
elseif record == 'ended' then
  redis.call('HSET', task, 'entry', '9-0', 'end', '${ENDED}')
  redis.call('PEXPIRE', task, 60000)
elseif record == 'text' then
  redis.call('SET', task, 'text', 'PX', 60000)
end
`

export async function throwIn(
  redis: Redis,
  P: string,
  lane: Lane,
  { id, record, fields }: Junk,
): Promise<void> {
  // Fields come in pairs.
  const pairs = fields.length % 2 === 0 ? fields : [...fields, '']
  await redis.eval(BY_HAND, 2, `${P}:stream:${lane}`, `${P}:task:${id}`, record, lane, ...pairs)
}

/** Beside the entries: ids of nobody wherever ids are kept, and words on the channels. */
export async function litter(redis: Redis, P: string): Promise<void> {
  await redis.lpush(`${P}:front`, 'ghost', '')
  await redis.hset(`${P}:settings`, 'front', '1')
  await redis.zadd(`${P}:scheduled`, 0, 'ghost', 0, '')
  await redis.zadd(`${P}:expiring`, 0, 'ghost')
  await redis.zadd(`${P}:line:normal`, 0, 'ghost 1 ghost')
  await redis.zadd(`${P}:ring`, 0, 'ghost', 0, '')
  await redis.zadd(`${P}:resting`, 0, 'ghost', 0, 'nobody')
  await redis.hset(`${P}:settings`, 'lines', '1')
  const channels = (await redis.pubsub('CHANNELS', `${P.replace(/[{}]/g, '?')}:*`)) as string[]
  const words = [
    '',
    'cancel',
    'cancel nobody',
    'due soon',
    'void',
    'front',
    'settings',
    'constructor',
    '__proto__ 1',
  ]
  for (const channel of channels) {
    for (const word of words) await redis.publish(channel, word)
    for (const bytes of [[0xc1], [0xdd, 0xff, 0xff, 0xff, 0xff], [0x93, 0xa1, 0x61, 0xa1, 0x62, 0xc0]]) {
      await redis.publish(channel, Buffer.from(bytes))
    }
  }
}
