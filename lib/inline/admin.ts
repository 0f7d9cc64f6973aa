/** The operators' verbs, done in this process. One that Redis has and this has not says so. */

import { OptionError } from '../errors.ts'
import { isEndState, LANES, type Lane, type TaskState } from '../record.ts'
import type {
  CancelAnswer,
  Counts,
  Flow,
  ListedState,
  MoveAnswer,
  RemoveAnswer,
  RetryAnswer,
  Settings,
  Verbs,
} from '../redis/admin.ts'
import type { WorkerInfo } from '../redis/workers.ts'
import type { Ledger } from './ledger.ts'
import type { TaskRecord } from './record.ts'
import type { Runner } from './runner.ts'

/** Ms that a task which was removed can still be read by those who are told of it. */
const LAST_LOOK = 30_000

export class InlineAdmin implements Partial<Verbs> {
  readonly #ledger: Ledger
  readonly #runner: Runner
  /** What operators have set for all, and for the one worker that there is. */
  readonly #asked: { all?: number | undefined; own?: number | undefined } = {}

  constructor(ledger: Ledger, runner: Runner) {
    this.#ledger = ledger
    this.#runner = runner
  }

  async cancel(id: string, reason: string, ttl: number): Promise<CancelAnswer> {
    return this.#cancel(id, reason, ttl)
  }

  async move(id: string, lane: Lane): Promise<MoveAnswer> {
    return this.#ledger.move(id, lane)
  }

  async redrive(ids: readonly string[]): Promise<RetryAnswer[]> {
    return ids.map((id) => this.#redrive(this.#ledger.records.get(id)))
  }

  async remove(ids: readonly string[], reason: string, ttl: number): Promise<RemoveAnswer[]> {
    return ids.map((id) => this.#remove(id, reason, ttl))
  }

  async list(state: ListedState, lane: Lane): Promise<{ after: string; ids: string[] }> {
    const ledger = this.#ledger
    const records = state === 'queued' ? ledger.queued(lane) : [...ledger.in(state, lane)]
    if (state === 'failed') records.reverse()
    if (state === 'scheduled') records.sort((a, b) => (a.due ?? 0) - (b.due ?? 0))
    return { after: '', ids: records.map(({ id }) => id) }
  }

  async find(key: string): Promise<{ state: TaskState | 'none'; id: string | undefined }> {
    const record = this.#ledger.records.get(this.#ledger.keys.holder(key) ?? '')
    return { state: record?.state ?? 'none', id: record?.id }
  }

  async flow(id: string): Promise<Flow | undefined> {
    const members = [...this.#ledger.records.values()].filter((record) => record.flow === id)
    const shape = members.find((record) => record.shape !== undefined)?.shape
    if (shape === undefined) return undefined
    return {
      shape,
      members: Object.fromEntries(members.map((record) => [record.id, record.wish?.after.join(' ') ?? ''])),
    }
  }

  async counts(): Promise<Counts> {
    const ledger = this.#ledger
    const lanes = Object.fromEntries(LANES.map((lane) => [lane, ledger.in('queued', lane).size]))
    lanes.first! += ledger.in('queued', 'front').size
    return {
      waiting: ledger.in('waiting').size,
      scheduled: ledger.in('scheduled').size,
      queued: ledger.count('queued'),
      running: ledger.count('running'),
      parked: ledger.in('parked').size,
      failed: ledger.in('failed').size,
      lanes: lanes as Record<Lane, number>,
      ended: { ...ledger.ended },
    }
  }

  async settings(worker: string, changes: Record<string, string> = {}): Promise<Settings | undefined> {
    const runner = this.#runner
    if (worker !== '' && worker !== runner.id) return undefined
    const { paused, concurrency } = changes
    const asked = this.#asked
    if (paused !== undefined) runner.isPaused = paused !== ''
    if (concurrency !== undefined) {
      asked[worker === '' ? 'all' : 'own'] = concurrency === '' ? undefined : Number(concurrency)
      runner.asked = asked.own ?? asked.all
    }
    return {
      isPaused: runner.isPaused,
      concurrency: worker === '' ? asked.all : (asked.own ?? asked.all),
      order: undefined,
    }
  }

  async workers(): Promise<WorkerInfo[]> {
    return [this.#runner.info()]
  }

  #cancel(id: string, reason: string, ttl: number): CancelAnswer {
    const record = this.#ledger.records.get(id)
    if (!record) return 'none'
    if (record.state === 'cancelled') return 'cancelled'
    if (isEndState(record.state)) return 'ended'
    if (record.state === 'running') {
      record.cancelReason = reason
      this.#runner.cancel(record, reason)
      return 'running'
    }
    this.#ledger.settleCancelled(record, reason, ttl)
    return 'cancelled'
  }

  /** As if for the first time; the errors so far stay. */
  #redrive(record: TaskRecord | undefined): RetryAnswer {
    const ledger = this.#ledger
    if (!record) return 'none'
    const { id, end, key } = record
    if (!end) return 'alive'
    if (record.state === 'succeeded') return 'succeeded'
    if (!ledger.dependents.canBeginAgain(record)) return 'empty'
    if (key !== undefined) {
      const holder = ledger.records.get(ledger.keys.holder(key) ?? '')
      if (holder && holder !== record && !isEndState(holder.state)) return 'key'
      ledger.keys.hold(key, id)
    }
    record.keepError(end.attempt, record.value, end.finished)
    ledger.revive(record)
    return 'retried'
  }

  #remove(id: string, reason: string, ttl: number): RemoveAnswer {
    const ledger = this.#ledger
    const answer = this.#cancel(id, reason, ttl)
    if (answer === 'running' || answer === 'none') return answer
    const record = ledger.records.get(id)!
    if (answer === 'cancelled') {
      ledger.retain(record, LAST_LOOK)
    } else {
      if (record.key !== undefined && ledger.keys.holder(record.key) === id) ledger.keys.release(record.key)
      ledger.forget(record)
    }
    return 'removed'
  }
}

/** All verbs: of one that is not here, the call says that inline queues lack it. */
export function withRefusals(admin: InlineAdmin): Verbs {
  const lacks = (name: string) => async (): Promise<never> => {
    throw new OptionError(`"${name}" is not for inline queues: it needs Redis`)
  }
  return new Proxy(admin, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value === 'function') return value.bind(target)
      return typeof name === 'string' && name !== 'then' ? lacks(name) : undefined
    },
  }) as unknown as Verbs
}
