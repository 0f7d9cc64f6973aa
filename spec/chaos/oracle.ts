/**
 * Judges a run from outside: joins what producers and handlers have written down with what Redis holds in the end.
 * It knows the promises, and nothing of how they are kept.
 */

import type { Redis } from 'ioredis'
import { LANES, STATE_OF } from '../../lib/record.ts'
import type { Journal, Line } from './journal.ts'
import { callbackIds, type End, judgeTies, overdue, readTies, retriesOf } from './ties.ts'

export interface Verdict {
  /** Accepted, and without an outcome. */
  readonly lost: readonly string[]
  /** Calls that producers made, by what they were told of them. */
  readonly calls: {
    readonly ok: number
    readonly fail: number
    readonly unknown: number
    readonly silent: number
  }
  /** How many tasks ended in each state. */
  readonly outcomes: Readonly<Record<string, number>>
  /** How many tasks ran so many times; [0] never. Attempts that threw, and were to be followed by another, do not count. */
  readonly runs: readonly number[]
  /** What there was besides plain calls: callbacks, flows, … */
  readonly mixed: Readonly<Record<string, number>>
  /** Attempts that began and never ended. */
  readonly cut: number
  /** What must not be, in words. */
  readonly problems: readonly string[]
}

export interface Expectations {
  /** Runs beyond one for each task, at most; default: as many as attempts were cut. Retries are no such runs. */
  readonly extraRuns?: number
  /** Redis itself was set back: accepted calls may be missing, and attempts are counted anew. Default false. */
  readonly mayLose?: boolean
  /** Tasks end otherwise than by success here. Default: they do not. */
  readonly mayFail?: boolean
}

/** P: the queue's prefix. */
export async function judge(
  redis: Redis,
  P: string,
  journal: Journal,
  expect: Expectations = {},
): Promise<Verdict> {
  const lines = journal.read()
  const by = (verb: Line['verb']): Line[] => lines.filter((line) => line.verb === verb)
  const ids = (verb: Line['verb']): Set<string> => new Set(by(verb).map(({ id }) => id))
  const [invoked, ok, fail, unknown] = [ids('invoke'), ids('ok'), ids('fail'), ids('unknown')]
  const settled = new Map(by('settled').map(({ id, rest }) => [id, rest[0]!]))
  const problems: string[] = []
  const blame = (what: string, guilty: readonly string[]): void => {
    if (guilty.length > 0) problems.push(`${guilty.length} ${what}: ${guilty.slice(0, 3).join(' ')}`)
  }

  const ties = readTies(lines)
  const ends = await endsOf(redis, P, [...invoked, ...callbackIds(ties)])
  const ended = new Map([...ends].map(([id, { state }]) => [id, state]))
  const runs = countBy(by('start'))
  const retries = retriesOf(lines, ends)
  const lost = [...ok].filter((id) => !ended.has(id))
  if (expect.mayLose) blame('accepted calls are open', await withRecord(redis, P, lost))
  else blame('accepted calls have no outcome', lost)
  blame(
    'calls that were refused have run',
    [...fail].filter((id) => runs.has(id)),
  )
  blame(
    'calls of which the producer heard nothing',
    [...invoked].filter((id) => !ok.has(id) && !fail.has(id) && !unknown.has(id)),
  )
  blame(
    'tasks were recorded as done and never ran',
    [...ended].filter(([id, state]) => state === 'succeeded' && !runs.has(id)).map(([id]) => id),
  )
  if (!expect.mayLose) {
    blame(
      'attempts ran twice under one number',
      [...countBy(by('start').map((line) => ({ id: `${line.id}/${line.rest[0]}` })))]
        .filter(([, n]) => n > 1)
        .map(([id]) => id),
    )
    const newest = newestAttempts(by('start'))
    blame(
      'outcomes are of an attempt that another had taken over from',
      [...ends].filter(([id, { attempt }]) => attempt < (newest.get(id) ?? 0)).map(([id]) => id),
    )
  }
  if (!expect.mayFail) {
    blame(
      'tasks did not succeed',
      [...ended].filter(([id, state]) => state !== 'succeeded' && !ties.due.has(id)).map(([id]) => id),
    )
  }
  for (const [what, guilty] of judgeTies(ties, lines, ends, expect.mayLose ?? false)) blame(what, guilty)
  // Who was told of an outcome before Redis was set back keeps it; lost is only what has no record.
  const truth = (id: string, told: string): string =>
    ended.get(id) ?? (expect.mayLose && told !== 'lost' ? told : 'lost')
  blame(
    'callers were told otherwise than the record says',
    [...settled].filter(([id, told]) => truth(id, told) !== told && !fail.has(id)).map(([id]) => id),
  )
  const starts = by('start').length
  const cut = starts - by('end').length - by('threw').length
  const extra = starts - runs.size - [...retries.values()].reduce((sum, n) => sum + n, 0)
  const allowed = expect.extraRuns ?? cut
  if (extra > allowed)
    problems.push(`${extra} runs more than one for each task, where ${allowed} were to be expected`)

  const outcomes: Record<string, number> = {}
  const histogram: number[] = []
  for (const id of invoked) {
    const state = ended.get(id)
    if (state) outcomes[state] = (outcomes[state] ?? 0) + 1
    const times = (runs.get(id) ?? 0) - (retries.get(id) ?? 0)
    histogram[times] = (histogram[times] ?? 0) + 1
  }
  const tasksOf = (name: string): number => by('invoke').filter(({ rest }) => rest[1] === name).length
  const silent = invoked.size - ok.size - fail.size - unknown.size
  return {
    ...{ lost, outcomes, cut, problems: [...problems, ...(await strays(redis, P))] },
    calls: { ok: ok.size, fail: fail.size, unknown: unknown.size, silent },
    runs: Array.from(histogram, (n) => n ?? 0),
    mixed: {
      callbacks: callbackIds(ties).length,
      flows: by('flow').length,
      'in batches': tasksOf('batched'),
      'with commits': tasksOf('row'),
    },
  }
}

