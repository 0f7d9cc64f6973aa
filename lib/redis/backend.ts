/** What a queue stands on: its calls, its tasks and the replies to its callers. Redis is one, this process another. */

import type { TaskInfo } from '../record.ts'
import { Admin, type Verbs } from './admin.ts'
import type { Exception, QueueCalls } from './calls.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { Directory } from './directory.ts'
import { inspectTask } from './inspect.ts'
import { Keys } from './keys.ts'
import { Letters } from './letters.ts'
import { type Probe, probe } from './probe.ts'
import { Schedules, type ScheduleVerbs } from './schedules.ts'
import { loadScripts } from './scripts.ts'
import { Store } from './store.ts'
import { Channel, type Inbox, type Subscription } from './subscription.ts'
import { placeOf, type RedisTarget } from './target.ts'

/** What the callers' side asks for. */
export interface CallStore extends Pick<Store, 'enqueue' | 'attach' | 'field' | 'chunks'> {
  /** Of queues with the same `place`: store.ts. */
  several(
    batches: readonly (QueueCalls & { readonly store: CallStore })[],
    resent: boolean,
  ): Promise<readonly (readonly Exception[])[]>
}

export interface Backend {
  readonly isReady: boolean
  /** Where its tasks lie: calls for queues of one place can be accepted together. */
  readonly place: string
  /** Which of the queues there it is. */
  readonly prefix: string
  /** Rejects with RedisError after `timeout` ms. */
  ready(timeout: number): Promise<void>
  /** Runs the script that accepts calls, with none: refused where a call would be. Never rejects. */
  probe(timeout: number): Promise<Probe>
  /** Calls were accepted: the queue is in use. Costs nothing, never throws. */
  seen(): void
  readonly store: CallStore
  readonly admin: Verbs
  readonly schedules: ScheduleVerbs
  readonly inspect: (id: string) => Promise<TaskInfo | null>
  /** Replies for this client, from now on. */
  subscribe(client: string, inbox: Inbox): Subscription
  /** Replies may be lost on their way: what is waited for is read again from time to time. */
  readonly losesReplies: boolean
  /** Resolves when nothing that it runs by itself is left; then the waits are ended, and then it is closed. */
  drain(): Promise<void>
  close(): void
}

export interface RedisBackendOptions {
  readonly queue: string
  readonly namespace: string
  readonly target: RedisTarget
  readonly onProblem: NonNullable<ConnectionOptions['onProblem']>
}

/** The queue's name goes to the directory, ms. */
const SEEN_EVERY = 3_600_000
const NOTHING = Buffer.alloc(0)

/** One connection for commands, and one for replies once somebody waits. */
export class RedisBackend implements Backend {
  readonly target: RedisTarget
  readonly commands: Connection
  readonly store: Store
  readonly admin: Admin
  readonly schedules: Schedules
  readonly letters: Letters
  readonly inspect: Backend['inspect']
  readonly losesReplies = true
  readonly #options: RedisBackendOptions
  readonly #directory: Directory

  constructor(options: RedisBackendOptions) {
    this.#options = options
    const { queue, namespace, target, onProblem } = options
    const commands = new Connection(target, {
      ...{ role: 'commands', checkVersion: true, onProblem },
      prepare: (client) => loadScripts(client),
    })
    const keys = new Keys(namespace, queue)
    const store = new Store(commands, keys)
    this.target = target
    this.commands = commands
    this.store = store
    this.admin = new Admin(commands, keys)
    this.schedules = new Schedules(commands, keys)
    this.letters = new Letters(commands, keys)
    this.inspect = (id) => inspectTask(store, queue, id, (other) => this.beside(other).store)
    this.#directory = new Directory({ connection: commands, namespace, queue, every: SEEN_EVERY })
  }

  /** Another queue of this Redis and namespace, over the same connection. */
  beside(queue: string): Pick<RedisBackend, 'store' | 'letters' | 'admin'> {
    const keys = new Keys(this.#options.namespace, queue)
    const { commands } = this
    return {
      store: new Store(commands, keys),
      letters: new Letters(commands, keys),
      admin: new Admin(commands, keys),
    }
  }

  get isReady(): boolean {
    return this.commands.isReady
  }

  get place(): string {
    return placeOf(this.commands.client)
  }

  get prefix(): string {
    return this.store.keys.prefix
  }

  ready(timeout: number): Promise<void> {
    return this.commands.ready(timeout)
  }

  probe(timeout: number): Promise<Probe> {
    const none = { awaited: NOTHING, other: NOTHING }
    return probe(
      (ms) => this.ready(ms),
      () => this.store.enqueue([], none, false),
      timeout,
    )
  }

  seen(): void {
    this.#directory.touch()
  }

  subscribe(client: string, inbox: Inbox): Subscription {
    const { target, onProblem } = this.#options
    // When both are away, the other connection has said so.
    return new Channel(target, this.store.keys.replies(client), inbox, (problem) => {
      if (this.isReady) onProblem(problem)
    })
  }

  /** Its workers are stopped one by one, by the queue. */
  drain(): Promise<void> {
    return this.#directory.settled()
  }

  close(): void {
    this.commands.close()
  }
}
