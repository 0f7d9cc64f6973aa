/**
 * Brings letters to other queues: tasks that are to be made there, and how tasks of this queue ended. Scripts write a letter
 * together with what it is about, and it lies in the outbox until it has arrived, so a worker that dies on the way leaves
 * it to the others: what it does may be done twice, and the task's id makes that harmless. Every worker is told of a letter;
 * who is first claims it.
 */

import { OptionError } from '../errors.ts'
import { isName } from '../ids.ts'
import type { Admin } from '../redis/admin.ts'
import { isTransient } from '../redis/faults.ts'
import type { FrameItem } from '../redis/frame.ts'
import type { AnyLetter, CallLetter, KeptFor, Letters } from '../redis/letters.ts'
import type { Store } from '../redis/store.ts'
import type { Input } from '../redis/wire.ts'
import { toError } from '../report.ts'
import { DueLoop, nextLook } from './due.ts'

/** Letters at once. */
const MOST = 100
/** After which others try, ms. */
const LEASE = 5_000
/** A task that somebody waits for may be on its own way to Redis still, ms. */
const PATIENCE = 10_000
/** For another server, ms: the letters of this one's queues wait meanwhile. */
const READY_TIMEOUT = 2_000
/** The same problem is told again after so many ms. */
const SILENCE = 60_000
const MOST_TOLD = 1_000
const NOBODY = Buffer.from([0])
const HEADS = { awaited: NOBODY, other: NOBODY }

/** Another queue, as far as letters go. */
export interface Elsewhere {
  /** Of another server: when it can be talked to. Rejects with RedisError. */
  readonly ready?: (timeout: number) => Promise<void>
  readonly store: Pick<Store, 'enqueue'>
  readonly letters: Pick<Letters, 'watch' | 'arrive'>
  readonly admin: Pick<Admin, 'cancel' | 'redrive'>
}

export interface OutboxOptions {
  /** The queue's name. */
  readonly home: string
  readonly letters: Pick<Letters, 'claim' | 'brought' | 'arrive'>
  readonly store: Pick<Store, 'inputs'>
  /** Undefined: that name is not known here. */
  readonly reach: (queue: string) => Elsewhere | undefined
  readonly kept: KeptFor
  /** Why a letter stays: what is neither a lost connection nor told a minute ago. */
  readonly onProblem: (error: Error) => void
}

export class Outbox extends DueLoop {
  constructor(options: OutboxOptions) {
    const carrier = new Carrier(options)
    super(() => carrier.round())
  }
}

class Carrier {
  readonly #options: OutboxOptions
  readonly #told = new Map<string, number>()

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** Answers ms until there is something to do again. */
  async round(): Promise<number> {
    const { letters } = this.#options
    const { wait, letters: claimed } = await letters.claim(MOST, LEASE)
    if (claimed.length === 0) return nextLook(wait)
    const arrived = await Promise.all(claimed.map((letter) => this.#bring(letter)))
    const through = claimed.filter((_, index) => arrived[index])
    if (through.length > 0) await letters.brought(through)
    return 0
  }

  /** False: it stays, and is tried again. */
  async #bring(letter: AnyLetter): Promise<boolean> {
    try {
      const there = this.#reach(letter.queue)
      const { id } = letter
      await there.ready?.(READY_TIMEOUT)
      if (letter.kind === 'call') return await this.#call(letter, there)
      if (letter.kind === 'watch') return await this.#watch(letter, there)
      const { kept } = this.#options
      if (letter.kind === 'end') await there.letters.arrive(id, letter.trip, letter.outcome, kept)
      else await there.admin.cancel(id, letter.reason, kept.failedTtl)
      return true
    } catch (error) {
      if (!isTransient(error)) this.#tell(toError(error))
      return false
    }
  }

  async #call(letter: CallLetter, there: Elsewhere): Promise<boolean> {
    const { home, store } = this.#options
    const { id, lane, trip, call, inputs, wishes, age } = letter
    const taken = inputs > 0 ? (await store.inputs([{ id, inputs }]))[0] : undefined
    const how: FrameItem[] = ['sent', wishes, 'age', age]
    if (taken) how.push('given', taken.map(pack))
    if (letter.isWanted) how.push('home', home, 'trip', trip)
    const packed = call.subarray(1 + (call[0] ?? 0))
    const made = there.store.enqueue([{ lane, how, id, packed, isAwaited: false }], HEADS, true)
    if (!letter.isWanted) {
      await made
      return true
    }
    // Behind it on the same connection: of a task that was made before, enqueue says nothing.
    const watched = there.letters.watch(home, id, trip, 'call')
    await Promise.all([made, watched])
    let standing = await watched
    if (standing === 'again') {
      await there.admin.redrive([id])
      standing = await there.letters.watch(home, id, trip, 'redriven')
    }
    await this.#settle(id, trip, standing)
    return true
  }

  async #watch(letter: Extract<AnyLetter, { kind: 'watch' }>, there: Elsewhere): Promise<boolean> {
    const { id, trip, age } = letter
    const standing = await there.letters.watch(this.#options.home, id, trip, 'watch')
    if (standing === 'lost' && age < PATIENCE) return false
    await this.#settle(id, trip, standing)
    return true
  }

  async #settle(id: string, trip: string, standing: string | Input): Promise<void> {
    if (standing === 'open') return
    const { letters, kept } = this.#options
    const outcome = typeof standing === 'string' ? { letter: 'l', value: Buffer.alloc(0) } : standing
    await letters.arrive(id, trip, outcome, kept)
  }

  #reach(queue: string): Elsewhere {
    const there = isName(queue.replace(/^@/, '')) ? this.#options.reach(queue) : undefined
    if (there) return there
    const what = `tasks of this queue go to ${JSON.stringify(queue.slice(0, 140))}, which its worker does not know`
    throw new OptionError(`${what}: name that queue in the option \`others\` where the worker is made`)
  }

  #tell(error: Error): void {
    const now = performance.now()
    if (now - (this.#told.get(error.message) ?? -SILENCE) < SILENCE) return
    if (this.#told.size >= MOST_TOLD) this.#told.clear()
    this.#told.set(error.message, now)
    this.#options.onProblem(error)
  }
}

const pack = ({ letter, value }: Input): Buffer => Buffer.concat([Buffer.from(letter, 'latin1'), value])
