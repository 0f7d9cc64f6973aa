import type { Lane } from '../../lib/record.ts'
import { GROUP } from '../../lib/redis/keys.ts'
import { callOf, P } from './keyspace.ts'

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

/** Collects commands. Of each lane: first what is delivered, in this order, then what is queued. */
export class Seed {
  readonly #commands: (string | number | Buffer)[][] = []
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
    return this.command('XADD', `P:stream:${toLane}`, `${this.#entries}-0`, ...fields)
  }

  /** Delivers the next entries of a lane to a worker. */
  deliver(worker: string, fromLane: Lane = 'normal', count = 1): this {
    const read = ['GROUP', GROUP, worker, 'COUNT', count, 'STREAMS', `P:stream:${fromLane}`, '>']
    return this.command('XREADGROUP', ...read)
  }

  record(id: string, fields: Record<string, string>): this {
    return this.command('HSET', `P:task:${id}`, ...Object.entries(fields).flat())
  }

  queued(id: string, task: SeededTask = {}): this {
    const { lane: toLane = 'normal', client, call = callOf(id, client), record } = task
    this.entry(toLane, id, Buffer.from(call as string, 'latin1'))
    return this.record(id, { entry: `${toLane}/${this.#entries}-0`, ...record })
  }

  /** Read by a worker that has not started it. */
  delivered(id: string, worker: string, task: SeededTask = {}): this {
    return this.queued(id, task).deliver(worker, task.lane)
  }

  running(id: string, worker: string, task: SeededTask = {}): this {
    const record = { state: 'running', worker, attempt: '1', started: '100', ...task.record }
    return this.delivered(id, worker, { ...task, record })
  }

  /** Ended by `worker` under the token `normal/9-0`, unless `record` says otherwise. */
  ended(id: string, state: string, value: string, record: Record<string, string> = {}): this {
    const field = state === 'succeeded' ? 'result' : 'error'
    const common = { entry: 'normal/9-0', state, worker: 'w1', attempt: '1', started: '100', finished: '200' }
    this.record(id, { ...common, call: callOf(id), [field]: value, ...record })
    return this.command('PEXPIRE', `P:task:${id}`, 60_000)
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