/**
 * What was accepted and has not ended, as seen in Redis, and callbacks that are due and have not. mayLose: what has no
 * record any more is not waited for.
 */
export async function openTasks(
  redis: Redis,
  P: string,
  journal: Journal,
  { mayLose = false }: Expectations = {},
): Promise<string[]> {
  const lines = journal.read()
  const ties = readTies(lines)
  const ids = lines.filter(({ verb }) => verb === 'ok').map(({ id }) => id)
  const ends = await endsOf(redis, P, [...ids, ...callbackIds(ties)])
  const open = ids.filter((id) => !ends.has(id))
  const late = overdue(ties, ends).map((id) => `${CALLBACK}${id}`)
  return [...(mayLose ? await withRecord(redis, P, open) : open), ...late]
}

/** How what `openTasks` gives begins, where it is a callback that is due: the task's id is behind it. */
export const CALLBACK = 'callback-of:'

async function withRecord(redis: Redis, P: string, ids: readonly string[]): Promise<string[]> {
  const pipeline = redis.pipeline()
  for (const id of ids) pipeline.exists(`${P}:task:${id}`)
  const replies = (await pipeline.exec()) ?? []
  return ids.filter((_, index) => replies[index]?.[1] === 1)
}

async function endsOf(redis: Redis, P: string, ids: readonly string[]): Promise<Map<string, End>> {
  const ends = new Map<string, End>()
  for (let i = 0; i < ids.length; i += 1_000) {
    const some = ids.slice(i, i + 1_000)
    const pipeline = redis.pipeline()
    for (const id of some) pipeline.hget(`${P}:task:${id}`, 'end')
    const replies = (await pipeline.exec()) ?? []
    some.forEach((id, index) => {
      const end = replies[index]?.[1] as string | null
      if (end) ends.set(id, { state: STATE_OF[end[0]!]!, attempt: Number(end.split(' ')[1]) })
    })
  }
  return ends
}

/** What is left over that should not be: in line, pending, consumers, keys without an expiry. */
async function strays(redis: Redis, P: string): Promise<string[]> {
  const found: string[] = []
  const workers = new Set(await redis.zrange(`${P}:workers`, '0', '-1'))
  for (const lane of LANES) {
    const stream = `${P}:stream:${lane}`
    const length = await redis.xlen(stream)
    if (length > 0) found.push(`${length} entries in lane ${lane}`)
    const groups = (await redis.xinfo('GROUPS', stream).catch(() => [])) as unknown[][]
    for (const group of groups) {
      if (Number(group[5]) > 0) found.push(`${group[5]} pending in lane ${lane}`)
    }
    const consumers = (await redis.xinfo('CONSUMERS', stream, 'workers').catch(() => [])) as unknown[][]
    for (const consumer of consumers) {
      if (!workers.has(String(consumer[1]))) found.push(`a consumer without a worker in lane ${lane}`)
    }
  }
  for await (const keys of redis.scanStream({ match: `${P.replace(/[{}]/g, '?')}:*`, count: 1_000 })) {
    for (const key of keys as string[]) {
      const name = key.slice(P.length + 1)
      if (BOUNDED.test(name)) continue
      if ((await redis.pttl(key)) === -1) found.push(`${name} has no expiry`)
    }
  }
  return found
}

/** Keys that stay and cannot grow, or are gone with what they stand for. */
const BOUNDED = /^(stream:\w+|workers|ended|settings|failed|quarantine|untidy)$/

function newestAttempts(starts: readonly Line[]): Map<string, number> {
  const newest = new Map<string, number>()
  for (const { id, rest } of starts) newest.set(id, Math.max(newest.get(id) ?? 0, Number(rest[0])))
  return newest
}

function countBy(lines: readonly { readonly id: string }[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { id } of lines) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}
