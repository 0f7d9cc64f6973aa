/**
 * Outcomes and progress on their way back: one subscription for all calls of this client. A reply is speed, the
 * record is truth: open waits are read again after every (re)subscription and on a slow sweep, so a message that
 * was lost delays a wait and never strands it.
 */

import type { EnqueueError, QueueClosedError } from '../errors.ts'
import type { OutcomeState } from '../record.ts'
import { isOutcomeState } from '../record.ts'
import { Connection } from '../redis/connection.ts'
import { FrameReader } from '../redis/frame.ts'
import type { Standing, Store } from '../redis/store.ts'
import type { RedisTarget } from '../redis/target.ts'
import { toError } from '../report.ts'
import { Loop } from '../upkeep/loop.ts'
import type { PendingCall } from './enqueue.ts'

const SWEEP = 10_000
const PROGRESS = 'progress:'
const SWEEP_BATCH = 200
const READY_TIMEOUT = 5_000

export type Outcome =
  | { readonly state: OutcomeState; readonly value: Buffer }
  | { readonly state: 'lost' }
  | { readonly state: 'rejected'; readonly error: EnqueueError | QueueClosedError }

type ProgressListener = (value: Buffer, version: number) => void

/** One task that somebody here waits for. */
class Wait {
  readonly id: string
  readonly outcome: Promise<Outcome>
  /** Made when somebody listens: most never do. */
  listeners: Set<ProgressListener> | undefined
  /** A call of this client, which Redis may not have accepted yet. */
  readonly #call: PendingCall | undefined
  /** Redis knows that this client is to be told. */
  told: boolean
  settle!: (outcome: Outcome) => void

  /** Redis has accepted the call, so a missing record means that it is lost. */
  get isAccepted(): boolean {
    return this.#call === undefined || this.#call.batch.state === 'accepted'
  }

  whenAccepted(listener: () => void): void {
    if (this.#call) this.#call.batch.whenSettled(listener)
    else listener()
  }

  constructor(id: string, call: PendingCall | undefined) {
    this.id = id
    this.#call = call
    this.told = call?.isAwaited === true
    this.outcome = new Promise((resolve) => {
      this.settle = resolve
    })
  }
}

export interface RepliesOptions {
  readonly target: RedisTarget
  readonly store: Store
  readonly commands: Connection
  readonly client: string
  readonly onError: (error: Error) => void
}

export class Replies {
  readonly #options: RepliesOptions
  readonly #waits = new Map<string, Wait>()
  readonly #sweep: Loop
  #subscriber: Connection | undefined
  #subscribed = false
  #toAttach: Wait[] = []
  #closed: QueueClosedError | undefined

  constructor(options: RepliesOptions) {
    this.#options = options
    this.#sweep = new Loop({ round: () => this.#sweepRound(), onError: () => {}, pause: SWEEP })
  }

