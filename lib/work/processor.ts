/**
 * Moves tasks from the streams through their handlers, and outcomes back, for one registered worker id at a time.
 *
 *   closed ──open(id)──► open ──shut──► closed: takes nothing more, what it holds goes on
 *
 * Work arrives in two ways: by turns (turns.ts) while there is a backlog, by the blocking read (intake.ts) while
 * there is none. A read is on its way whenever a turn brought less than was wanted.
 */

import { Deadlines } from '../deadlines.ts'
import { HEAD_ROOM } from '../envelope.ts'
import { isGroupGone } from '../redis/faults.ts'
import type { Delivery, Outcome, Place, TurnLimits, TurnReply } from '../redis/wire.ts'
import { toError } from '../report.ts'
import { Chunks } from './chunks.ts'
import { Consuming } from './consuming.ts'
import { Early } from './early.ts'
import { execute } from './execute.ts'
import type { ExecuteOptions } from './execute-options.ts'
import { Held } from './held.ts'
import { Holding } from './holding.ts'
import { inputReader } from './inputs.ts'
import { Intake } from './intake.ts'
import { Pace } from './pace.ts'
import type { ProcessorOptions } from './processor-options.ts'
import { ProgressReports } from './progress.ts'
import { insist } from './retry.ts'
import { Returns } from './returns.ts'
import { type Finished, Turns } from './turns.ts'

/** doubts: of the intake, when it was sent. */
type SentTurn = TurnReply & { readonly doubts: number }

export class Processor {
  readonly #options: ProcessorOptions
  readonly #limits: TurnLimits
  readonly #pace: Pace
  /** What it holds, for those who look after it. */
  readonly held: Holding
  /** How it gets its work. */
  readonly consuming = new Consuming()
  readonly #turns: Turns<SentTurn>
  readonly #intake: Intake
  readonly #progress: ProgressReports
  readonly #chunks: Chunks
  readonly #returns: Returns
  readonly #cancelled = new Early()
  #id = ''
  #isOpen = false
  #isPaused = false

