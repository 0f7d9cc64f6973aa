/** Worker processes under a supervisor: one that ends, however it does, is followed by another. */

import type { WorkerOptions } from '../../lib/index.ts'
import type { Child } from '../support/processes.ts'
import type { Rig } from './rig.ts'

export class Crew implements AsyncDisposable {
  readonly #rig: Rig
  readonly #options: WorkerOptions
  readonly #hiring = new Set<Promise<void>>()
  #isOver = false
  /** How processes ended: signals and exit codes. */
  readonly deaths: (number | string)[] = []

  private constructor(rig: Rig, options: WorkerOptions) {
    this.#rig = rig
    this.#options = options
  }

  /** Resolves when all are registered. */
  static async hire(rig: Rig, size: number, options: WorkerOptions): Promise<Crew> {
    const crew = new Crew(rig, options)
    await Promise.all(Array.from({ length: size }, () => crew.#hire()))
    return crew
  }

  /** From now on nobody is replaced. Resolves when those who are on their way have come. */
  async over(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#hiring)
  }

  /** Also where the row has failed: else it would hire for ever. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.over()
  }

  #hire(): Promise<void> {
    const hired = this.#rig.worker(this.#options).then(
      (child) => this.#follow(child),
      // It died so soon that nobody heard of it.
      () => (this.#isOver ? undefined : this.#hire()),
    )
    this.#hiring.add(hired)
    return hired.finally(() => this.#hiring.delete(hired))
  }

  #follow(child: Child): void {
    void child.ended.then((end) => {
      if (this.#isOver) return
      this.deaths.push(end)
      void this.#hire()
    })
  }
}
