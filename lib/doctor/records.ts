/**
 * A walk over the queue's keys and entries, bounded: what is out of order, and what a task costs. Redis looks at
 * all keys of the database on the way, whosever they are, so the bound counts those.
 */

import { LANES } from '../record.ts'
import type { Examined } from '../redis/examiner.ts'
import { portions } from '../redis/tasks.ts'
import { staleNames } from './lists.ts'
import { COMMAND_TIMEOUT, type Visit } from './visit.ts'

/** Keys that Redis looks at in one command; keys and entries in one script. */
const STEP = 1_000
const PORTION = 100
/** Records whose memory is asked for. */
const SAMPLES = 100

export interface RecordFacts {
  /** Keys of the database that were looked at, roughly; of them the queue's records. */
  readonly keys: number
  readonly records: number
  /** Entries that were looked at. */
  readonly entries: number
  /** False: the limit came first, so there may be more of everything below. */
  readonly isComplete: boolean
  /** Ids of open tasks that nobody will ever take, and whose call is there: `repair` puts them back in line. */
  readonly strays: readonly string[]
  /** The same, where the call is gone too. */
  readonly gone: readonly string[]
  /** Of the strays, those that wait for a task that is not there. Known only where the walk was complete. */
  readonly orphans: readonly string[]
  /** Keys in the place of a record that are none. */
  readonly junk: readonly string[]
  /** Entries, `<lane>/<entry>`, that are to be run and have no record. */
  readonly withoutRecord: readonly string[]
  /** Keys that should expire and do not, without P. */
  readonly eternal: readonly string[]
  /** Keys without P that the list of their kind does not name: tasks that wait for others, schedules. */
  readonly unlisted: readonly string[]
  /** The other way round: what these lists name is not there. */
  readonly stale: readonly string[]
  /** Means, bytes; undefined: there are none, or MEMORY is not allowed here. */
  readonly bytesPerRecord: number | undefined
  readonly bytesPerEntry: number | undefined
}

export async function recordFacts(visit: Visit, limit: number): Promise<RecordFacts> {
  const found = new Found(await timeOf(visit))
  const { keys, isComplete } = await walkKeys(visit, limit, found)
  const lanes = await walkLanes(visit, limit)
  const lists = await staleNames(visit, limit)
  const orphans = isComplete ? found.orphans() : []
  return {
    keys,
    records: found.records.size,
    entries: lanes.looked,
    isComplete: isComplete && lanes.isComplete && lists.isComplete,
    strays: [...found.of('stray'), ...orphans],
    gone: [...found.of('gone')],
    orphans,
    junk: [...found.of('junk')],
    withoutRecord: lanes.withoutRecord,
    eternal: [...found.of('eternal')],
    unlisted: [...found.unlisted],
    stale: lists.stale,
    ...(await memory(visit, found)),
  }
}

/** SCAN may give a key twice. */
class Found {
  readonly records = new Set<string>()
  readonly unlisted = new Set<string>()
  readonly #began: number
  readonly #words = new Map<string, Set<string>>()
  readonly #followed = new Set<string>()

  /** began: by the server's clock. */
  constructor(began: number) {
    this.#began = began
  }

  add(name: string, { word, next, created, isUnlisted }: Examined): void {
    const isRecord = name.startsWith('task:')
    const id = name.slice('task:'.length)
    if (isRecord) this.records.add(id)
    if (next !== undefined) this.#followed.add(next)
    if (isUnlisted) this.unlisted.add(name)
    // One that began to wait during the walk may follow a task that was looked at before.
    if (word === 'waiting' && (created ?? Number.POSITIVE_INFINITY) >= this.#began) return
    this.of(word).add(isRecord && word !== 'eternal' ? id : name)
  }

  of(word: Examined['word']): Set<string> {
    const names = this.#words.get(word) ?? new Set()
    // Of what is fine nothing need be remembered.
    if (word !== 'fine') this.#words.set(word, names)
    return names
  }

  orphans(): string[] {
    return [...this.of('waiting')].filter((id) => !this.#followed.has(id))
  }
}

async function walkKeys(
  { connection, keys, examiner }: Visit,
  limit: number,
  found: Found,
): Promise<{ keys: number; isComplete: boolean }> {
  const pattern = `${keys.prefix}:*`
  let [cursor, looked] = ['0', 0]
  do {
    const step = Math.min(STEP, limit - looked)
    const [next, batch] = await connection.send(
      (client) => client.scan(cursor, 'MATCH', pattern, 'COUNT', step),
      COMMAND_TIMEOUT,
    )
    cursor = next
    looked += step
    const names = batch
      .map((key) => key.slice(keys.prefix.length + 1))
      .filter((name) => /^(task|key|worker|joined|rate|deps|schedule):/.test(name))
    for (const portion of portions(names, PORTION)) {
      const examined = await examiner.examine(portion)
      portion.forEach((name, index) => {
        found.add(name, examined[index]!)
      })
    }
  } while (cursor !== '0' && looked < limit)
  return { keys: looked, isComplete: cursor === '0' }
}

async function walkLanes(
  { examiner }: Visit,
  limit: number,
): Promise<{ looked: number; isComplete: boolean; withoutRecord: string[] }> {
  const withoutRecord: string[] = []
  let looked = 0
  for (const lane of LANES) {
    let after = ''
    do {
      if (looked >= limit) return { looked, isComplete: false, withoutRecord }
      const page = await examiner.survey(lane, after, Math.min(PORTION, limit - looked))
      for (const entry of page.entries) withoutRecord.push(`${lane}/${entry}`)
      looked += page.looked
      after = page.after
    } while (after !== '')
  }
  return { looked, isComplete: true, withoutRecord }
}

async function memory(
  { connection, keys }: Visit,
  found: Found,
): Promise<Pick<RecordFacts, 'bytesPerRecord' | 'bytesPerEntry'>> {
  const bytesOf = async (key: string): Promise<number> =>
    Number(await connection.send((client) => client.memory('USAGE', key), COMMAND_TIMEOUT))
  try {
    const sample = [...found.records].slice(0, SAMPLES)
    const sizes = (await Promise.all(sample.map((id) => bytesOf(keys.task(id))))).filter((size) => size > 0)
    let [bytes, entries] = [0, 0]
    for (const lane of LANES) {
      const length = await connection.send((client) => client.xlen(keys.stream(lane)), COMMAND_TIMEOUT)
      if (length > 0) bytes += await bytesOf(keys.stream(lane))
      entries += length
    }
    return {
      bytesPerRecord: mean(
        sizes.reduce((sum, size) => sum + size, 0),
        sizes.length,
      ),
      bytesPerEntry: mean(bytes, entries),
    }
  } catch {
    return { bytesPerRecord: undefined, bytesPerEntry: undefined }
  }
}

const mean = (sum: number, count: number): number | undefined =>
  count === 0 ? undefined : Math.round(sum / count)

async function timeOf({ connection }: Visit): Promise<number> {
  const [seconds, micros] = await connection.send((client) => client.time(), COMMAND_TIMEOUT)
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
}
