/**
 * A loop for what is planned: it sleeps until the nearest time. When a nearer one is added the script tells all workers,
 * so nobody has to poll.
 */

import { Loop } from './loop.ts'

/** Should the word of a nearer time be lost with a connection: looked at anyway, ms. */
const AT_LEAST_EVERY = 10_000
/** Not all workers at the very same instant, ms. */
const SPREAD = 2

/** wait: ms until there is something to do again; 0: now, undefined: nothing is planned. */
export const nextLook = (wait = AT_LEAST_EVERY): number =>
  wait === 0 ? 0 : Math.min(wait, AT_LEAST_EVERY) + Math.random() * SPREAD

export class DueLoop {
  readonly #loop: Loop

  /** round: does what is due; answers how many ms until the next look. */
  constructor(round: () => Promise<number>) {
    this.#loop = new Loop({ pause: 1_000, isExact: true, onError: () => {}, round })
  }

  start(): void {
    this.#loop.start()
    this.#loop.kick()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Something nearer was added, due in so many ms; 0: look now. */
  due(wait: number): void {
    this.#loop.hurry(nextLook(wait))
  }
}
