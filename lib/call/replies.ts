/**
 * Outcomes and progress on their way back: one subscription for all calls of this client. A reply is speed, the
 * record is truth: open waits are read again after every (re)subscription and on a slow sweep, so a message that
 * was lost delays a wait and never strands it.
 */

import type { MillraceError, QueueClosedError } from '../errors.ts'
import { FreshMap } from '../fresh-map.ts'
import { type EndState, isEndState } from '../record.ts'
import type { Backend } from '../redis/backend.ts'
import type { Standing } from '../redis/store.ts'
import type { Subscription } from '../redis/subscription.ts'
import { Loop } from '../upkeep/loop.ts'
import type { PendingCall } from './batch.ts'

const SWEEP = 10_000
const PROGRESS = 'progress:'
const CHUNKS = 'chunks'
const SWEEP_BATCH = 200
const READY_TIMEOUT = 5_000

export type Outcome =
  | { readonly state: EndState; readonly value: Buffer }
  | { readonly state: 'lost' }
  | { readonly state: 'rejected'; readonly error: MillraceError }

type ProgressListener = (value: Buffer, version: number) => void

/** One task that somebody here waits for. */
class Wait {
  id: string
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
  readonly backend: Pick<Backend, 'ready' | 'store' | 'subscribe' | 'losesReplies'>
  readonly client: string
  readonly limits: { readonly failedTtl: number; readonly maxFailed: number }
  readonly onError: (error: Error) => void
}

export class Replies {
  readonly #options: RepliesOptions
  readonly #waits = new FreshMap<string, Wait>()
  /** Of those who read what tasks yield. */
  readonly #readers = new Map<string, Set<() => void>>()
  readonly #sweep: Loop
  #subscription: Subscription | undefined
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
    if (batch.hasNotLeft) call.isAwaited = true
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

  /** Calls back whenever the task may have yielded something, as long as somebody waits for its end; answers how to stop that. */
  hear(id: string, wake: () => void): () => void {
    const readers = this.#readers.get(id) ?? new Set()
    this.#readers.set(id, readers.add(wake))
    return () => {
      if (readers.delete(wake) && readers.size === 0) this.#readers.delete(id)
    }
  }

  /** The call never got there. */
  rejected(id: string, error: MillraceError): void {
    this.#settle(id, { state: 'rejected', error })
  }

  /** The call has joined a live task, whose outcome is its own. */
  joined(id: string, task: string): void {
    const wait = this.#waits.get(id)
    if (!wait) return
    this.#waits.delete(id)
    const other = this.#waits.get(task)
    if (other) {
      void other.outcome.then(wait.settle)
      for (const listener of wait.listeners ?? []) this.listen(task, listener)
      return
    }
    wait.id = task
    wait.told = false
    this.#waits.set(task, wait)
    wait.whenAccepted(() => this.#attachSoon(wait))
  }

  async close(error: QueueClosedError): Promise<void> {
    this.#closed = error
    for (const id of [...this.#waits.keys()]) this.#settle(id, { state: 'rejected', error })
    this.#subscription?.close()
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
    if (this.#options.backend.losesReplies) this.#sweep.start()
    this.#subscribe()
    return wait
  }

  #subscribe(): void {
    const { backend, client, onError } = this.#options
    this.#subscription ??= backend.subscribe(client, {
      onReply: (id, what, value) => this.#receive(id, what, value),
      onSubscribed: () => this.#read([...this.#waits.values()]),
      onError,
    })
  }

  #nudge(id: string): void {
    for (const wake of this.#readers.get(id) ?? []) wake()
  }

  #receive(id: string, what: string, value: Buffer | undefined): void {
    if (what === CHUNKS) this.#nudge(id)
    const wait = this.#waits.get(id)
    if (!wait) return
    // Most are ends that are told with their value.
    if (value && isEndState(what)) this.#end(wait, { state: what, value })
    else if (what.startsWith(PROGRESS))
      void this.#progressed(wait, Number(what.slice(PROGRESS.length)), value)
    else void this.#arrived(wait, what, value)
  }

  /** A value that is not there is a large one: it is fetched, and if that fails the sweep comes by again. */
  async #arrived(wait: Wait, state: string, value: Buffer | undefined): Promise<void> {
    const { store } = this.#options.backend
    try {
      if (!isEndState(state)) return
      const bytes = value ?? (await store.field(wait.id, state === 'succeeded' ? 'result' : 'error'))
      this.#settle(wait.id, bytes ? { state, value: bytes } : { state: 'lost' })
    } catch {}
  }

  async #progressed(wait: Wait, version: number, value: Buffer | undefined): Promise<void> {
    try {
      const bytes = value ?? (await this.#options.backend.store.field(wait.id, 'progress'))
      if (bytes) for (const listener of wait.listeners ?? []) listener(bytes, version)
    } catch {}
  }

  #settle(id: string, outcome: Outcome): void {
    const wait = this.#waits.get(id)
    if (wait) this.#end(wait, outcome)
  }

  #end(wait: Wait, outcome: Outcome): void {
    this.#waits.delete(wait.id)
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
    // A half-open socket is found by this and replaced; the subscription that follows reads everything again.
    this.#subscription?.check()
    await this.#read([...this.#waits.values()])
    return SWEEP
  }

  async #read(waits: readonly Wait[]): Promise<void> {
    const open = waits.filter((wait) => wait.isAccepted && this.#waits.get(wait.id) === wait)
    for (const { id } of open) this.#nudge(id)
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
    const { backend, client, limits } = this.#options
    for (let i = 0; i < waits.length; i += SWEEP_BATCH) {
      const some = waits.slice(i, i + SWEEP_BATCH)
      await backend.ready(READY_TIMEOUT)
      const standings = await backend.store.attach(
        client,
        join,
        some.map((wait) => wait.id),
        limits,
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
