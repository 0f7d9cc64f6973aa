import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { TaskHandle } from '../../../lib/index.ts'
import { LANES } from '../../../lib/record.ts'
import { until } from '../../support/until.ts'
import type { Line } from '../journal.ts'
import { P, Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

const LEASE = 1_500
const SIZES = { short: { rounds: 1 }, full: { rounds: 6 } } as const
const STREAM = `${P}:stream:normal`
/** Ms that one task runs while those behind it end; how often that is tried. */
const LONG = 1_000
const TRIES = 5

const DELETIONS = {
  FLUSHALL: (redis: Redis) => redis.flushall(),
  DEL: (redis: Redis) => redis.del(STREAM),
  'XGROUP DESTROY': (redis: Redis) => redis.xgroup('DESTROY', STREAM, 'workers'),
} as const
type Deletion = keyof typeof DELETIONS

interface Fault {
  readonly what: Deletion
  /** Epoch ms, before and after. */
  readonly from: number
  readonly to: number
}

export const deletions: Row = {
  id: 'T10',
  fault:
    'FLUSHALL, DEL of a stream, XGROUP DESTROY, with workers blocked in their read and with tasks running',
  pass: 'what is called afterwards runs: the group is there again, from 0; every wait settles; nothing is resurrected',
  async run({ size, seed, rig: options }) {
    await using rig = await Rig.start({ ...options, seed })
    const { random, redis, producer } = rig
    await Promise.all([rig.worker({ lease: LEASE }), rig.worker({ lease: LEASE })])
    const faults: Fault[] = []
    const recoveries: number[] = []
    let ended = 0
    const strike = async (what: Deletion): Promise<void> => {
      const from = Date.now()
      await DELETIONS[what](redis.client)
      faults.push({ what, from, to: Date.now() })
    }
    /** Calls whose entries wait when the group comes back. */
    const probe = async (): Promise<void> => {
      const handles = Array.from({ length: 5 }, (_, n) =>
        producer.call(() => rig.tasks.work(n, 0), { expected: n }),
      )
      await Promise.all(handles.map((handle) => handle.enqueued))
    }
    const recovered = async (): Promise<void> => {
      await until(
        'all that was called afterwards to run',
        () => open(rig, faults.at(-1)!).length === 0,
        Math.min(30_000, options.patience ?? Number.POSITIVE_INFINITY),
      )
      recoveries.push(Date.now() - faults.at(-1)!.to)
      for (const lane of LANES) await until(`the group of lane ${lane}`, () => hasGroup(redis.client, lane))
    }
    for (let round = 0; round < SIZES[size].rounds; round++) {
      for (const what of Object.keys(DELETIONS) as Deletion[]) {
        // Blocked: nobody makes the group anew before the calls are there.
        for (const worker of rig.workers) worker.signal('SIGSTOP')
        await strike(what)
        await probe()
        for (const worker of rig.workers) worker.signal('SIGCONT')
        await recovered()
        // Running, with more in line.
        for (let n = 0; n < 40; n++) {
          const time = random.between(50, 400)
          if (random.next() < 0.7) rig.work(n, time)
          else producer.call(() => rig.tasks.steps(4, time / 4), { expected: 4 })
        }
        await delay(random.between(30, 300))
        await strike(what)
        await probe()
        await recovered()
      }
      // Ended, and still in the stream: a new group delivers them once more.
      ended += await leaveBehind(rig)
      await strike('XGROUP DESTROY')
      await probe()
      await recovered()
    }
    if (size === 'short') await resubscribed(redis.client, LEASE)
    await until('all waits to settle', () => producer.unsettled.size === 0, 40_000).catch(() => {})
    const hung = producer.unsettled.size
    if (hung > 0) return { problems: [`${hung} waits hang`], figures: { hung } }
    const problems = [
      ...rig.problems,
      ...(await resurrected(rig, faults)),
      ...endedBefore(rig, faults),
      ...wronglyLost(rig, faults),
    ]
    const lost = await forgetLost(rig)
    await rig.finish(30_000, { mayLose: true })
    const verdict = await rig.verdict({ mayLose: true, extraRuns: Number.POSITIVE_INFINITY })
    return {
      problems: [...problems, ...verdict.problems],
      figures: {
        ...figuresOf(verdict),
        lost,
        deletions: faults.length,
        'ended, delivered again': ended,
        hung,
      },
      recoveries,
    }
  },
}

/** What was called after this and has not settled. */
function open({ journal, producer }: Rig, { to }: Fault): string[] {
  const calls = journal.read().filter(({ verb, at }) => verb === 'invoke' && at >= to)
  return calls.map(({ id }) => id).filter((id) => producer.unsettled.has(id))
}

async function hasGroup(redis: Redis, lane: string): Promise<boolean> {
  const groups = (await redis.xinfo('GROUPS', `${P}:stream:${lane}`).catch(() => [])) as unknown[][]
  return groups.some((group) => group.includes('workers'))
}

/**
 * Entries of tasks that have ended, because one before them runs: how many. None where the machine was too slow: once
 * the first has run for 50 ms, entries behind it are deleted one by one.
 */
async function leaveBehind({ producer, tasks, redis: { client } }: Rig): Promise<number> {
  const call = (n: number, ms: number): TaskHandle => producer.call(() => tasks.work(n, ms), { expected: n })
  const hasEnded = ({ id }: TaskHandle): boolean => !producer.unsettled.has(id)
  for (let n = 0; n < TRIES; n++) {
    await until('nothing to run', async () => (await client.xpending(STREAM, 'workers'))[0] === 0)
    // As if trimming had been held up before: else a few entries are deleted at once.
    await client.hset(`${P}:untidy`, 'normal', '32')
    const long = call(0, LONG)
    const short = Array.from({ length: 30 }, (_, n) => call(n, 0))
    await until('the short ones to end', () => short.every(hasEnded))
    // The first field of an entry is the id of its task.
    const there = new Set((await client.xrange(STREAM, '-', '+')).map(([, fields]) => fields[0]))
    const left = short.filter(({ id }) => there.has(id)).length
    if (left > 0) return left
    await until('the long one to end', () => hasEnded(long))
  }
  return 0
}

/** Callers look at once at what they wait for, where a sweep would do so within ten seconds. */
async function resubscribed(redis: Redis, pause: number): Promise<void> {
  await delay(pause)
  await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
}

/** What was deleted with all its state, and what had ended and was known to have, does not come back. */
async function resurrected({ journal, redis }: Rig, faults: readonly Fault[]): Promise<string[]> {
  const lines = journal.read()
  const flushedAt = Math.max(...faults.filter(({ what }) => what === 'FLUSHALL').map(({ from }) => from))
  const there: string[] = []
  for (const { verb, id, at } of lines) {
    if (verb !== 'ok' || at >= flushedAt) continue
    if ((await redis.client.exists(`${P}:task:${id}`)) === 1) there.push(id)
  }
  const endedAt = new Map(lines.filter(({ verb }) => verb === 'settled').map(({ id, at }) => [id, at]))
  // One that was delivered twice before it ended may begin a little later.
  const again = lines.filter(({ verb, id, at }) => verb === 'start' && at > (endedAt.get(id) ?? at) + LEASE)
  const problems: string[] = []
  if (there.length > 0) problems.push(`${there.length} records are there again: ${there[0]}`)
  if (again.length > 0) problems.push(`${again.length} tasks ran after their end: ${again[0]!.id}`)
  return problems
}

/** What was called since the deletion before, and had ended before the group was destroyed, does not run once more. */
function endedBefore({ journal }: Rig, faults: readonly Fault[]): string[] {
  const lines = journal.read()
  const timesOf = (wanted: Line['verb']): Map<string, number> =>
    new Map(lines.filter(({ verb }) => verb === wanted).map(({ id, at }) => [id, at]))
  const [calledAt, settledAt, lastStart] = [timesOf('invoke'), timesOf('settled'), timesOf('start')]
  const again = faults.flatMap(({ what, from }, index) => {
    const since = faults[index - 1]?.to ?? 0
    const ended = [...settledAt].filter(([id, at]) => at < from && calledAt.get(id)! > since)
    return what === 'XGROUP DESTROY' ? ended.filter(([id]) => lastStart.get(id)! >= from) : []
  })
  return again.length > 0 ? [`${again.length} tasks ran again after their end: ${again[0]![0]}`] : []
}

/** Lost may be what was called before the deletion of a stream; a group that is destroyed loses nothing. */
function wronglyLost({ journal }: Rig, faults: readonly Fault[]): string[] {
  const lines = journal.read()
  const calledAt = new Map(lines.filter(({ verb }) => verb === 'invoke').map(({ id, at }) => [id, at]))
  const wrong = lines.filter(({ verb, id, rest, at }) => {
    if (verb !== 'settled' || rest[0] !== 'lost') return false
    return !faults.some(
      ({ what, from, to }) => what !== 'XGROUP DESTROY' && to >= calledAt.get(id)! && from <= at,
    )
  })
  return wrong.length > 0 ? [`${wrong.length} lost that nobody deleted: ${wrong[0]!.id}`] : []
}

/** Records of tasks whose entry was deleted stay for half a minute after their callers were told: not waited for here. */
async function forgetLost({ journal, redis }: Rig): Promise<number> {
  const lost = journal.read().filter(({ verb, rest }) => verb === 'settled' && rest[0] === 'lost')
  for (const { id } of lost) {
    const key = `${P}:task:${id}`
    if ((await redis.client.pttl(key)) > 0) await redis.client.del(key)
  }
  return lost.length
}
