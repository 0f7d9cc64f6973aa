/**
 * Answers people who ask what this worker is doing now, from the heartbeat's thread: whether the main loop answers or is
 * blocked, which tasks run, and where the main thread is if it is blocked. One that answers is never paused.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { Runner } from '../redis/runner.ts'
import { answer, heldTasks, running, type WorkerStacks } from '../redis/stacks.ts'
import type { Begun } from './begun.ts'
import { mainStack } from './main-stack.ts'

/** A main loop that has not answered for so long is blocked, ms. */
const BLOCKED = 500
const LOOK = 10

export interface AnswersOptions {
  readonly runner: Runner
  readonly begun: Begun
  /** Resolves when Redis can be asked. */
  readonly ready: () => Promise<void>
  /** False where the worker does not run in the process's main thread. */
  readonly isMain: boolean
  /** To the main loop, which shall say that it has heard it. */
  readonly call: () => void
}

export class Answers {
  readonly #options: AnswersOptions
  #last = ''
  /** How often the main loop was called, and has answered. */
  #calls = 0
  #heard = 0
  /** Of performance.now(), when it was called first without an answer. */
  #since = 0

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  /** To be called now and then: only so is known since when the main loop is blocked. */
  call(): void {
    if (this.#heard === this.#calls) this.#since = performance.now()
    this.#calls += 1
    this.#options.call()
  }

  /** By the main loop. */
  heard(): void {
    this.#heard += 1
    this.#since = performance.now()
  }

  /** Each question once, by whichever way it comes first. */
  asked(worker: string, question: string): void {
    if (question === this.#last) return
    this.#last = question
    this.#answer(worker, question).catch(() => {
      // The next beat brings it again, if somebody still waits.
      if (this.#last === question) this.#last = ''
    })
  }

  async #answer(worker: string, question: string): Promise<void> {
    const { runner, begun, isMain } = this.#options
    await this.#options.ready()
    this.call()
    const target = this.#calls
    const until = performance.now() + BLOCKED
    while (this.#heard < target && performance.now() < until) await delay(LOOK)
    const isBlocked = (): boolean => this.#heard < target
    const blocked = isBlocked() ? Math.round(performance.now() - this.#since) : 0
    const seen = blocked > 0 ? await (isMain ? mainStack(isBlocked) : NOT_MAIN) : undefined
    const tasks = await heldTasks(runner, worker)
    const begunTasks = tasks.filter(({ lane, entry }) => begun.hasBegun(lane, entry))
    const stacks: WorkerStacks = {
      ...{ tasks: running(begunTasks), blocked, stack: seen?.stack, problem: seen?.problem },
    }
    await answer(runner, question, stacks)
  }
}

const NOT_MAIN = { stack: undefined, problem: 'it is a thread of its process, and not the main one' }
