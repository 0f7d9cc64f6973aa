import type { EndState, Lane, OpenState } from '../../lib/record.ts'
import { GROUP } from '../../lib/redis/keys.ts'
import { callOf, P, placeOf } from './keyspace.ts'

export interface SeededTask {
  /** Default `normal`. */
  lane?: Lane
  /** Who awaits it since the call. */
  client?: string
  /** Default `callOf(id, client)`. */
  call?: string | Buffer
  /** What the entry says besides the call, as the record does: attempt, failures, … */
  more?: Record<string, string>
  /** Further fields of the record, or other values of those that are there. */
  record?: Record<string, string>
}

/** How long what is seeded as delivered runs already, ms: long enough for its followers to be deleted singly. */
const RUNS_FOR = 60_000

/** Collects commands. Of each lane: first what is delivered, in this order, then what is queued. */
export class Seed {
  readonly #commands: (string | number | Buffer)[][] = []
  readonly #unread = new Map<Lane, string[]>()
  /** The server's clock when the row began. */
  readonly now: number
  #entries = 0

  constructor(now: number) {
    this.now = now
  }

  get commands(): readonly (readonly (string | number | Buffer)[])[] {
    return this.#commands
  }

  /** Any command; `P:` at the beginning of an argument stands for the prefix. */
  command(...words: (string | number | Buffer)[]): this {
    this.#commands.push(words.map((word) => (typeof word === 'string' ? word.replace(/^P:/, `${P}:`) : word)))
    return this
  }

  /** Turns are told to look at more than lane normal. */
  mark(what: 'lanes' | 'void'): this {
    return this.command('HSET', 'P:settings', what, '1')
  }

  /** The stream of a lane and its group, which every row begins with unless it is `bare`. */
  group(ofLane: Lane): this {
    return this.command('XGROUP', 'CREATE', `P:stream:${ofLane}`, GROUP, '0', 'MKSTREAM')
  }

  /** An entry of any shape. */
  entry(toLane: Lane, ...fields: (string | Buffer)[]): this {
    this.#entries += 1
    const entry = `${this.#entries}-0`
    this.#unread.set(toLane, [...(this.#unread.get(toLane) ?? []), entry])
    if (toLane !== 'normal') this.mark('lanes')
    return this.command('XADD', `P:stream:${toLane}`, entry, ...fields)
  }

  /** Delivers the next entries of a lane to a worker; they run for a minute already. */
  deliver(worker: string, fromLane: Lane = 'normal', count = 1): this {
    const stream = `P:stream:${fromLane}`
    const entries = this.#unread.get(fromLane)?.splice(0, count) ?? []
    this.command('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', count, 'STREAMS', stream, '>')
    return this.command('XCLAIM', stream, GROUP, worker, 0, ...entries, 'IDLE', RUNS_FOR, 'JUSTID')
  }

  /** One that waits for others is listed as such. */
  record(id: string, fields: Record<string, string>): this {
    if (fields.entry?.startsWith('waiting/') && !fields.end) this.command('ZADD', 'P:waiting', 50, id)
    return this.command('HSET', `P:task:${id}`, ...Object.entries(fields).flat())
  }

  queued(id: string, task: SeededTask = {}): this {
    const { lane: toLane = 'normal', client, call = callOf(id, client), more = {}, record } = task
    this.entry(toLane, id, Buffer.from(call as string, 'latin1'), ...Object.entries(more).flat())
    return this.record(id, { entry: placeOf(toLane, `${this.#entries}-0`), ...more, ...record })
  }

  /** Delivered to a worker, which is all that makes a task run. */
  running(id: string, worker: string, task: SeededTask = {}): this {
    return this.queued(id, task).deliver(worker, task.lane)
  }

  /** Due in so many ms, and its call lies in the record. */
  scheduled(id: string, due: number, task: SeededTask = {}): this {
    return this.#away('scheduled', id, task).command('ZADD', 'P:scheduled', this.now + due, id)
  }

  /** Of a name that no worker knows. */
  parked(id: string, name: string, task: SeededTask = {}): this {
    const record = { unknown: name, ...task.record }
    return this.#away('parked', id, { ...task, record }).command('ZADD', 'P:parked', 0, `${name}/${id}`)
  }