  constructor(options: ProcessorOptions) {
    this.#options = options
    const { services, isFresh, onDoubt, onError, clock, abortGrace, watch, observer } = options
    const { store, registry, limits } = services
    const executing: ExecuteOptions = {
      ...limits,
      ...{ registry, clock, abortGrace, watch, onError, observer, deadlines: new Deadlines() },
      isEmpty: () => this.held.waiting === 0 && (this.#intake.isBlocking || !this.#isOpen || this.#isPaused),
      readInputs: inputReader(store, options.patience),
      updateProgress: (held, value) => this.#progress.report(held, value),
      drive: (held, source, plan) => this.#chunks.drive(held, source, plan),
      whileWaiting: (held, wait) => this.held.whileWaiting(held, wait),
    }
    const { maxPayload, maxFailed, failedTtl } = limits
    this.#limits = { maxCall: maxPayload + HEAD_ROOM, maxFailed, failedTtl }
    const { concurrency, prefetch, begun, maxCrashes } = options
    this.#returns = new Returns({ store, failedTtl, patience: options.patience, worker: () => this.#id })
    this.#pace = new Pace(concurrency, prefetch)
    this.held = new Holding({
      ...{ begun, registry, clock, pace: this.#pace },
      run: (held) => execute(held, executing, (outcome) => this.#finished({ held, outcome })),
      onRoom: () => this.#turns.ask(),
      onLast: () => this.#turns.hurry(),
      onExcess: (helds, delay) => this.#returns.give(helds, false, delay).catch(onError),
      isSuspect: ({ crashes }) => crashes > 0 && crashes >= maxCrashes - 1,
    })
    const room = (): number => (this.#isPaused ? 0 : this.held.room - this.#turns.asked)
    this.#turns = new Turns({
      wanted: () => (this.#isOpen && !this.#intake.isReading ? room() : 0),
      isBusy: () => this.held.active > 0,
      send: (want, outcomes) => this.#sendTurn(want, outcomes),
      onReply: (finished, want, reply) => this.#turnDone(finished, want, reply),
      onError: (finished, error) => this.#turnFailed(finished, error),
    })
    this.#intake = new Intake({
      ...{ services, limits: this.#limits, consuming: this.consuming, room, isFresh, onDoubt, onError },
      onWord: (word) => this.#onWord(word),
      isHeld: (key) => this.held.has(key),
      take: (id, entries) => this.#take(id, entries),
      onEmpty: () => this.held.ranEmpty(),
      onPause: () => this.#turns.ask(),
    })
    const onFenced = (held: Held): void => this.#lose(held, 'the task was given to another worker')
    this.#progress = new ProgressReports({
      ...{ maxBytes: maxPayload, onFenced },
      send: (reports) => store.progress(reports),
    })
    this.#chunks = new Chunks({
      ...{ clock, deadlines: executing.deadlines, maxBytes: maxPayload, onFenced },
      write: (batch) => insist(options.patience, () => store.chunks.write(batch)),
    })
  }

  /** Ms since it was last answered when it asked for work, of one that has room for more. */
  get silence(): number {
    return this.held.room > 0 ? this.consuming.silence : 0
  }

  /** Takes tasks under this id, which is registered. */
  open(id: string): void {
    this.#id = id
    this.consuming.begin()
    this.#isOpen = true
    this.#intake.open(id)
    this.#turns.ask()
  }

  /** Takes nothing more and gives back what has not begun, and what arrives late. What is gathered begins, unless it is hurried. */
  async shut(isHurried = false): Promise<void> {
    this.#isOpen = false
    if (!isHurried) this.held.ranEmpty()
    await this.#intake.shut()
    await this.#returns.give([...this.held.dropWaiting(), ...this.held.dropGathered()], false)
  }

  /** The id is dead: nothing that is held counts any more. */
  abandon(reason: string): void {
    this.#isOpen = false
    this.held.dropAll(reason)
    this.#turns.forget()
    void this.#intake.shut()
  }

  set concurrency(concurrency: number) {
    this.#pace.concurrency = concurrency
    this.held.resume()
    this.#turns.ask()
  }

  get concurrency(): number {
    return this.#pace.concurrency
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Takes nothing while paused; what arrives on its way is given back. What runs goes on. */
  set isPaused(isPaused: boolean) {
    if (this.#isPaused === isPaused) return
    this.#isPaused = isPaused
    this.consuming.begin()
    if (!isPaused) {
      this.#turns.ask()
      return
    }
    void this.#intake.unblock()
    this.#returns.give(this.held.dropWaiting(), false).catch(this.#options.onError)
    this.held.ranEmpty()
  }

  /** Of tasks, anybody's, whose cancelling was asked for while they ran. */
  cancel(key: string, reason: string): void {
    const held = this.held.get(key)
    if (!held) this.#cancelled.keep(key, reason)
    if (held?.state === 'running') {
      held.giveUp('cancelled', reason)
    } else if (held?.state === 'waiting' || held?.state === 'gathering') {
      this.held.drop(held)
      // Given back it ends, because its record says so.
      this.#returns.give([held], false).catch(this.#options.onError)
    }
  }

  /** Gives back what still runs, its attempt counted; late outcomes count for nothing. */
  giveBackAll(reason: string): Promise<void> {
    return this.#returns.give(this.held.dropAll(reason), true)
  }

  /** Resolves when every outcome has been brought back and no read is on its way. */
  async settled(): Promise<void> {
    await this.#turns.settled()
    await this.#intake.settled()
  }

  close(): void {
    this.#intake.close()
  }

  /** The heartbeat's thread has given these back, because they stood still here. */
  gaveBack(keys: readonly string[]): void {
    // Those whose delivery is still on its way are known when they arrive.
    this.#returns.gaveByThread(keys)
    for (const key of keys) {
      const held = this.held.get(key)
      if (held?.state === 'waiting') this.held.drop(held)
    }
    if (keys.length > 0) this.#pace.stood()
    this.#options.begun.resume()
    this.held.resume()
    this.#turns.ask()
  }

  /** These are in the pending list and not held. */
  takeUp(places: readonly Place[]): Promise<void> {
    this.#returns.keep(places)
    return this.#intake.takeUp(places)
  }

  /** These are not in the pending list any more. */
  loseAll(keys: readonly string[]): void {
    for (const key of keys) {
      const held = this.held.get(key)
      if (held) this.#lose(held, 'the task is not in the pending list any more')
    }
  }

  #finished(finished: Finished): void {
    if (finished.held.state !== 'running') return
    this.#pace.ended(finished.held.slotTime ?? performance.now() - finished.held.begunAt)
    this.#progress.hurry(finished.held)
    this.held.finish(finished.held)
    this.#turns.push(finished)
  }

  #onWord(word: string): void {
    const [verb, key, ...reason] = word.split(' ')
    if (verb === 'paused') this.isPaused = true
    if (verb === 'cancel' && key) this.cancel(key, reason.join(' '))
    else if (verb === 'room' && key) this.#chunks.room(key)
    else this.#options.onWord(word)
  }

  async #sendTurn(want: number, outcomes: readonly Outcome[]): Promise<SentTurn> {
    const { store } = this.#options.services
    const id = this.#id
    const doubts = want > 0 ? this.#intake.turns() : 0
    let retried = false
    const onRetry = (): void => {
      retried = true
      this.consuming.broken()
    }
    const reply = await insist({ ...this.#options.patience, onRetry }, () =>
      store.turn(id, want, outcomes, this.#limits),
    )
    // What a lost reply brought is in the pending list.
    if (retried) this.#options.onDoubt()
    return { verdicts: reply.verdicts, taken: id === this.#id ? reply.taken : [], doubts }
  }

  #turnDone(finished: readonly Finished[], want: number, reply: SentTurn): void {
    finished.forEach(({ held }, index) => {
      this.held.drop(held)
      if (reply.verdicts[index] === 'fenced') this.#options.onFenced(held.id)
    })
    if (reply.taken === 'dead') {
      this.#options.onDead(this.#id)
      return
    }
    if (reply.taken === 'paused') {
      this.#options.onPaused()
      return
    }
    if (want > 0) this.consuming.answered()
    this.#take(this.#id, reply.taken)
    if (reply.taken.length < want) this.#intake.read(reply.doubts)
  }

  #turnFailed(finished: readonly Finished[], error: unknown): void {
    for (const { held } of finished) this.held.drop(held)
    // The read that follows makes the group anew.
    if (!isGroupGone(error)) this.#options.onError(toError(error))
    this.#intake.read()
  }

  #take(id: string, entries: readonly Delivery[]): void {
    const helds: Held[] = []
    for (const entry of entries) {
      const held = new Held(entry)
      if (entry.id === '') this.#intake.quarantine(entry)
      // A group that was made anew delivers once more what runs here.
      else if (!this.#returns.isGone(entry) && !this.held.has(held.key)) helds.push(held)
    }
    if (this.#isOpen && !this.#isPaused && id === this.#id) this.held.take(helds)
    else this.#returns.give(helds, false).catch(this.#options.onError)
    this.#cancelled.about(helds, (key, reason) => this.cancel(key, reason))
  }

  #lose(held: Held, reason: string): void {
    // Its outcome is on its way or recorded, so this is no news: it can overtake a progress report, if the server
    // has forgotten that script.
    if (held.state === 'finishing' || held.state === 'gone') return
    this.held.drop(held, reason)
    this.#options.onFenced(held.id)
  }
}
