/**
 * Batches of several queues of one Redis, accepted all or none: one script looks at all of them, and writes when it would
 * refuse nothing. It goes by the connection of the first, whose user needs the rights on the keys of all.
 *
 *   waits in each line ──the first everywhere──► sent ──► accepted | refused
 *     ▲                                            │ there is no room for now, or a parent is on its way
 *     └────────────── as the first ────────────────┘
 */

import { EnqueueError, type MillraceError } from '../errors.ts'
import { SeparateQueuesError } from '../errors-together.ts'
import { type Exception, isRefusal } from '../redis/calls.ts'
import { messageOf } from '../redis/faults.ts'
import type { Batch, Bundled } from './batch.ts'
import type { Enqueuer } from './enqueue.ts'
import { untilAnswered } from './patience.ts'

/** An atomic batch, and whose it is. */
export interface Member {
  readonly enqueuer: Enqueuer
  readonly batch: Batch
}

/** They leave behind all that was called before on any of these queues. How that ends each batch tells. */
export function sendTogether(members: readonly [Member, ...Member[]]): void {
  const full = members.find(({ enqueuer, batch }) => !enqueuer.hasRoomFor(batch))
  if (full) {
    const error = full.enqueuer.noRoomError
    for (const { enqueuer, batch } of members) enqueuer.drop(batch, error)
    return
  }
  const bundle = new Bundle(members)
  for (const { enqueuer, batch } of members) {
    batch.bundle = bundle
    enqueuer.addAll(batch)
  }
}

class Bundle implements Bundled {
  readonly #members: readonly [Member, ...Member[]]

  constructor(members: readonly [Member, ...Member[]]) {
    this.#members = members
  }

  leave(): boolean {
    if (!this.#members.every(({ enqueuer, batch }) => enqueuer.line.isNext(batch))) return false
    for (const { enqueuer, batch } of this.#members) {
      enqueuer.line.takeFirst()
      batch.state = 'sent'
    }
    void this.#deliver()
    return true
  }

  async #deliver(): Promise<void> {
    const [{ enqueuer: sender, batch: first }] = this.#members
    const parts = this.#members.map(({ enqueuer, batch }) => enqueuer.partOf(batch))
    const count = parts.reduce((sum, { calls }) => sum + calls.length, 0)
    let answers: readonly (readonly Exception[])[]
    try {
      answers = await untilAnswered(sender, first.madeAt, count, (isResent) =>
        sender.backend.store.several(parts, isResent),
      )
    } catch (error) {
      this.#fail(this.#explained(error as EnqueueError))
      return
    }
    this.#answered(answers)
  }

  #answered(answers: readonly (readonly Exception[])[]): void {
    // Whoever closes does not wait for room.
    const mayWait = !this.#members.some(({ enqueuer }) => enqueuer.line.isEnding)
    const errors: MillraceError[] = []
    const waits = new Map<Batch, Promise<void>>()
    this.#members.forEach(({ enqueuer, batch }, index) => {
      const refused = answers[index]!.filter(isRefusal)
      if (refused.length === 0) return
      const verdict = enqueuer.verdictOn(batch, refused, mayWait)
      if (verdict instanceof Promise) waits.set(batch, verdict)
      else errors.push(verdict)
    })
    if (errors[0]) this.#fail(errors[0])
    else if (waits.size > 0) void this.#again(waits)
    else {
      this.#members.forEach(({ enqueuer, batch }, index) => {
        enqueuer.accept(batch, answers[index]!)
      })
      this.#free(true)
    }
  }

  /** Nothing of any was accepted. */
  #fail(error: MillraceError): void {
    for (const { enqueuer, batch } of this.#members) enqueuer.fail(batch, error)
    this.#free(true)
  }

  /** Once more. Meanwhile those queues go on where nothing was refused. */
  async #again(waits: ReadonlyMap<Batch, Promise<void>>): Promise<void> {
    for (const { enqueuer, batch } of this.#members) enqueuer.line.putOff(batch, waits.has(batch))
    this.#free(false)
    await Promise.all(waits.values())
    for (const { enqueuer, batch } of this.#members) enqueuer.line.putFirst(batch)
    for (const { enqueuer } of this.#members) enqueuer.line.send()
  }

  /** Their lines go on. */
  #free(isGone: boolean): void {
    for (const { enqueuer, batch } of this.#members) enqueuer.line.free(batch, isGone)
    for (const { enqueuer } of this.#members) enqueuer.line.send()
  }

  /** What concerns no single queue is said of all of them. */
  #explained(error: EnqueueError): MillraceError {
    const { cause } = error
    const why = messageOf(cause)
    const [{ enqueuer: sender }] = this.#members
    const names = this.#members.map(({ enqueuer }) => `"${enqueuer.queue}"`).join(', ')
    if (/^CROSSSLOT\b/.test(why)) {
      return new SeparateQueuesError(
        `queues ${names} lie in different slots of a cluster, so no script can accept calls of all`,
        {
          cause,
        },
      )
    }
    if (!/^NOPERM\b/.test(why)) return error
    const hint = `one script accepts the calls of ${names}, and the user of "${sender.queue}" runs it`
    return new EnqueueError(`${error.message} (${hint}: it needs a producer's rights on each)`, false, {
      cause,
    })
  }
}
