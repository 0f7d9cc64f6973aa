/**
 * Entries that do not come by turns: by the blocking read, which runs while the queue is empty, and from the
 * worker's own pending list, where a delivery whose reply was lost is found. The delivery itself is the mark that a
 * task runs here, so handlers begin at once.
 */

import { isGroupGone, isTransient } from '../redis/faults.ts'
import type { Store } from '../redis/store.ts'
import { type Delivery, type Place, placeKey, type TurnLimits } from '../redis/wire.ts'
import { toError } from '../report.ts'
import type { Consuming } from './consuming.ts'
import { Fetcher } from './fetch.ts'
import type { WorkerServices } from './services.ts'

export interface IntakeOptions {
  readonly services: WorkerServices
  readonly limits: TurnLimits
  readonly consuming: Consuming
  /** How many tasks more the worker could run now. */
  readonly room: () => number
  readonly isHeld: (key: string) => boolean
  readonly take: (worker: string, entries: readonly Delivery[]) => void
  /** The queue has nothing more now. */
  readonly onEmpty: () => void
  /** No read is on its way any more: there is no room, or there is a backlog, or Redis is away. */
  readonly onPause: () => void
  /** Redis has surely heard of this worker within its lease. */
  readonly isFresh: () => boolean
  /** What is told to all workers. */
  readonly onWord: (word: string) => void
  /** Something may be in the pending list that is not held; what was told may have been missed. */
  readonly onDoubt: () => void
  readonly onError: (error: Error) => void
}

/** After a read that failed. */
const READ_PAUSE = 200

export class Intake {
  readonly #options: IntakeOptions
  readonly #store: Store
  readonly #fetcher: Fetcher
  #worker = ''
  #isOpen = false
  #reading: Promise<void> | undefined
  #isBlocking = false
  /** Taken up from the pending list while a read was on its way that may bring them too. */
  #takenUp = new Set<string>()
  /** Something lies where only turns look, and none was sent since. */
  #shallTurn = false
  /** How often a read may have been given what shall not run: an entry was voided before it was delivered. */
  #doubts = 1
  /** Doubts that a turn has settled, because it was sent after them and found the lanes empty. */
  #settled = 0

