/**
 * The calls of a queue on their way out of this process, in batches, in their order. An idle line sends at the end of
 * the tick, so that what one tick calls goes together; while a batch is on its way, calls gather for the next. Of a tick
 * that makes thousands, or dozens whose outcomes somebody waits for, some leave while it goes on: Redis works meanwhile.
 *
 *   waits ──its turn──► on its way ──answered──► gone
 *     ▲                     │ refused for now: put off, the others go on
 *     └──── as the first ───┘
 *
 * A batch of a bundle leaves when it is the first in all of its lines and nothing is on its way in any; until it is
 * answered nothing else leaves them, because it may take the connection of another queue. Batches of a bundle come into
 * their lines together, as the last or as the first, so no two bundles can wait for each other.
 */

import { Batch, type PendingCall } from './batch.ts'

/** Full batches leave beside others; the one that is being filled waits until none is on its way. */
const MAX_ON_THE_WAY = 64
/** So many full batches do not wait for the end of the tick. */
const MANY = 4
/** So many calls whose outcomes are awaited do not wait for it where the line is idle: others work meanwhile. */
const ENOUGH = 64
/** What a waiting call costs besides its arguments, roughly. */
const OVERHEAD = 512

export class Line {
  /** False: it will be sent once more, later. */
  readonly #deliver: (batch: Batch) => Promise<boolean>
  /** Those before the last are full. */
  #batches: Batch[] = []
  #bytes = 0
  #count = 0
  /** A batch of a bundle counts as all that may be. */
  #onTheWay = 0
  /** Beside the line for a while; true: small batches wait for it. */
  readonly #putOff = new Map<Batch, boolean>()
  #holdUps = 0
  #scheduled = false
  #idle: (() => void)[] = []

  constructor(deliver: (batch: Batch) => Promise<boolean>) {
    this.#deliver = deliver
  }

  /** Calls that have not been answered yet. */
  get count(): number {
    return this.#count
  }

  /** What they hold here. */
  get bytes(): number {
    return this.#bytes
  }

  /** Somebody waits for the last of them, and makes no more. */
  get isEnding(): boolean {
    return this.#idle.length > 0
  }

  add(call: PendingCall, bytes: number): void {
    this.#bytes += bytes
    this.#count += 1
    let batch = this.#openBatch()
    // Only now: whoever made the last call of those that leave has had the chance to ask for its outcome.
    if (batch.calls.length === 0 ? this.#batches.length > MANY : this.#isEnough(batch)) {
      this.send()
      batch = this.#openBatch()
    }
    batch.push(call)
    this.#sendSoon()
  }

  /** A whole one, behind all that was called before. */
  addBatch(batch: Batch): void {
    this.#bytes += sizeOf(batch)
    this.#count += batch.calls.length
    this.#batches.push(batch)
    this.#sendSoon()
  }

  /** Resolves when every call made so far has been answered, one way or the other. */
  idle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Once more, ahead of all others. */
  again(batch: Batch, when: Promise<void>): void {
    this.putOff(batch)
    void when.then(() => {
      this.putFirst(batch)
      this.send()
    })
  }

  /** It waits beside the line. holdsUp: for something of this queue, so that it should not be overtaken. */
  putOff(batch: Batch, holdsUp = true): void {
    batch.state = 'waiting'
    // Whoever asked meanwhile: the reply's address can still go along.
    for (const call of batch.calls) call.isAwaited ||= call.isObserved
    this.#putOff.set(batch, holdsUp)
    if (holdsUp) this.#holdUps += 1
  }

  putFirst(batch: Batch): void {
    if (this.#putOff.get(batch)) this.#holdUps -= 1
    this.#putOff.delete(batch)
    batch.madeAt = performance.now()
    this.#batches.unshift(batch)
  }

  /** Of a batch of a bundle: it is its turn here. */
  isNext(batch: Batch): boolean {
    return this.#onTheWay === 0 && this.#batches[0] === batch
  }

  /** The first one leaves, with those of its bundle. */
  takeFirst(): void {
    this.#batches.shift()
    this.#onTheWay += MAX_ON_THE_WAY
  }

  /** It has been answered; isGone: for good. */
  free(batch: Batch, isGone: boolean): void {
    this.#onTheWay -= MAX_ON_THE_WAY
    if (isGone) this.#letGo(batch)
  }

  #openBatch(): Batch {
    const last = this.#batches.at(-1)
    if (last && !last.isFull) return last
    const batch = new Batch()
    this.#batches.push(batch)
    return batch
  }

  #isEnough({ calls }: Batch): boolean {
    return calls.length === ENOUGH && calls[0]!.isAwaited && this.#mayGo
  }

  #sendSoon(): void {
    if (this.#scheduled || !this.#mayGo) return
    this.#scheduled = true
    queueMicrotask(() => this.send())
  }

  get #mayGo(): boolean {
    const first = this.#batches[0]
    if (first?.bundle) return this.#onTheWay === 0
    if (this.#onTheWay + this.#holdUps === 0) return true
    return this.#onTheWay < MAX_ON_THE_WAY && first?.isFull === true
  }

  /** Lets go what may. */
  send(): void {
    this.#scheduled = false
    while (this.#batches.length > 0 && this.#mayGo) {
      const batch = this.#batches[0]!
      if (batch.bundle) {
        if (batch.bundle.leave()) continue
        // The last of its lines in which it is not its turn will let it go.
        return
      }
      this.#batches.shift()
      this.#onTheWay += 1
      void this.#deliver(batch).then((isGone) => {
        this.#onTheWay -= 1
        if (isGone) this.#letGo(batch)
        this.send()
      })
    }
    if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve()
  }

  get #isIdle(): boolean {
    return this.#batches.length === 0 && this.#onTheWay === 0 && this.#putOff.size === 0
  }

  #letGo(batch: Batch): void {
    this.#bytes -= sizeOf(batch)
    this.#count -= batch.calls.length
    batch.release()
  }
}

/** Of one that is made of these, as it waits. */
export const sizeOf = (batch: Pick<Batch, 'bytes' | 'calls'>): number =>
  batch.bytes + batch.calls.length * OVERHEAD

export const sizeOfCall = (call: PendingCall): number => call.size + OVERHEAD
