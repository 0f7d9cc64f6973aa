/** The keyspace of the queue as a View, read from the keys themselves. What fits nowhere throws. */

import { LANES, type Lane, STATE_OF, type TaskState } from '../../lib/record.ts'
import { GROUP } from '../../lib/redis/keys.ts'
import { placeKey } from '../../lib/redis/wire.ts'
import { pairs } from '../support/keyspace.ts'
import { unframe } from '../support/unframe.ts'
import { HOUR, REAPER, type Real } from './real.ts'
import { byLane, type TaskView, type View } from './view.ts'

interface LaneSeen {
  /** Place → id, in order. */
  readonly unread: readonly (readonly [place: string, id: string])[]
  /** Place → worker. */
  readonly pending: ReadonlyMap<string, string>
}

type Fields = Record<string, string>
type Times = (time: string | null | undefined) => number

export async function look(real: Real): Promise<View> {
  const { client } = real
  const now = await clock(real)
  // A step begins in a later millisecond than the one before: what was set in two of them has an order.
  const hour: Times = (time) => (time ? real.hour + Math.round((Number(time) - now) / HOUR) : -1)
  const [lanes, names, scheduled, failed, workers, paused, counts, cancelling] = await Promise.all([
    Promise.all(LANES.map((lane) => laneOf(real, lane))),
    client.keys('*'),
    client.zrange(real.key('scheduled'), '0', '-1', 'WITHSCORES'),
    client.zrange(real.key('failed'), '0', '-1'),
    client.zrange(real.key('workers'), '0', '-1', 'WITHSCORES'),
    client.hget(real.key('settings'), 'paused'),
    real.admin.counts(),
    real.cancelling(),
  ])
  const under = (prefix: string): string[] =>
    names
      .map((name) => name.slice(real.keys.prefix.length + 1))
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length))
  const records = new Map(
    await Promise.all(under('task:').map(async (id) => [id, await recordOf(real, id)] as const)),
  )
  const pending = new Map(lanes.flatMap((lane) => [...lane.pending]))
  const dues = new Map(pairs(scheduled)) as Map<string, string>
  const isLive = (place: string, id: string): boolean =>
    records.get(id)?.entry === place && !records.get(id)?.end
  for (const [place, worker] of pending) {
    if (![...records.keys()].some((id) => isLive(place, id)))
      throw new Error(`${worker} holds ${place} in vain`)
  }
  const view: View = {
    tasks: Object.fromEntries(
      [...records].sort().map(([id, record]) => [id, taskOf(record, pending, hour, dues.get(id), records)]),
    ),
    lanes: byLane((lane) =>
      lanes[LANES.indexOf(lane)]!.unread.map(([place, id]) => (isLive(place, id) ? id : `(${id})`)),
    ),
    scheduled: [...dues.keys()],
    failed,
    keys: await keysOf(real, under('key:'), records),
    workers: Object.fromEntries(
      [...(pairs(workers) as Map<string, string>)]
        .filter(([worker]) => worker !== REAPER)
        .map(([worker, lease]) => [worker, lease === '0' ? 'dead' : lease === '1' ? 'late' : 'alive']),
    ),
    ...{ cancelling, isPaused: paused === '1', counts },
  }
  await checkVoid(real, lanes, isLive)
  while ((await clock(real)) <= now);
  return view
}

async function clock(real: Real): Promise<number> {
  const [seconds, micros] = await real.client.time()
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
}

async function laneOf(real: Real, lane: Lane): Promise<LaneSeen> {
  const { client } = real
  const stream = real.keys.stream(lane)
  const [entries, groups, held, consumers, workers, untidy] = await Promise.all([
    client.xrange(stream, '-', '+'),
    client.xinfo('GROUPS', stream) as Promise<unknown[][]>,
    client.xpending(stream, GROUP, '-', '+', 1_000) as Promise<[string, string][]>,
    client.xinfo('CONSUMERS', stream, GROUP) as Promise<unknown[][]>,
    client.zrange(real.key('workers'), '0', '-1'),
    client.hexists(real.key('untidy'), lane),
  ])
  for (const consumer of consumers) {
    const name = String(pairs(consumer).get('name'))
    if (!workers.includes(name)) throw new Error(`${name} is a consumer of lane ${lane} and not registered`)
  }
  const last = String(pairs(groups[0]!).get('last-delivered-id'))
  const read = entries.findIndex(([entry]) => isAfter(entry, last))
  const unread = read < 0 ? [] : entries.slice(read)
  if (entries.length - unread.length > held.length && (held.length === 0 || untidy === 0)) {
    throw new Error(`done entries lie in lane ${lane}, and nobody will tidy up`)
  }
  return {
    unread: unread.map(([entry, fields]) => [placeKey({ lane, entry }), fields[0]!]),
    pending: new Map(held.map(([entry, worker]) => [placeKey({ lane, entry }), worker])),
  }
}

