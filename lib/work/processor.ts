/**
 * Moves tasks from the streams through their handlers, and outcomes back, for one registered worker id at a time.
 *
 *   closed ──open(id)──► open ──shut──► closed: takes nothing more, what it holds goes on
 *
 * Work arrives in two ways: by turns (turns.ts) while there is a backlog, by the blocking read (fetch.ts) while
 * there is none. A read is on its way whenever a turn brought less than was wanted.
 */

import { HEAD_ROOM } from '../envelope.ts'
import { isGroupGone, isTransient } from '../redis/faults.ts'
import {
  type Delivered,
  type Outcome,
  type Place,
  placeKey,
  type RawEntry,
  type TurnReply,
} from '../redis/store.ts'
import { toError } from '../report.ts'
import { type ExecuteOptions, execute } from './execute.ts'
import { Fetcher } from './fetch.ts'
import { Held, heldFrom } from './held.ts'
import { Holding } from './holding.ts'
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

/** After a read that failed. */
const READ_PAUSE = 200
const MAX_SAMPLE = 256
const NO_SAMPLE = Buffer.alloc(0)

export class Processor {
  readonly #options: ProcessorOptions
  readonly #holding: Holding
  readonly #turns: Turns
  readonly #fetcher: Fetcher
  readonly #progress: ProgressReports
  #id = ''
  #isOpen = false
  #reading: Promise<void> | undefined
  /** Taken up from the pending list while a read was on its way that may bring them too. */
  #takenUp = new Set<string>()

