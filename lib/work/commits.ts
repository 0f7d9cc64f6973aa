/**
 * Tasks of one definition that are acknowledged with a commit: what their handlers have done lasts only then.
 *
 *   running ──ends well──► waits ──commit──► succeeded
 *      │                     └──commit fails──► failed, with the commit's error
 *      └── while a commit fails: spoiled, and has failed when it ends
 *
 * One commit at a time. A handler that runs beside it may have done half of its work before, and a commit that fails
 * may have undone that half: so what fails is all that had begun.
 */

import type { Clock } from '../clock.ts'
import type { Deadline, Deadlines } from '../deadlines.ts'
import { TaskTimeoutError } from '../errors.ts'
import type { CommitPlan } from '../gather-options.ts'
import { outsideOfTasks } from './context.ts'
import type { Held } from './held.ts'

export interface CommitTools {
  readonly clock: Pick<Clock, 'steady'>
  readonly deadlines: Deadlines
  /** Nothing more comes now. */
  readonly isEmpty: () => boolean
  readonly whileWaiting: <T>(held: Held, wait: Promise<T>) => Promise<T>
}

/** One attempt, from its beginning to its outcome. */
export class Ticket {
  readonly #commits: Commits
  /** How long its handler ran, ms; undefined: it runs. */
  ran: number | undefined
  /** A commit has failed since it began. */
  spoiled: { readonly error: unknown } | undefined
  settle: ((failed: { readonly error: unknown } | undefined) => void) | undefined

  constructor(commits: Commits) {
    this.#commits = commits
  }

  /**
   * Its handler has ended well and in time: from here on no limit ends it, and what cancels it comes too late. Resolves
   * once that is committed; rejects with the commit's error.
   */
  committed(held: Held, { clock, whileWaiting }: CommitTools): Promise<void> {
    this.ran = clock.steady - held.begunAt
    held.slotTime = this.ran
    held.onGivenUp = undefined
    const { isFull } = this.#commits
    const promise = new Promise<void>((resolve, reject) => {
      this.settle = (failed) => (failed ? reject(failed.error) : resolve())
    })
    this.#commits.done(this)
    // Others need the slot to fill the batch.
    return isFull ? promise : whileWaiting(held, promise)
  }

  /** Its outcome is decided. */
  over(): void {
    if (this.ran === undefined) this.#commits.left(this)
  }
}

export class Commits {
  readonly #plan: CommitPlan
  /** Begun, and not decided. */
  readonly #open = new Set<Ticket>()
  /** Of those, the ones whose handler has ended well since the last commit began. */
  #done: Ticket[] = []
  #running = 0
  #isCommitting = false
  #isLingerOver = false
  #lingering: Deadline | undefined
  #tools: CommitTools | undefined

  constructor(plan: CommitPlan) {
    this.#plan = plan
  }

  /** So many wait that another has to keep its slot: a slow commit must not gather without end. */
  get isFull(): boolean {
    return this.#done.length >= this.#plan.every
  }

  begin(tools: CommitTools): Ticket {
    this.#tools = tools
    this.#running += 1
    const ticket = new Ticket(this)
    this.#open.add(ticket)
    return ticket
  }

  /** By the ticket. */
  done(ticket: Ticket): void {
    this.#running -= 1
    if (ticket.spoiled) {
      this.#open.delete(ticket)
      ticket.settle?.(ticket.spoiled)
      this.look()
      return
    }
    this.#done.push(ticket)
    this.#lingering ??= this.#tools?.deadlines.add(this.#plan.linger, () => {
      this.#isLingerOver = true
      this.look()
    })
    this.look()
  }

  /** By the ticket. */
  left(ticket: Ticket): void {
    if (!this.#open.delete(ticket)) return
    this.#running -= 1
    this.look()
  }

  /** Commits if it is time; isEmpty: nothing more comes now. */
  look(isEmpty = this.#tools?.isEmpty()): void {
    if (this.#isCommitting || this.#done.length === 0) return
    const isRest = isEmpty === true && this.#running === 0
    if (this.#done.length >= this.#plan.every || this.#isLingerOver || isRest) void this.#commit()
  }

  async #commit(): Promise<void> {
    const committing = this.#takeDone()
    this.#isCommitting = true
    const failed = await this.#try()
    this.#isCommitting = false
    if (failed) this.#fail(failed)
    for (const ticket of failed ? [] : committing) {
      this.#open.delete(ticket)
      ticket.settle?.(undefined)
    }
    this.look()
  }

  #takeDone(): Ticket[] {
    const done = this.#done
    this.#done = []
    this.#isLingerOver = false
    if (this.#lingering) this.#tools?.deadlines.remove(this.#lingering)
    this.#lingering = undefined
    return done
  }

  #fail(failed: { readonly error: unknown }): void {
    this.#takeDone()
    for (const ticket of this.#open) {
      if (ticket.ran === undefined) {
        ticket.spoiled = failed
      } else {
        this.#open.delete(ticket)
        ticket.settle?.(failed)
      }
    }
  }

  async #try(): Promise<{ readonly error: unknown } | undefined> {
    const { commit, timeout } = this.#plan
    const deadlines = this.#tools?.deadlines
    let limit: Deadline | undefined
    try {
      const committed = outsideOfTasks(commit)
      const late = new Promise<never>((_, reject) => {
        if (timeout === undefined) return
        limit = deadlines?.add(timeout, () => reject(new TaskTimeoutError(timeout)))
      })
      await Promise.race([committed, late])
      return undefined
    } catch (error) {
      return { error }
    } finally {
      if (limit) deadlines?.remove(limit)
    }
  }
}
