/** Lists of tasks, for people: by state, and failed ones grouped by what went wrong. */

import { fingerprint, headline } from '../fingerprint.ts'
import { LANES, type Lane, type TaskInfo } from '../record.ts'
import type { Admin, ListedState } from './admin.ts'

/** Ids in one script, records read at once. */
const PAGE = 100
/** Of a state whose tasks are not in a lane. */
const NO_LANE: readonly Lane[] = ['normal']

export interface TaskFilter {
  readonly state: ListedState
  /** Of queued and running tasks. Default: all lanes. */
  readonly lane?: Lane | undefined
  readonly name?: string | undefined
  /** Of failed tasks: one group of `failures()`. */
  readonly fingerprint?: string | undefined
  /** Only those that are older, by when they failed (else were created). */
  readonly before?: Date | undefined
  readonly limit?: number | undefined
}

/** Failed tasks that failed alike. */
export interface FailureGroup {
  readonly fingerprint: string
  readonly name: string | undefined
  /** Error name and message, without what varies. */
  readonly error: string
  readonly count: number
  readonly newest: Date
  readonly oldest: Date
  /** Id of the newest. */
  readonly example: string
}

export class Tasks {
  readonly #admin: Pick<Admin, 'list'>
  readonly #inspect: (id: string) => Promise<TaskInfo | null>

  constructor(admin: Pick<Admin, 'list'>, inspect: (id: string) => Promise<TaskInfo | null>) {
    this.#admin = admin
    this.#inspect = inspect
  }

  /** As they come; tasks that end meanwhile are passed over. */
  async *find(filter: TaskFilter): AsyncGenerator<TaskInfo> {
    const { state, limit = Number.POSITIVE_INFINITY } = filter
    const hasLanes = state === 'queued' || state === 'running'
    const lanes = hasLanes ? (filter.lane ? [filter.lane] : LANES) : NO_LANE
    let left = limit
    for (const lane of lanes) {
      let after = ''
      do {
        const page = await this.#admin.list(state, lane, after, PAGE)
        after = page.after
        const infos = await Promise.all(page.ids.map(this.#inspect))
        for (const info of infos) {
          if (!info || info.state !== state || !matches(info, filter)) continue
          if (left-- <= 0) return
          yield info
        }
      } while (after !== '')
    }
  }

  async groups(): Promise<FailureGroup[]> {
    const groups = new Map<string, { -readonly [K in keyof FailureGroup]: FailureGroup[K] }>()
    for await (const info of this.find({ state: 'failed' })) {
      const print = fingerprint(info.name, info.error)
      const at = info.finishedAt ?? info.createdAt
      const group = groups.get(print)
      if (group) {
        group.count += 1
        if (at < group.oldest) group.oldest = at
      } else {
        const { id, name, error } = info
        groups.set(print, {
          ...{
            fingerprint: print,
            name,
            error: headline(error),
            count: 1,
            newest: at,
            oldest: at,
            example: id,
          },
        })
      }
    }
    return [...groups.values()].sort((a, b) => b.count - a.count || b.newest.getTime() - a.newest.getTime())
  }

  /** Ids that match, all of them before anything is done to one: what is done moves the others' places. */
  async ids(filter: TaskFilter): Promise<string[]> {
    const ids: string[] = []
    for await (const { id } of this.find(filter)) ids.push(id)
    return ids
  }
}

function matches(info: TaskInfo, { name, fingerprint: print, before, lane }: TaskFilter): boolean {
  if (name !== undefined && info.name !== name) return false
  if (lane !== undefined && info.lane !== lane) return false
  if (before && (info.finishedAt ?? info.createdAt) >= before) return false
  return print === undefined || fingerprint(info.name, info.error) === print
}

/** In portions that one script does well. */
export function* portions<T>(items: readonly T[], size = PAGE): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size)
}
