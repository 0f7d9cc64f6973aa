/**
 * Entries that do not come by turns: by the blocking read, which runs while the queue is empty, and from the
 * worker's own pending list, where a delivery whose reply was lost is found. Each is announced by `start`; what is
 * announced is handed on, and a refusal takes it back.
 */

import { isGroupGone, isTransient } from '../redis/faults.ts'
import { type Delivered, type Place, placeKey, type RawEntry, type Store } from '../redis/store.ts'
import { toError } from '../report.ts'
import { Fetcher } from './fetch.ts'
import { type Held, heldFrom } from './held.ts'
import { insist, type Patience } from './retry.ts'
import type { WorkerServices } from './services.ts'

export interface IntakeOptions {
  readonly services: WorkerServices
  readonly patience: Patience
  /** How many tasks more the worker could run now. */
  readonly room: () => number
  readonly isHeld: (key: string) => boolean
  readonly take: (worker: string, helds: readonly Held[]) => void
  readonly refuse: (held: Held, reason: string) => void
  /** No read is on its way any more: there is no room, or there is a backlog, or Redis is away. */
  readonly onPause: () => void
  /** Redis has surely heard of this worker within its lease. */
  readonly isFresh: () => boolean
  readonly onDead: (worker: string) => void
  /** A new connection: what an earlier one was given may be in the pending list. */
  readonly onDoubt: () => void
  readonly onError: (error: Error) => void
}

/** After a read that failed. */
const READ_PAUSE = 200
const MAX_SAMPLE = 256
const NO_SAMPLE = Buffer.alloc(0)

export class Intake {
  readonly #options: IntakeOptions
  readonly #store: Store
  readonly #fetcher: Fetcher
  #worker = ''
  #isOpen = false
  #reading: Promise<void> | undefined
  /** Taken up from the pending list while a read was on its way that may bring them too. */
  #takenUp = new Set<string>()

  constructor(options: IntakeOptions) {
    this.#options = options
    const { store, target } = options.services
    this.#store = store
    this.#fetcher = new Fetcher(target, store.keys, options.onDoubt)
  }

  get isReading(): boolean {
    return this.#reading !== undefined
  }

  open(worker: string): void {
    this.#worker = worker
    this.#isOpen = true
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

  /** Reads, blocking, as long as there is room and each read shows that the queue is empty. */
  read(): void {
    if (this.#reading || !this.#isOpen) return
    this.#reading = this.#readLoop().then(() => {
      this.#reading = undefined
      this.#options.onPause()
    })
  }

  /** From the pending list: delivered once, but the delivery was lost on its way. */
  async takeUp(places: readonly Place[]): Promise<void> {
    const worker = this.#worker
    const entries = await this.#store.entries(places)
    const found = new Set(entries.map(placeKey))
    const deleted = places.filter((place) => !found.has(placeKey(place)))
    const all = [...entries, ...deleted.map((place) => ({ ...place, fields: [] }))]
    const strays = all.filter((raw) => !this.#options.isHeld(placeKey(raw)))
    if (strays.length === 0 || !this.#isOpen) return
    if (this.#reading) for (const raw of strays) this.#takenUp.add(placeKey(raw))
    const helds = strays.map(heldFrom)
    await this.#start(worker, strays, helds)
    const started = helds.filter((held) => held?.started && !this.#options.isHeld(held.key)) as Held[]
    this.#options.take(worker, started)
  }

  async #readLoop(): Promise<void> {
    while (this.#isOpen) {
      const count = this.#options.room()
      if (count <= 0) return
      const worker = this.#worker
      try {
        const entries = await this.#fetcher.read(worker, count, () => this.#isOpen && worker === this.#worker)
        // Given to an id that was declared dead meanwhile: others take them from its pending list.
        if (worker !== this.#worker) continue
        this.#arrived(worker, entries)
        if (entries.length >= count) return
      } catch (error) {
        if (isGroupGone(error)) await this.#store.ensureGroups().catch(() => {})
        else if (!isTransient(error)) this.#options.onError(toError(error))
        await new Promise((resolve) => setTimeout(resolve, READ_PAUSE))
      }
    }
  }

  /** A blocking read has brought these: they are new, so handlers begin while `start` is on its way. */
  #arrived(worker: string, entries: readonly RawEntry[]): void {
    const isNew = (raw: RawEntry): boolean => {
      return !this.#options.isHeld(placeKey(raw)) && !this.#takenUp.has(placeKey(raw))
    }
    const fresh = entries.filter(isNew)
    this.#takenUp.clear()
    if (fresh.length === 0) return
    const helds = fresh.map(heldFrom)
    const good = helds.filter((held) => held !== null)
    const starting = this.#start(worker, fresh, helds)
    if (this.#options.isFresh()) {
      this.#options.take(worker, good)
      starting.catch(this.#options.onError)
      return
    }
    // Perhaps this process was paused and is dead to the others: first hear what Redis says.
    const takeStarted = (): void => {
      const started = good.filter((held) => held.started)
      this.#options.take(worker, started)
    }
    starting.then(takeStarted, this.#options.onError)
  }

  async #start(worker: string, entries: readonly RawEntry[], helds: readonly (Held | null)[]): Promise<void> {
    const delivered = entries.map((raw, index) => toDelivered(raw, helds[index] ?? null))
    const answers = await insist(this.#options.patience, () => this.#store.start(worker, delivered))
    if (answers === 'dead') {
      this.#options.onDead(worker)
      return
    }
    answers.forEach((answer, index) => {
      const held = helds[index]
      if (!held) return
      if (typeof answer === 'number') {
        held.started = true
        held.attempt = answer
      } else {
        this.#options.refuse(held, `the task may not be run: ${answer}`)
      }
    })
  }
}

function toDelivered(raw: RawEntry, held: Held | null): Delivered {
  const { lane, entry, fields } = raw
  if (held) return { lane, entry, id: held.id, sample: held.call.subarray(0, MAX_SAMPLE) }
  const samples = fields.map((field) => field.subarray(0, MAX_SAMPLE))
  return { lane, entry, id: '', sample: samples.length === 0 ? NO_SAMPLE : Buffer.concat(samples) }
}
