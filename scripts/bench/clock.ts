/** One clock for all processes of this machine: `performance.now()` begins anew in each of them. */

const OFFSET = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** ms; only differences mean anything. */
export const now = (): number => performance.now() + OFFSET

/** How long it takes to find the clock of the dates: a few of its ticks. */
const LOOK_MS = 3

/**
 * `Date.now()` with fractions, by the clock as it is now. `Date.now()` is never ahead and once in a ms exact, so the
 * largest difference seen is the true one.
 */
export function epochClock(): () => number {
  let offset = Number.NEGATIVE_INFINITY
  for (const until = performance.now() + LOOK_MS; performance.now() < until; ) {
    const date = Date.now()
    offset = Math.max(offset, date - performance.now())
  }
  return () => performance.now() + offset
}
