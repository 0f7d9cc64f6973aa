/**
 * Memory that the main thread shares with the heartbeat's thread: the handler that has the main loop to itself now, if
 * it has a limit, and what becomes of its attempt should it not return. Handlers without a limit write nothing.
 *
 *   main:    nobody ──begin──► it runs ──end──► nobody
 *   thread:                       │ long past its limit
 *                                 └──claim──► claimed: nothing follows but the end of the process
 */

import type { Place } from '../redis/wire.ts'

export interface Watched extends Place {
  readonly id: string
  readonly name: string
  /** Who awaits it since the call; '' = nobody. */
  readonly client: string
  readonly attempt: number
  /** Which of its limits is over first. */
  readonly why: 'timeout' | 'deadline'
  /** Ms that it was given. */
  readonly allowed: number
  /** Of the outcome that is recorded in its stead. */
  readonly state: 'failed' | 'retry' | 'expired'
  /** How long the record stays, or until the next attempt, ms. */
  readonly ttl: number
}

export type Overrun = Watched & {
  /** Until it was claimed, ms. */
  readonly ran: number
}

/** Past its limit by this much a handler will not return; a loop can be late by less for other reasons, ms. */
export const OVERRUN_GRACE = 500

/** Odd while a handler runs, another number for each; even: nobody. */
const TURN = 0
const BYTES = 1
const INTS = 2
const BEGUN_AT = 0
const OVER_AT = 1
const HEAD = 4 * INTS + 8 * 2
/** Names and ids have at most 128 characters: what needs more was not made by us, and is not watched. */
const MAX_TEXT = 2_048

const CLAIMED = -1
const TURNS = 2 ** 30
/** The thread ends the process sooner; if it has died over that, the main thread does. */
const LAST_WAIT = 5_000

/** What turns performance.now(), which counts from another time in each thread, into one time for all, ms. */
const OFFSET = Number(process.hrtime.bigint()) / 1e6 - performance.now()

export class Watch {
  readonly memory: SharedArrayBuffer
  readonly #ints: Int32Array
  readonly #times: Float64Array
  readonly #text: Buffer
  /** Main: the number of what runs or ran last. */
  #turn = 0

  constructor(memory = new SharedArrayBuffer(HEAD + MAX_TEXT)) {
    this.memory = memory
    this.#ints = new Int32Array(memory, 0, INTS)
    this.#times = new Float64Array(memory, 4 * INTS, 2)
    this.#text = Buffer.from(memory, HEAD, MAX_TEXT)
  }

  /** Main. Times as performance.now() gives them. */
  begin(watched: Watched, begunAt: number, overAt: number): void {
    const text = JSON.stringify(watched)
    if (Buffer.byteLength(text) > MAX_TEXT) return
    this.#turn = (this.#turn + 2) % TURNS
    this.#times[BEGUN_AT] = begunAt + OFFSET
    this.#times[OVER_AT] = overAt + OFFSET
    this.#ints[BYTES] = this.#text.write(text)
    Atomics.store(this.#ints, TURN, this.#turn + 1)
  }

  /** Main: it has returned. Does not come back once the thread has claimed it: its task is recorded as timed out. */
  end(): void {
    // It was not watched.
    if (Atomics.load(this.#ints, TURN) === this.#turn) return
    const running = this.#turn + 1
    while (Atomics.compareExchange(this.#ints, TURN, running, this.#turn) !== running) {
      Atomics.wait(this.#ints, TURN, CLAIMED, LAST_WAIT)
      process.kill(process.pid, 'SIGKILL')
    }
  }

  /** Thread: a number for what runs past its limit now; 0: nothing does. */
  get overdue(): number {
    const turn = Atomics.load(this.#ints, TURN)
    return turn % 2 === 1 && performance.now() + OFFSET > this.#times[OVER_AT]! ? turn : 0
  }

  /** Thread: takes the outcome out of the main thread's hands; undefined: that handler has returned meanwhile. */
  claim(overdue: number): Overrun | undefined {
    if (Atomics.compareExchange(this.#ints, TURN, overdue, CLAIMED) !== overdue) return undefined
    const watched = JSON.parse(this.#text.toString('utf8', 0, this.#ints[BYTES])) as Watched
    return { ...watched, ran: Math.round(performance.now() + OFFSET - this.#times[BEGUN_AT]!) }
  }
}

/** For people: no argument of the call, and nothing that a terminal would obey. */
export function overrunOf(watched: Pick<Watched, 'id' | 'name' | 'why' | 'allowed'>): string {
  const { id, name, why, allowed } = watched
  const task = `task ${id.replace(/[^\w.:-]/g, '_')} (${name})`
  const past = why === 'timeout' ? `its timeout of ${allowed} ms` : 'its deadline'
  return `${task} kept the event loop past ${past}`
}
