/** How long to wait before a process that died is started again. */

const LEAST = 250
const MOST = 30_000
/** A process that lived this long died of something new, ms. */
const HEALTHY_AFTER = 60_000

export class Backoff {
  #deaths = 0

  /** Ms, from 250 to 30,000: doubled by each death, and between half and all of that, so that many do not start at once. */
  after(lived: number, random: () => number = Math.random): number {
    if (lived >= HEALTHY_AFTER) this.#deaths = 0
    this.#deaths += 1
    const most = Math.min(MOST, LEAST * 2 ** this.#deaths)
    return Math.round(most * (0.5 + 0.5 * random()))
  }
}
