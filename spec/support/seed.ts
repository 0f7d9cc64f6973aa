import type { Lane, OutcomeState } from '../../lib/record.ts'
import { GROUP } from '../../lib/redis/keys.ts'
import { callOf, P, placeOf } from './keyspace.ts'

export interface SeededTask {
  /** Default `normal`. */
  lane?: Lane
  /** Who awaits it since the call. */
  client?: string
  /** Default `callOf(id, client)`. */
  call?: string | Buffer
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

  /** The stream of a lane and its group, which every row begins with unless it is `bare`. */
  group(ofLane: Lane): this {
    return this.command('XGROUP', 'CREATE', `P:stream:${ofLane}`, GROUP, '0', 'MKSTREAM')
  }

  /** An entry of any shape. */
  entry(toLane: Lane, ...fields: (string | Buffer)[]): this {
    this.#entries += 1
    const entry = `${this.#entries}-0`
    this.#unread.set(toLane, [...(this.#unread.get(toLane) ?? []), entry])
    return this.command('XADD', `P:stream:${toLane}`, entry, ...fields)
  }

  /** Delivers the next entries of a lane to a worker; they run for a minute already. */
  deliver(worker: string, fromLane: Lane = 'normal', count = 1): this {
    const stream = `P:stream:${fromLane}`
    const entries = this.#unread.get(fromLane)?.splice(0, count) ?? []
    this.command('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', count, 'STREAMS', stream, '>')
    return this.command('XCLAIM', stream, GROUP, worker, 0, ...entries, 'IDLE', RUNS_FOR, 'JUSTID')
  }

  record(id: string, fields: Record<string, string>): this {
    return this.command('HSET', `P:task:${id}`, ...Object.entries(fields).flat())
  }

  queued(id: string, task: SeededTask = {}): this {
    const { lane: toLane = 'normal', client, call = callOf(id, client), record } = task
    this.entry(toLane, id, Buffer.from(call as string, 'latin1'))
    return this.record(id, { entry: placeOf(toLane, `${this.#entries}-0`), ...record })
  }

  /** Delivered to a worker, which is all that makes a task run. */
  running(id: string, worker: string, task: SeededTask = {}): this {
    return this.queued(id, task).deliver(worker, task.lane)
  }

  /** Ended by `w1` under the token 9-0 of lane normal, unless `record` says otherwise. */
  ended(id: string, state: OutcomeState, value: string, record: Record<string, string> = {}): this {
    const field = state === 'succeeded' ? 'result' : 'error'
    const common = { entry: '9-0', end: `${state[0]} 1 100 200 w1` }
    this.record(id, { ...common, call: callOf(id), [field]: value, ...record })
    return this.command('PEXPIRE', `P:task:${id}`, 60_000)
  }

  /** Entries of ended tasks lie in this lane, above one that is pending. */
  untidy(ofLane: Lane): this {
    return this.command('HSET', 'P:untidy', ofLane, '')
  }

  /** One of the dead letters since `at`. */
  failed(id: string, at: number): this {
    return this.ended(id, 'failed', `error of ${id}`).command('ZADD', 'P:failed', at, id)
  }

  /** Registered, with a lease that ends in `lease` ms and beats in time since `since` ms ago. */
  worker(id: string, { lease = 60_000, since = 600_000 }: { lease?: number; since?: number } = {}): this {
    this.command('ZADD', 'P:workers', this.now + lease, id)
    this.command('HSET', `P:worker:${id}`, 'since', this.now - since)
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