/** An unread entry is noted as void if its task is elsewhere, and nothing else is. */
async function checkVoid(
  real: Real,
  lanes: readonly LaneSeen[],
  isLive: (place: string, id: string) => boolean,
): Promise<void> {
  for (const [n, lane] of LANES.entries()) {
    const noted = (await real.client.smembers(real.key(`void:${lane}`))).map((entry) =>
      placeKey({ lane, entry }),
    )
    const found = lanes[n]!.unread.filter(([place, id]) => !isLive(place, id)).map(([place]) => place)
    if (noted.sort().join() !== found.sort().join()) {
      throw new Error(`void in lane ${lane}: ${found.join()}, noted: ${noted.join()}`)
    }
  }
}

async function recordOf(real: Real, id: string): Promise<Fields> {
  const [bytes, ttl] = await Promise.all([
    real.client.hgetallBuffer(real.keys.task(id)),
    real.client.pttl(real.keys.task(id)),
  ])
  const fields = Object.fromEntries(
    Object.entries(bytes).map(([name, value]) => [name, value.toString('latin1')]),
  )
  const isInLine = fields.end === undefined && /^\w*\/?\d+-\d+$/.test(fields.entry ?? '')
  if ((fields.call === undefined) !== isInLine) throw new Error(`the call of ${id} is twice or nowhere`)
  if (ttl < 0 !== (fields.end === undefined)) throw new Error(`the record of ${id} goes in ${ttl} ms`)
  if (bytes.errors) {
    const items = unframe(bytes.errors) as readonly Buffer[]
    fields.errors = items.filter((_, n) => n % 3 === 0).join()
  }
  return fields
}

/** Of a failed task a key goes with the record, of an open one it stays. */
async function keysOf(
  real: Real,
  names: readonly string[],
  records: ReadonlyMap<string, Fields>,
): Promise<Fields> {
  const keys: Fields = {}
  for (const name of names.toSorted()) {
    const [id, ttl] = await Promise.all([
      real.client.get(real.key(`key:${name}`)),
      real.client.pttl(real.key(`key:${name}`)),
    ])
    if (ttl < 0 !== (records.get(id!)?.end === undefined))
      throw new Error(`key ${name} of ${id} goes in ${ttl} ms`)
    keys[name] = id!
  }
  return keys
}

function taskOf(
  record: Fields,
  pending: ReadonlyMap<string, string>,
  hour: Times,
  due: string | undefined,
  records: ReadonlyMap<string, Fields>,
): TaskView {
  const { entry = '', end } = record
  const lane = (entry.split('/').find((part) => LANES.includes(part as Lane)) ?? 'normal') as Lane
  const [outOfLine] = /^(scheduled|waiting|parked)/.exec(entry) ?? []
  const holder = end === undefined ? pending.get(entry) : undefined
  const open = outOfLine ?? (holder === undefined ? 'queued' : 'running')
  const isWaiting = end === undefined && records.get(record.next ?? '')?.entry?.startsWith('waiting/')
  return {
    ...{ lane, state: end === undefined ? (open as TaskState) : STATE_OF[end[0]!]! },
    home: lane === 'first' ? (record.home ?? '') : '',
    holder: holder ?? '',
    attempt: Number(end === undefined ? (record.attempt ?? 0) : end.split(' ')[1]),
    failures: Number(record.failures ?? 0),
    crashes: Number(record.crashes ?? 0),
    errors: record.errors ? record.errors.split(',').map(Number) : [],
    progress: Number(record.version ?? 0),
    isToldToEnd: end === undefined && record.cancel !== undefined,
    due: hour(due),
    expires: hour(record.expires),
    deadline: hour(record.deadline),
    next: isWaiting && !records.get(record.next!)!.end ? record.next! : '',
  }
}

function isAfter(entry: string, last: string): boolean {
  const [ms, n, lastMs, lastN] = `${entry}-${last}`.split('-').map(Number) as [number, number, number, number]
  return ms > lastMs || (ms === lastMs && n > lastN)
}
