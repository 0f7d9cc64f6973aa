/**
 * Moves tasks from the streams through their handlers, and outcomes back, for one registered worker id at a time.
 *
 *   closed ──open(id)──► open ──shut──► closed: takes nothing more, what it holds goes on
 *
 * Work arrives in two ways: by turns (turns.ts) while there is a backlog, by the blocking read (intake.ts) while
 * there is none. A read is on its way whenever a turn brought less than was wanted.
 */

import { HEAD_ROOM } from '../envelope.ts'
import { isGroupGone } from '../redis/faults.ts'
import {
  type Delivery,
  type Outcome,
  type Place,
  placeKey,
  type TurnLimits,
  type TurnReply,
} from '../redis/wire.ts'
import { toError } from '../report.ts'
import type { Begun } from '../upkeep/begun.ts'
import { type ExecuteOptions, execute } from './execute.ts'
import { Held } from './held.ts'
import { Holding } from './holding.ts'
import { Intake } from './intake.ts'
import { Pace } from './pace.ts'
import { ProgressReports } from './progress.ts'
import { insist, type Patience } from './retry.ts'
import type { WorkerServices } from './services.ts'
import { type Finished, Turns } from './turns.ts'

export interface ProcessorOptions {
  readonly services: WorkerServices
  readonly concurrency: number
  /** Tasks held beyond those, at most. */
  readonly prefetch: number
  readonly begun: Begun
  readonly patience: Patience
  /** Redis has surely heard of this worker within its lease. */
  readonly isFresh: () => boolean
  readonly onDead: (worker: string) => void
  readonly onFenced: (taskId: string) => void
  /** Something may be in the pending list that never arrived. */
  readonly onDoubt: () => void
  readonly onError: (error: Error) => void
}

const MAX_GIVEN_BACK = 4_096

export class Processor {
  readonly #options: ProcessorOptions
  readonly #limits: TurnLimits
  readonly #pace: Pace
  readonly #holding: Holding
  readonly #turns: Turns
  readonly #intake: Intake
  readonly #progress: ProgressReports
  /** What the heartbeat's thread gave back lately. */
  readonly #givenBack = new Set<string>()
  #id = ''
  #isOpen = false

