/**
 * Looks after the main loop from the heartbeat's thread. A handler that keeps the loop past its limit cannot be
 * aborted: its attempt is recorded as timed out, what else the process holds goes back in line without a crash
 * charged, and the process ends, for a supervisor to start it anew.
 */

import { write } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { TaskTimeoutError } from '../errors.ts'
import type { Store } from '../redis/store.ts'
import type { Outcome } from '../redis/wire.ts'
import { encodeForm, encodeTooLate } from '../remote-error.ts'
import type { Begun } from './begun.ts'
import { OVERRUN_GRACE, type Overrun, overrunOf, type Watch } from './watch.ts'

/** For telling Redis: then the process ends anyway, and others recover its tasks when the lease is over. */
const PATIENCE = 2_000
const WRITE_PATIENCE = 500
const RETRY_PAUSE = 100
/** Tasks of each lane given back by one script. */
const BATCH = 500

export interface WatchdogOptions {
  readonly watch: Watch
  readonly begun: Begun
  readonly store: Store
  /** Resolves when Redis can be asked. */
  readonly ready: () => Promise<void>
  /** Whose tasks these are; undefined: it was declared dead. */
  readonly worker: () => string | undefined
  /** The other workers of this process give back what they hold. */
  readonly leaveOthers: () => Promise<unknown>
  /** Between looks, ms. */
  readonly period: number
  readonly failedTtl: number
  readonly maxFailed: number
}

export class Watchdog {
  readonly #options: WatchdogOptions
  #suspect = 0
  /** In how many looks on end it was overdue: counted, because a process that was paused has not used its time. */
  #looks = 0
  #isEnding = false

  constructor(options: WatchdogOptions) {
    this.#options = options
  }

  /** To be called every `period` ms. */
  look(): void {
    const { watch, period } = this.#options
    if (this.#isEnding) return
    const { overdue } = watch
    this.#looks = overdue !== 0 && overdue === this.#suspect ? this.#looks + 1 : 0
    this.#suspect = overdue
    if (overdue === 0 || this.#looks * period < OVERRUN_GRACE) return
    const overrun = watch.claim(overdue)
    if (overrun) void this.#end(overrun)
  }

  /** This process ends: its worker gives back what it holds. */
  async leave(): Promise<void> {
    this.#isEnding = true
    await this.#insist(() => this.#leave())
  }

  async #end(overrun: Overrun): Promise<void> {
    this.#isEnding = true
    const what = await Promise.race([this.#tell(overrun), delay(PATIENCE, 'Redis did not answer in time')])
    const line = `millrace: ${overrunOf(overrun)}, so this process ends. ${what}.\n`
    // Not by process.stderr, which writes through the main loop. A pipe that nobody reads must not keep it alive.
    const written = new Promise<void>((resolve) => write(2, line, () => resolve()))
    await Promise.race([written, delay(WRITE_PATIENCE)])
    // From a thread process.exit() would end the thread alone.
    process.kill(process.pid, 'SIGKILL')
  }

  /** Answers what was done, for people. */
  async #tell(overrun: Overrun): Promise<string> {
    const others = this.#options.leaveOthers()
    const letter = await this.#insist(() => this.#record(overrun))
    await this.leave()
    await others
    return letter
  }

  async #record(overrun: Overrun): Promise<string> {
    const { store, worker, maxFailed, failedTtl } = this.#options
    const { id, lane, entry, attempt, client, state, ttl, ran, allowed } = overrun
    const owner = worker()
    if (owner === undefined) return 'Its worker was declared dead before'
    const { message } = new TaskTimeoutError(allowed)
    const value =
      state === 'expired'
        ? encodeTooLate()
        : encodeForm('TaskTimeoutError', 'ERR_MILLRACE_TASK_TIMEOUT', message)
    const outcome: Outcome = {
      ...{ id, lane, entry, attempt, client, state, ttl, ran, value },
      kept: undefined,
    }
    // It brings the outcome and wants nothing, so no call is too large for it.
    const { verdicts } = await store.turn(owner, 0, [outcome], { maxCall: 0, maxFailed, failedTtl })
    const recorded = verdicts[0] === 'fenced' ? 'Another worker has that task' : 'That is recorded'
    return `${recorded}, and what else it held was given back`
  }

  /** What comes back by a read that was on its way has not begun, and goes back in the next round. */
  async #leave(): Promise<void> {
    const { store, begun, worker, failedTtl } = this.#options
    const id = worker()
    if (id === undefined) return
    do {
      const pending = await store.pending(id, BATCH)
      if (pending === 'dead') return
      const given = pending.places.map((place) => ({
        ...place,
        begun: begun.hasBegun(place.lane, place.entry),
      }))
      if (given.length > 0) await store.release(id, given, failedTtl)
    } while ((await store.leave(id)) > 0)
  }

  /** All of it may run twice. */
  async #insist<T>(step: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        await this.#options.ready()
        return await step()
      } catch {
        await delay(RETRY_PAUSE)
      }
    }
  }
}
