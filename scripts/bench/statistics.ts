/** Medians with their spread, and percentiles. The machine drifts, so two systems are compared within a round, never across rounds. */

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** A round in which the measurement failed is left out. */
export type Series = readonly (number | undefined)[]

export function spreadOf(series: Series): Spread | undefined {
  const sorted = series.filter((value) => value !== undefined).sort((a, b) => a - b)
  if (sorted.length === 0) return undefined
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}

/** One ratio for each round in which both were measured. */
export function ratioOf(ours: Series, theirs: Series): Spread | undefined {
  return spreadOf(
    ours.map((value, round) => {
      const other = theirs[round]
      // Of nothing there is no multiple.
      return value === undefined || !other ? undefined : value / other
    }),
  )
}

/** Of at least one value, in ascending order: the smallest that this share of them does not exceed. */
export const percentileOf = (sorted: ArrayLike<number>, share: number): number =>
  sorted[Math.ceil(share * sorted.length) - 1]!