  constructor(options: ProcessorOptions) {
    this.#options = options
    const { services, isFresh, onDoubt, onError } = options
    const { store, registry, limits } = services
    const executing: ExecuteOptions = {
      ...limits,
      registry,
      updateProgress: (held, value) => this.#progress.report(held, value),
    }
    const { maxPayload, maxFailed, failedTtl } = limits
    this.#limits = { maxCall: maxPayload + HEAD_ROOM, maxFailed, failedTtl }
    const { concurrency, prefetch, begun } = options
    this.#pace = new Pace(concurrency, prefetch)
    this.#holding = new Holding({
      ...{ concurrency, begun, pace: this.#pace },
      run: (held) => execute(held, executing, (outcome) => this.#finished({ held, outcome })),
      onRoom: () => this.#turns.ask(),
      onExcess: (helds) => void this.#giveBack(helds, false).catch(onError),
    })
    const room = (): number => this.#holding.room - this.#turns.asked
    this.#turns = new Turns({
      wanted: () => (this.#isOpen && !this.#intake.isReading ? room() : 0),
      isBusy: () => this.#holding.active > 0,
      send: (want, outcomes) => this.#sendTurn(want, outcomes),
      onReply: (finished, want, reply) => this.#turnDone(finished, want, reply),
      onError: (finished, error) => this.#turnFailed(finished, error),
    })
    this.#intake = new Intake({
      ...{ services, limits: this.#limits, room, isFresh, onDoubt, onError },
      isHeld: (key) => this.#holding.has(key),
      take: (id, entries) => this.#take(id, entries),
      onPause: () => this.#turns.ask(),
    })
    this.#progress = new ProgressReports({
      maxBytes: limits.maxPayload,
      send: (reports) => store.progress(reports),
      onFenced: (held) => this.#lose(held, 'the task was given to another worker'),
    })
  }

  /** Takes tasks under this id, which is registered. */
  open(id: string): void {
    this.#id = id
    this.#isOpen = true
    this.#intake.open(id)
    this.#turns.ask()
  }

  /** Takes nothing more and gives back what has not begun. What arrives late is given back as well. */
  async shut(): Promise<void> {
    this.#isOpen = false
    await this.#intake.shut()
    await this.#giveBack(this.#holding.dropWaiting(), false)
  }

  /** The id is dead: nothing that is held counts any more. */
  abandon(reason: string): void {
    this.#isOpen = false
    this.#holding.dropAll(reason)
    this.#turns.forget()
    void this.#intake.shut()
  }

  get isIdle(): boolean {
    return this.#holding.active === 0
  }

  /** Resolves when no handler runs. */
  idle(): Promise<void> {
    return this.#holding.idle()
  }

  abortAll(reason: string): void {
    this.#holding.abortAll(reason)
  }

  /** Gives back what still runs, its attempt counted; late outcomes count for nothing. */
  giveBackAll(reason: string): Promise<void> {
    return this.#giveBack(this.#holding.dropAll(reason), true)
  }

  /** Resolves when every outcome has been brought back and no read is on its way. */
  async settled(): Promise<void> {
    await this.#turns.settled()
    await this.#intake.settled()
  }

  close(): void {
    this.#intake.close()
  }

  heldKeys(): Set<string> {
    return this.#holding.keys()
  }

  isHeld(key: string): boolean {
    return this.#holding.has(key)
  }

  /** The heartbeat's thread has given these back, because they stood still here. */
  gaveBack(keys: readonly string[]): void {
    // Those whose delivery is still on its way are known when they arrive.
    for (const key of keys) this.#givenBack.add(key)
    for (const key of this.#givenBack) {
      if (this.#givenBack.size <= MAX_GIVEN_BACK) break
      this.#givenBack.delete(key)
    }
    for (const key of keys) {
      const held = this.#holding.get(key)
      if (held?.state === 'waiting') this.#holding.drop(held)
    }
    if (keys.length > 0) this.#pace.stood()
    this.#options.begun.resume()
    this.#holding.resume()
    this.#turns.ask()
  }

  /** These are in the pending list and not held. */
  takeUp(places: readonly Place[]): Promise<void> {
    // Still in the pending list: giving them back has failed.
    for (const place of places) this.#givenBack.delete(placeKey(place))
    return this.#intake.takeUp(places)
  }

  /** These are not in the pending list any more; of those whose outcome is on its way that is no news. */
  loseAll(keys: readonly string[]): void {
    for (const key of keys) {
      const held = this.#holding.get(key)
      if (held && held.state !== 'finishing') this.#lose(held, 'the task is not in the pending list any more')
    }
  }

  #finished(finished: Finished): void {
    if (finished.held.state !== 'running') return
    this.#pace.ended(performance.now() - finished.held.begunAt)
    this.#progress.hurry(finished.held)
    this.#holding.finish(finished.held)
    this.#turns.push(finished)
  }

  async #sendTurn(want: number, outcomes: readonly Outcome[]): Promise<TurnReply> {
    const { store } = this.#options.services
    const id = this.#id
    let retried = false
    const onRetry = (): void => {
      retried = true
    }
    const reply = await insist({ ...this.#options.patience, onRetry }, () =>
      store.turn(id, want, outcomes, this.#limits),
    )
    // What a lost reply brought is in the pending list.
    if (retried) this.#options.onDoubt()
    return id === this.#id ? reply : { ...reply, taken: [] }
  }

  #turnDone(finished: readonly Finished[], want: number, reply: TurnReply): void {
    finished.forEach(({ held }, index) => {
      this.#holding.drop(held)
      if (reply.verdicts[index] === 'fenced') this.#options.onFenced(held.id)
    })
    if (reply.taken === 'dead') {
      this.#options.onDead(this.#id)
      return
    }
    this.#take(this.#id, reply.taken)
    if (reply.taken.length < want) this.#intake.read()
  }

  #turnFailed(finished: readonly Finished[], error: unknown): void {
    for (const { held } of finished) this.#holding.drop(held)
    // The read that follows makes the group anew.
    if (!isGroupGone(error)) this.#options.onError(toError(error))
    this.#intake.read()
  }

  #take(id: string, entries: readonly Delivery[]): void {
    const helds: Held[] = []
    for (const entry of entries) {
      if (entry.id === '') this.#quarantine(entry)
      else if (!this.#givenBack.has(placeKey(entry))) helds.push(new Held(entry))
    }
    if (this.#isOpen && id === this.#id) this.#holding.take(helds)
    else this.#giveBack(helds, false).catch(this.#options.onError)
  }

  #quarantine({ lane, entry, call }: Delivery): void {
    const { store } = this.#options.services
    // What fails now is found again by the next look at the pending list.
    store.quarantine([{ lane, entry, sample: call }]).catch(() => {})
  }

  async #giveBack(helds: readonly Held[], begun: boolean): Promise<void> {
    if (helds.length === 0) return
    const id = this.#id
    const places = helds.map(({ lane, entry }) => ({ lane, entry, begun }))
    await insist(this.#options.patience, () => this.#options.services.store.release(id, places))
  }

  #lose(held: Held, reason: string): void {
    this.#holding.drop(held, reason)
    this.#options.onFenced(held.id)
  }
}
