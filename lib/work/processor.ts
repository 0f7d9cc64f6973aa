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
import type { Outcome, Place, TurnReply } from '../redis/store.ts'
import { toError } from '../report.ts'
import { type ExecuteOptions, execute } from './execute.ts'
import { Held } from './held.ts'
import { Holding } from './holding.ts'
import { Intake } from './intake.ts'
import { ProgressReports } from './progress.ts'
import { insist, type Patience } from './retry.ts'
import type { WorkerServices } from './services.ts'
import { type Finished, Turns } from './turns.ts'

export interface ProcessorOptions {
  readonly services: WorkerServices
  readonly concurrency: number
  readonly patience: Patience
  /** Redis has surely heard of this worker within its lease. */
  readonly isFresh: () => boolean
  readonly onDead: (worker: string) => void
  readonly onFenced: (taskId: string) => void
  /** Something may be in the pending list that never arrived. */
  readonly onDoubt: () => void
  readonly onError: (error: Error) => void
}

export class Processor {
  readonly #options: ProcessorOptions
  readonly #holding: Holding
  readonly #turns: Turns
  readonly #intake: Intake
  readonly #progress: ProgressReports
  #id = ''
  #isOpen = false

  constructor(options: ProcessorOptions) {
    this.#options = options
    const { services, patience, isFresh, onDead, onDoubt, onError } = options
    const { store, registry, limits } = services
    const executing: ExecuteOptions = {
      ...limits,
      registry,
      updateProgress: (held, value) => this.#progress.report(held, value),
    }
    this.#holding = new Holding(options.concurrency, (held) =>
      execute(held, executing, (outcome) => this.#finished({ held, outcome })),
    )
    const room = (): number => this.#holding.free - this.#turns.asked
    this.#turns = new Turns({
      wanted: () => (this.#isOpen && !this.#intake.isReading ? room() : 0),
      isBusy: () => this.#holding.active > 0,
      send: (want, outcomes) => this.#sendTurn(want, outcomes),
      onReply: (finished, want, reply) => this.#turnDone(finished, want, reply),
      onError: (finished, error) => this.#turnFailed(finished, error),
    })
    this.#intake = new Intake({
      ...{ services, patience, room, isFresh, onDead, onDoubt, onError },
      isHeld: (key) => this.#holding.has(key),
      take: (id, helds) => this.#take(id, helds),
      refuse: (held, reason) => held.state !== 'finishing' && this.#holding.drop(held, reason),
      onPause: () => this.#turns.ask(),
    })
    this.#progress = new ProgressReports({
      maxBytes: limits.maxPayload,
      send: (reports) => store.progress(this.#id, reports),
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

  /** These are in the pending list and not held. */
  takeUp(places: readonly Place[]): Promise<void> {
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
    this.#progress.hurry(finished.held)
    this.#holding.finish(finished.held)
    this.#turns.push(finished)
  }

  async #sendTurn(want: number, outcomes: readonly Outcome[]): Promise<TurnReply> {
    const { store, limits } = this.#options.services
    const { maxFailed, failedTtl } = limits
    const id = this.#id
    const turn = { maxCall: limits.maxPayload + HEAD_ROOM, maxFailed, failedTtl }
    let retried = false
    const onRetry = (): void => {
      retried = true
    }
    const reply = await insist({ ...this.#options.patience, onRetry }, () =>
      store.turn(id, want, outcomes, turn),
    )
    // What a lost reply brought is in the pending list.
    if (retried) this.#options.onDoubt()
    return id === this.#id ? reply : { ...reply, granted: [] }
  }

  #turnDone(finished: readonly Finished[], want: number, reply: TurnReply): void {
    finished.forEach(({ held }, index) => {
      this.#holding.drop(held)
      if (reply.verdicts[index] === 'fenced') this.#options.onFenced(held.id)
    })
    if (reply.granted === 'dead') {
      this.#options.onDead(this.#id)
      return
    }
    const helds = reply.granted.map(
      (granted) => new Held(granted, granted.id, granted.call, granted.attempt, true),
    )
    this.#take(this.#id, helds)
    if (helds.length < want) this.#intake.read()
  }

  #turnFailed(finished: readonly Finished[], error: unknown): void {
    for (const { held } of finished) this.#holding.drop(held)
    // The read that follows makes the group anew.
    if (!isGroupGone(error)) this.#options.onError(toError(error))
    this.#intake.read()
  }

  #take(id: string, helds: readonly Held[]): void {
    if (this.#isOpen && id === this.#id) for (const held of helds) this.#holding.take(held)
    else this.#giveBack(helds, false).catch(this.#options.onError)
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