  /** A call of this client that Redis has not accepted yet. Until it leaves, the reply's address can go along. */
  expect(call: PendingCall): Promise<Outcome> {
    call.isObserved = true
    const { batch } = call
    if (batch.state === 'waiting') call.isAwaited = true
    const wait = this.#open(call.id, call)
    if (batch.error) this.rejected(call.id, batch.error)
    else if (!wait.told) batch.whenSettled(() => this.#attachSoon(wait))
    return wait.outcome
  }

  /** A task that was enqueued before, here or elsewhere. */
  join(id: string): Promise<Outcome> {
    const known = this.#waits.has(id)
    const wait = this.#open(id)
    if (!known) this.#attachSoon(wait)
    return wait.outcome
  }

  /** Calls back with each newest progress value until the task ends; answers how to stop that. */
  listen(id: string, listener: ProgressListener): () => void {
    const wait = this.#open(id)
    wait.listeners ??= new Set()
    wait.listeners.add(listener)
    wait.told = false
    wait.whenAccepted(() => this.#attachSoon(wait))
    return () => wait.listeners?.delete(listener)
  }

  /** The call never got there. */
  rejected(id: string, error: EnqueueError): void {
    this.#settle(id, { state: 'rejected', error })
  }

  async close(error: QueueClosedError): Promise<void> {
    this.#closed = error
    for (const id of [...this.#waits.keys()]) this.#settle(id, { state: 'rejected', error })
    this.#subscriber?.close()
    await this.#sweep.stop()
  }

  #open(id: string, call?: PendingCall): Wait {
    const known = this.#waits.get(id)
    if (known) return known
    const wait = new Wait(id, call)
    if (this.#closed) {
      wait.settle({ state: 'rejected', error: this.#closed })
      return wait
    }
    this.#waits.set(id, wait)
    this.#sweep.start()
    this.#connect()
    return wait
  }

  #connect(): void {
    if (this.#subscriber) return
    const { target, store, commands, client, onError } = this.#options
    const subscriber = new Connection(target, {
      role: 'replies',
      onReady: () => void subscribe(),
      // When both are away, the other connection has said so.
      onProblem: (problem) => commands.isReady && onError(problem),
    })
    const channel = store.keys.replies(client)
    const subscribe = async (): Promise<void> => {
      try {
        await subscriber.send((redis) => redis.subscribe(channel), READY_TIMEOUT)
        this.#subscribed = true
        await this.#read([...this.#waits.values()])
      } catch {
        // Not subscribed: start over with a new socket. Not read: the sweep will.
        if (!this.#subscribed) subscriber.client.disconnect(true)
      }
    }
    subscriber.client.on('close', () => {
      this.#subscribed = false
    })
    subscriber.client.on('messageBuffer', (_channel: Buffer, message: Buffer) => this.#receive(message))
    this.#subscriber = subscriber
    subscriber.connect()
  }

  /** Items of id, what and value, three each: lua/shared/settle.lua. */
  #receive(message: Buffer): void {
    try {
      const reader = new FrameReader(message)
      for (let items = reader.list(); items > 0; items -= 3) {
        const wait = this.#waits.get(reader.text())
        const what = reader.text()
        const value = reader.optional()
        if (!wait) continue
        if (what.startsWith(PROGRESS)) void this.#progressed(wait, Number(what.slice(PROGRESS.length)), value)
        else void this.#arrived(wait, what, value)
      }
    } catch (error) {
      this.#options.onError(toError(error))
    }
  }

  /** A value that is not there is a large one: it is fetched, and if that fails the sweep comes by again. */
  async #arrived(wait: Wait, state: string, value: Buffer | undefined): Promise<void> {
    const { store } = this.#options
    try {
      if (!isOutcomeState(state)) return
      const bytes = value ?? (await store.field(wait.id, state === 'succeeded' ? 'result' : 'error'))
      this.#settle(wait.id, bytes ? { state, value: bytes } : { state: 'lost' })
    } catch {}
  }

  async #progressed(wait: Wait, version: number, value: Buffer | undefined): Promise<void> {
    try {
      const bytes = value ?? (await this.#options.store.field(wait.id, 'progress'))
      if (bytes) for (const listener of wait.listeners ?? []) listener(bytes, version)
    } catch {}
  }

  #settle(id: string, outcome: Outcome): void {
    const wait = this.#waits.get(id)
    if (!wait) return
    this.#waits.delete(id)
    wait.settle(outcome)
    if (this.#waits.size === 0) void this.#sweep.stop()
  }

  /** What one tick asks for goes together. */
  #attachSoon(wait: Wait): void {
    this.#toAttach.push(wait)
    if (this.#toAttach.length > 1) return
    queueMicrotask(() => {
      const waits = this.#toAttach
      this.#toAttach = []
      this.#read(waits).catch(() => {})
    })
  }

  async #sweepRound(): Promise<number> {
    if (this.#subscriber?.isReady) {
      // A half-open socket is found by this and replaced; the subscription that follows reads everything again.
      void this.#subscriber.send((redis) => redis.ping(), READY_TIMEOUT).catch(() => {})
    }
    await this.#read([...this.#waits.values()])
    return SWEEP
  }

  async #read(waits: readonly Wait[]): Promise<void> {
    const open = waits.filter((wait) => wait.isAccepted && this.#waits.get(wait.id) === wait)
    await this.#readSome(
      open.filter((wait) => !wait.told),
      true,
    )
    await this.#readSome(
      open.filter((wait) => wait.told),
      false,
    )
  }

  async #readSome(waits: readonly Wait[], join: boolean): Promise<void> {
    const { commands, store, client } = this.#options
    for (let i = 0; i < waits.length; i += SWEEP_BATCH) {
      const some = waits.slice(i, i + SWEEP_BATCH)
      await commands.ready(READY_TIMEOUT)
      const standings = await store.attach(
        client,
        join,
        some.map((wait) => wait.id),
      )
      some.forEach((wait, index) => {
        this.#learn(wait, standings[index] ?? { state: 'lost' }, join)
      })
    }
  }

  #learn(wait: Wait, standing: Standing, join: boolean): void {
    if (standing.state === 'open') {
      if (join) wait.told = true
      if (standing.progress) void this.#progressed(wait, standing.version, standing.progress)
    } else if (standing.state === 'lost') {
      this.#settle(wait.id, { state: 'lost' })
    } else {
      void this.#arrived(wait, standing.state, standing.value)
    }
  }
}
