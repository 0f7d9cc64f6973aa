/**
 * The workers of one process: those of all its queues, run and stopped together, and the reasons to stop besides a
 * signal: nothing left to do, so many tasks, so much memory.
 */

import { EventEmitter } from 'node:events'
import type { Queue } from '../queue.ts'
import type { Worker } from '../work/worker.ts'
import type { WorkerOptions } from '../work/worker-options.ts'

/** Between two looks at memory, and at queues that may be empty, ms. */
const LOOK = 200

export interface CrewOptions {
  /** Is told, once, when its queues are empty and its handlers have ended. Undefined: it works on. */
  readonly onEmpty: (() => void) | undefined
  /**
   * Other processes of this program work beside it: then it is not over while a task runs anywhere. What one of them
   * leaves behind when it dies is found when its lease ends, and somebody has to be there.
   */
  readonly isOneOfMany: boolean
  readonly maxTasks: number | undefined
  /** RSS, bytes. */
  readonly maxMemory: number | undefined
  /** It has had enough: to be replaced, or just to stop. */
  readonly onEnough: (why: string) => void
}

export interface Post {
  readonly queue: Queue
  readonly options: WorkerOptions
}

/** `ready`: all its workers are registered. */
export class Crew extends EventEmitter<{ ready: [] }> {
  readonly workers: readonly Worker[]
  readonly #queues: readonly Queue[]
  readonly #options: CrewOptions
  #ran = 0
  #looking: NodeJS.Timeout | undefined
  #hadEnough = false

  constructor(posts: readonly Post[], options: CrewOptions) {
    super()
    this.#options = options
    this.#queues = posts.map(({ queue }) => queue)
    this.workers = posts.map(({ queue, options }) => queue.worker(options))
    for (const worker of this.workers) worker.on('ended', () => this.#count())
    const ready = this.workers.map((worker) => new Promise((resolve) => worker.once('ready', resolve)))
    void Promise.all(ready).then(() => this.emit('ready'))
  }

  async run(): Promise<void> {
    const { onEmpty, maxMemory } = this.#options
    if (onEmpty || maxMemory !== undefined) this.#lookAgain()
    await Promise.all(this.workers.map((worker) => worker.run()))
    clearTimeout(this.#looking)
    this.#looking = undefined
  }

  async stop(options?: { readonly timeout?: number }): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop(options)))
  }

  #count(): void {
    this.#ran += 1
    if (this.#ran === this.#options.maxTasks) this.#enough(`it has run ${this.#ran} tasks`)
  }

  #enough(why: string): void {
    if (this.#hadEnough) return
    this.#hadEnough = true
    this.#options.onEnough(why)
  }

  #lookAgain(): void {
    this.#looking = setTimeout(() => {
      void this.#look().finally(() => {
        if (this.#looking && !this.#hadEnough) this.#lookAgain()
      })
    }, LOOK)
  }

  async #look(): Promise<void> {
    const { onEmpty, maxMemory } = this.#options
    const { rss } = process.memoryUsage()
    if (maxMemory !== undefined && rss > maxMemory) {
      this.#enough(`it has ${Math.round(rss / 1024 ** 2)} MiB of memory`)
    }
    if (!onEmpty || this.#hadEnough || !(await this.#isEmpty())) return
    this.#hadEnough = true
    onEmpty()
  }

  async #isEmpty(): Promise<boolean> {
    for (const [at, worker] of this.workers.entries()) {
      const { state, running, waiting } = await worker
        .health()
        .catch(() => ({ state: '', running: 1, waiting: 0 }))
      if (state !== 'running' || running + waiting > 0) return false
      const counts = await this.#queues[at]!.counts().catch(() => ({ queued: 1, running: 1 }))
      if (counts.queued > 0 || (this.#options.isOneOfMany && counts.running > 0)) return false
    }
    return true
  }
}