  constructor(options: IntakeOptions) {
    this.#options = options
    const { store, target } = options.services
    this.#store = store
    const { onDoubt, onWord } = options
    const onReady = (): void => {
      this.#doubts += 1
      onDoubt()
      // What was told before it listened may be work that only turns find.
      this.#recheck()
    }
    this.#fetcher = new Fetcher(target, store.keys, onReady, (word) => {
      if (word === 'void') this.#doubts += 1
      else if (word === 'front') this.#recheck()
      else onWord(word)
    })
  }

  get isReading(): boolean {
    return this.#reading !== undefined
  }

  /** A read waits for more: the queue had nothing when it began. */
  get isBlocking(): boolean {
    return this.#isBlocking
  }

  /** A turn is sent now, which takes work. Answers what is to be handed to `read` should it find the lanes empty. */
  turns(): number {
    this.#shallTurn = false
    return this.#doubts
  }

  open(worker: string): void {
    this.#worker = worker
    this.#isOpen = true
    this.#fetcher.listen()
  }

  /** No further read; the one on its way ends now, with what it was given. */
  async shut(): Promise<void> {
    this.#isOpen = false
    await this.#fetcher.unblock(this.#options.services.commands)
  }

  async settled(): Promise<void> {
    await this.#reading
  }

  close(): void {
    this.#fetcher.close()
  }

  /** The read on its way ends now. */
  async unblock(): Promise<void> {
    await this.#fetcher.unblock(this.#options.services.commands)
  }

  /** Reads, blocking, as long as there is room and each read shows that the queue is empty. settled: doubts that are no more. */
  read(settled = 0): void {
    this.#settled = Math.max(this.#settled, settled)
    this.#options.onEmpty()
    if (this.#reading || !this.#isOpen) return
    this.#reading = this.#readLoop().then(() => {
      this.#reading = undefined
      this.#options.onPause()
    })
  }

  /** It has not the shape of an entry. What fails now is found again by the next look at the pending list. */
  quarantine({ lane, entry, call }: Delivery): void {
    this.#store.quarantine([{ lane, entry, sample: call }]).catch(() => {})
  }

  /** From the pending list: delivered once, but the delivery was lost on its way. */
  async takeUp(places: readonly Place[]): Promise<void> {
    const worker = this.#worker
    // One script, on the connection of the turns: what it finds has not ended, or its turn is answered after this.
    const entries = await this.#store.reread(worker, places, this.#options.limits)
    const strays = entries.filter((entry) => !this.#options.isHeld(placeKey(entry)))
    if (strays.length === 0 || !this.#isOpen) return
    if (this.#reading) for (const raw of strays) this.#takenUp.add(placeKey(raw))
    this.#options.take(worker, strays)
  }

  async #readLoop(): Promise<void> {
    while (this.#isOpen) {
      const count = this.#options.room()
      if (count <= 0 || this.#shallTurn) break
      const worker = this.#worker
      const isWanted = (): boolean => this.#isOpen && worker === this.#worker && !this.#shallTurn
      try {
        this.#isBlocking = true
        const entries = await this.#fetcher.read(worker, count, isWanted)
        this.#isBlocking = false
        this.#options.consuming.answered()
        // Given to an id that was declared dead meanwhile: others take them from its pending list.
        if (worker !== this.#worker) continue
        const isSure = this.#settled === this.#doubts
        const check = this.#arrived(worker, entries, isSure)
        if (check) await check
        if (!isSure || entries.length >= count) return
        this.#options.onEmpty()
      } catch (error) {
        this.#isBlocking = false
        this.#options.consuming.broken()
        const isGone = isGroupGone(error)
        if (isGone) await this.#store.ensureGroups().catch(() => {})
        else if (!isTransient(error)) this.#options.onError(toError(error))
        await new Promise((resolve) => setTimeout(resolve, READ_PAUSE))
        // A new group delivers also what has ended and was not trimmed yet: turns look at the records first.
        if (isGone) return
      }
    }
    this.#shallTurn = false
  }

  /** Ends the read that blocks, so that a turn follows. */
  #recheck(): void {
    // Also where none blocks: a turn that is on its way may have looked before this was told, and a read would follow it.
    this.#shallTurn = true
    if (!this.#reading) {
      this.#options.onPause()
      return
    }
    void this.unblock()
    // The first may have come before the read began to block.
    setTimeout(() => this.#shallTurn && void this.unblock(), 20).unref()
  }

  /** A promise where something has to be looked at first. */
  #arrived(worker: string, entries: readonly Delivery[], isSure: boolean): Promise<void> | undefined {
    const isNew = (raw: Delivery): boolean => {
      return !this.#options.isHeld(placeKey(raw)) && !this.#takenUp.has(placeKey(raw))
    }
    const fresh = entries.filter(isNew)
    this.#takenUp.clear()
    if (fresh.length === 0) return undefined
    // Perhaps this process was paused and is dead to the others: they stay in the pending list until Redis was asked.
    if (!this.#options.isFresh()) {
      this.#options.onDoubt()
      return undefined
    }
    if (isSure && fresh.every(({ expires }) => expires === undefined)) {
      this.#options.take(worker, fresh)
      return undefined
    }
    return this.#takeChecked(worker, fresh)
  }

  /** What was cancelled or moved before it was delivered, or comes too late, is left out. */
  async #takeChecked(worker: string, entries: readonly Delivery[]): Promise<void> {
    const unreadable = entries.filter(({ id }) => id === '')
    const checked = await this.#store.reread(
      worker,
      entries.filter(({ id }) => id !== ''),
      this.#options.limits,
    )
    const fresh = [...unreadable, ...checked].filter((entry) => !this.#options.isHeld(placeKey(entry)))
    this.#options.take(worker, fresh)
  }
}