  constructor(options: ProcessorOptions) {
    this.#options = options
    const { store, registry, limits, target } = options.services
    const executing: ExecuteOptions = {
      ...limits,
      registry,
      updateProgress: (held, value) => this.#progress.report(held, value),
    }
    this.#holding = new Holding(options.concurrency, (held) =>
      execute(held, executing, (outcome) => this.#finished({ held, outcome })),
    )
    this.#turns = new Turns({
      wanted: () => (this.#isOpen && !this.#reading ? this.#holding.free - this.#turns.asked : 0),
      isBusy: () => this.#holding.active > 0,
      send: (want, outcomes) => this.#sendTurn(want, outcomes),
      onReply: (finished, want, reply) => this.#turnDone(finished, want, reply),
      onError: (finished, error) => this.#turnFailed(finished, error),
    })
    this.#fetcher = new Fetcher(target, store.keys, options.onDoubt)
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
    this.#turns.ask()
  }

  /** Takes nothing more and gives back what has not begun. What arrives late is given back as well. */
  async shut(): Promise<void> {
    this.#isOpen = false
    await this.#fetcher.unblock(this.#options.services.commands)
    await this.#giveBack(this.#holding.dropWaiting(), false)
  }

  /** The id is dead: nothing that is held counts any more. */
  abandon(reason: string): void {
    this.#isOpen = false
    this.#holding.dropAll(reason)
    this.#turns.forget()
    void this.#fetcher.unblock(this.#options.services.commands)
  }

  /** Resolves when no handler runs. */
  idle(): Promise<void> {
    return this.#holding.idle()
  }

  get isIdle(): boolean {
    return this.#holding.active === 0
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
    await this.#reading
  }

  close(): void {
    this.#fetcher.close()
  }

  heldKeys(): Set<string> {
    return this.#holding.keys()
  }

  isHeld(key: string): boolean {
    return this.#holding.has(key)
  }

  /** These are not in the pending list any more; of those whose outcome is on its way that is no news. */
  loseAll(keys: readonly string[]): void {
    for (const key of keys) {
      const held = this.#holding.get(key)
      if (held && held.state !== 'finishing') this.#lose(held, 'the task is not in the pending list any more')
    }
  }

  /** From the pending list: delivered once, but the delivery was lost on its way. */
  async takeUp(places: readonly Place[]): Promise<void> {
    const id = this.#id
    const entries = await this.#options.services.store.entries(places)
    const found = new Set(entries.map(placeKey))
    const deleted = places.filter((place) => !found.has(placeKey(place)))
    const all = [...entries, ...deleted.map((place) => ({ ...place, fields: [] }))]
    const strays = all.filter((raw) => !this.#holding.has(placeKey(raw)))
    if (strays.length === 0 || !this.#isOpen) return
    if (this.#reading) for (const raw of strays) this.#takenUp.add(placeKey(raw))
    const helds = strays.map(heldFrom)
    await this.#start(id, strays, helds)
    this.#takeAll(id, helds.filter((held) => held?.started && !this.#holding.has(held.key)) as Held[])
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
    this.#takeAll(
      this.#id,
      reply.granted.map((granted) => new Held(granted, granted.id, granted.call, granted.attempt, true)),
    )
    if (reply.granted.length < want) this.#read()
  }

  #turnFailed(finished: readonly Finished[], error: unknown): void {
    for (const { held } of finished) this.#holding.drop(held)
    if (isGroupGone(error)) void this.#makeGroups()
    else this.#options.onError(toError(error))
    this.#read()
  }

  async #makeGroups(): Promise<void> {
    await this.#options.services.store.ensureGroups().catch(() => {})
  }

  #takeAll(id: string, helds: readonly Held[]): void {
    if (this.#isOpen && id === this.#id) for (const held of helds) this.#holding.take(held)
    else if (helds.length > 0) this.#giveBack(helds, false).catch(this.#options.onError)
  }

  async #giveBack(helds: readonly Held[], begun: boolean): Promise<void> {
    if (helds.length === 0) return
    const id = this.#id
    const places = helds.map(({ lane, entry }) => ({ lane, entry, begun }))
    await insist(this.#options.patience, () => this.#options.services.store.release(id, places))
  }

  /** Reads, blocking, as long as there are free slots and each read shows that the queue is empty. */
  #read(): void {
    if (this.#reading || !this.#isOpen) return
    this.#reading = this.#readLoop().then(() => {
      this.#reading = undefined
      this.#turns.ask()
    })
  }

  async #readLoop(): Promise<void> {
    while (this.#isOpen) {
      const count = this.#holding.free - this.#turns.asked
      if (count <= 0) return
      const id = this.#id
      try {
        const entries = await this.#fetcher.read(id, count)
        // Given to an id that was declared dead meanwhile: others take them from its pending list.
        if (id !== this.#id) continue
        this.#arrived(id, entries)
        if (entries.length >= count) return
      } catch (error) {
        if (isGroupGone(error)) await this.#makeGroups()
        else if (!isTransient(error)) this.#options.onError(toError(error))
        await new Promise((resolve) => setTimeout(resolve, READ_PAUSE))
      }
    }
  }

  /** A blocking read has brought these: they are new, so handlers begin while `start` is on its way. */
  #arrived(id: string, entries: readonly RawEntry[]): void {
    const fresh = entries.filter(
      (raw) => !this.#holding.has(placeKey(raw)) && !this.#takenUp.has(placeKey(raw)),
    )
    this.#takenUp.clear()
    if (fresh.length === 0) return
    const helds = fresh.map(heldFrom)
    const good = helds.filter((held) => held !== null)
    const starting = this.#start(id, fresh, helds)
    if (this.#options.isFresh()) {
      this.#takeAll(id, good)
      starting.catch(this.#options.onError)
    } else {
      // Perhaps this process was paused and is dead to the others: first hear what Redis says.
      const takeStarted = (): void =>
        this.#takeAll(
          id,
          good.filter((held) => held.started),
        )
      starting.then(takeStarted, this.#options.onError)
    }
  }

  async #start(id: string, entries: readonly RawEntry[], helds: readonly (Held | null)[]): Promise<void> {
    const delivered = entries.map((raw, index) => toDelivered(raw, helds[index] ?? null))
    const answers = await insist(this.#options.patience, () =>
      this.#options.services.store.start(id, delivered),
    )
    if (answers === 'dead') {
      this.#options.onDead(id)
      return
    }
    answers.forEach((answer, index) => {
      const held = helds[index]
      if (!held) return
      if (typeof answer === 'number') {
        held.started = true
        held.attempt = answer
      } else if (held.state !== 'finishing') {
        this.#holding.drop(held, `the task may not be run: ${answer}`)
      }
    })
  }

  #lose(held: Held, reason: string): void {
    this.#holding.drop(held, reason)
    this.#options.onFenced(held.id)
  }
}

function toDelivered(raw: RawEntry, held: Held | null): Delivered {
  const { lane, entry, fields } = raw
  if (held) return { lane, entry, id: held.id, sample: held.call.subarray(0, MAX_SAMPLE) }
  const sample =
    fields.length === 0 ? NO_SAMPLE : Buffer.concat(fields.map((field) => field.subarray(0, MAX_SAMPLE)))
  return { lane, entry, id: '', sample }
}
