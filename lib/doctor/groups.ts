/** The lanes' groups: whether their lag is known, and who reads in them without being a worker. */

import { LANES, type Lane } from '../record.ts'
import { GROUP } from '../redis/keys.ts'
import { COMMAND_TIMEOUT, type Visit } from './visit.ts'

/** Of the group in one or several lanes, and of no worker that is registered. */
export interface Consumer {
  readonly name: string
  /** Entries that it holds. */
  readonly pending: number
  /** Ms since it last read. */
  readonly idle: number
}

export interface GroupFacts {
  /** Entries that nobody has read, as Redis counts them for autoscalers; undefined: it does not know, or there is no group. */
  readonly lag: Readonly<Partial<Record<Lane, number | undefined>>>
  /** Lanes whose group does not know its lag. */
  readonly withoutLag: readonly Lane[]
  readonly strangers: readonly Consumer[]
  readonly workers: {
    /** Whose lease goes on. */
    readonly alive: number
    /** Whose lease is over, and whom nobody has declared dead or cleared away yet. */
    readonly overdue: number
  }
  readonly isPaused: boolean
}

export async function groupFacts({ connection, keys }: Visit): Promise<GroupFacts> {
  const ask = (...words: [string, ...string[]]): Promise<unknown> =>
    connection.send((client) => client.call(...words), COMMAND_TIMEOUT)
  /** A stream or a group that is not there has nothing. */
  const rows = async (...words: [string, ...string[]]): Promise<Map<string, unknown>[]> => {
    const reply = await ask(...words).catch((error: Error) => {
      if (/^NOGROUP|no such key/.test(error.message)) return []
      throw error
    })
    return (reply as unknown[][]).map(pairs)
  }

  const leases = pairs((await ask('ZRANGE', `${keys.prefix}:workers`, '0', '-1', 'WITHSCORES')) as unknown[])
  const [seconds] = (await ask('TIME')) as [string]
  const alive = [...leases.values()].filter((end) => Number(end) > Number(seconds) * 1_000).length

  const lag: Partial<Record<Lane, number | undefined>> = {}
  const strangers = new Map<string, Consumer>()
  for (const lane of LANES) {
    const stream = keys.stream(lane)
    const group = (await rows('XINFO', 'GROUPS', stream)).find((row) => row.get('name') === GROUP)
    if (!group) continue
    const count = group.get('lag') as number | null
    lag[lane] = count ?? undefined
    for (const row of await rows('XINFO', 'CONSUMERS', stream, GROUP)) {
      const [name, pending, idle] = [
        String(row.get('name')),
        Number(row.get('pending')),
        Number(row.get('idle')),
      ]
      if (leases.has(name)) continue
      const before = strangers.get(name)
      strangers.set(name, {
        name,
        pending: pending + (before?.pending ?? 0),
        idle: Math.min(idle, before?.idle ?? idle),
      })
    }
  }
  return {
    lag,
    withoutLag: LANES.filter((lane) => lane in lag && lag[lane] === undefined),
    strangers: [...strangers.values()],
    workers: { alive, overdue: leases.size - alive },
    isPaused: (await ask('HGET', `${keys.prefix}:settings`, 'paused')) === '1',
  }
}

const pairs = (flat: unknown[]): Map<string, unknown> =>
  new Map(flat.flatMap((item, i) => (i % 2 === 0 ? [[String(item), flat[i + 1]] as const] : [])))