  /** For the end of another that holds the key k. */
  waiting(id: string, after: string, task: SeededTask = {}): this {
    return this.#away('waiting', id, { ...task, record: { key: 'k', ...task.record } }).record(after, {
      next: id,
    })
  }

  /** For the end of its parents, all of which lead to it. takes: how they end becomes its arguments. */
  child(
    id: string,
    after: readonly string[],
    task: SeededTask & { policy?: string; takes?: boolean } = {},
  ): this {
    const { policy = 'f', takes, ...rest } = task
    const count = String(after.length)
    const record = {
      ...{ after: after.join(' '), policy, needs: count },
      ...(takes && { inputs: count, tied: '1' }),
      ...task.record,
    }
    this.#away('waiting', id, { ...rest, record })
    after.forEach((parent, index) => {
      this.command('HSET', `P:deps:${parent}`, id, index)
    })
    return this
  }

  /** Waits in the line of a limit's key, as `<key> <at once> <max> <per>` says. */
  lined(id: string, limit: string, task: SeededTask & { number?: number } = {}): this {
    const { lane: toLane = 'normal', number = 1 } = task
    const line = String(number).padStart(10, '0')
    const record = { limit, tied: '1', line, ...task.record }
    const member = `${limit.split(' ')[0]} ${line} ${id}`
    return this.#away('line', id, { ...task, record }).command('ZADD', `P:line:${toLane}`, 0, member)
  }

  /** Keys that may go, in their turns. */
  ring(...keys: string[]): this {
    for (const [n, key] of keys.entries()) this.command('ZADD', 'P:ring', n + 1, key)
    return this.command('HSET', 'P:settings', 'lines', '1')
  }

  /** What is kept of a limit's key: numbers, who holds its slots, when the last began (ms from now). */
  limit(key: string, numbers: string, more: { last?: number; busy?: string[]; rate?: number[] } = {}): this {
    const { last = 1, busy = [], rate = [] } = more
    this.command('HSET', `P:limit:${key}`, 'numbers', numbers, 'last', last)
    if (busy.length > 0) this.command('SADD', `P:busy:${key}`, ...busy)
    if (rate.length === 0) return this
    this.command('RPUSH', `P:rate:${key}`, ...rate.map((at) => this.at(at)))
    return this.command('PEXPIRE', `P:rate:${key}`, 60_000)
  }

  /** Is looked at again in so many ms. */
  resting(key: string, due: number): this {
    return this.command('ZADD', 'P:resting', this.now + due, key)
  }

  #away(state: OpenState | 'line', id: string, task: SeededTask): this {
    const { lane: toLane = 'normal', client, call = callOf(id, client), more, record } = task
    return this.record(id, {
      ...{ entry: `${state}/${toLane}`, call: call.toString(), created: '50' },
      ...more,
      ...record,
    })
  }

  /** Its ttl, its deadline or its patience is over in so many ms; what the record says of it is said apart. */
  expiring(id: string, due: number): this {
    return this.command('ZADD', 'P:expiring', this.now + due, id)
  }

  /** In so many ms, as records and entries hold it. */
  at(due: number): string {
    return String(this.now + due)
  }

  /** The key k; the record's field is said apart. */
  holdsKey(id: string, ttl?: number): this {
    return this.command('SET', 'P:key:k', id, ...(ttl === undefined ? [] : ['PX', ttl]))
  }

  /** Ended by `w1` under the token 9-0 of lane normal, unless `record` says otherwise. */
  ended(id: string, state: EndState, value: string, record: Record<string, string> = {}): this {
    const field = state === 'succeeded' ? 'result' : 'error'
    const common = { entry: '9-0', end: `${state[0]} 1 100 200 w1` }
    this.record(id, { ...common, call: callOf(id), [field]: value, ...record })
    return this.command('PEXPIRE', `P:task:${id}`, 60_000)
  }

  /** Unread entries that are not to be run. */
  voided(ofLane: Lane, ...entries: string[]): this {
    this.mark('void')
    return this.command('SADD', `P:void:${ofLane}`, ...entries)
  }

  /** Entries of ended tasks lie in this lane, above one that is pending. */
  untidy(ofLane: Lane): this {
    return this.command('HSET', 'P:untidy', ofLane, '32')
  }

  /** One of the dead letters since `at`. */
  failed(id: string, at: number): this {
    return this.ended(id, 'failed', `error of ${id}`).command('ZADD', 'P:failed', at, id)
  }

  /** Registered, with a lease that ends in `lease` ms and beats in time since `since` ms ago; knows `tasks`, if said. */
  worker(id: string, options: { lease?: number; since?: number; tasks?: string } = {}): this {
    const { lease = 60_000, since = 600_000, tasks } = options
    this.command('ZADD', 'P:workers', this.now + lease, id)
    this.command('HSET', `P:worker:${id}`, 'since', this.now - since, ...(tasks ? ['tasks', tasks] : []))
    return this.command('PEXPIRE', `P:worker:${id}`, 86_400_000)
  }

  /** Its lease is over, and nobody has looked yet. */
  expired(id: string): this {
    return this.worker(id, { lease: -60_000 })
  }

  markedDead(id: string): this {
    return this.worker(id).command('ZADD', 'P:workers', 0, id)
  }
}
