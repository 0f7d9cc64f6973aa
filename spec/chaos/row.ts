/** One row of the suite: a fault, what has to hold under it, and the figures that it gives. */

import type { Verdict } from './oracle.ts'
import type { RigOptions } from './rig.ts'

/** `short`: a few seconds, for every day. `full`: what the reliability report is made of. */
export type Size = 'short' | 'full'

export interface Run {
  readonly size: Size
  /** The same seed makes the same choices; what the machine does with them is its own affair. */
  readonly seed: number
  /** For Rig.start besides the seed: a guard that is taken out, say. */
  readonly rig: Omit<RigOptions, 'seed'>
}

export interface Result {
  /** What should not have been; empty: passed. */
  readonly problems: readonly string[]
  /** Counts and times by name, summed over runs. */
  readonly figures: Readonly<Record<string, number>>
  /** Those of which not the sum counts but the highest of all runs. */
  readonly peaks?: Readonly<Record<string, number>>
  /** Ms from each fault until work went on, or until what it hit had ended. */
  readonly recoveries?: readonly number[]
}

export interface Row {
  /** As in docs/reliability.md: T1, T2, … */
  readonly id: string
  readonly fault: string
  /** What has to hold, in words. */
  readonly pass: string
  /** Runs of the full suite, each with a seed of its own; default 3. */
  readonly runs?: number
  readonly run: (run: Run) => Promise<Result>
}

/** What every verdict gives, for rows to add to. */
export function figuresOf({ lost, outcomes, runs, calls, mixed }: Verdict): Record<string, number> {
  const ended = Object.values(outcomes).reduce((sum, n) => sum + n, 0)
  const extra = runs.reduce((sum, tasks, times) => sum + tasks * Math.max(0, times - 1), 0)
  const more = Object.entries(mixed).filter(([, count]) => count > 0)
  return {
    ...{ tasks: calls.ok + calls.unknown, lost: lost.length, outcomes: ended, 'extra runs': extra },
    ...Object.fromEntries(more),
  }
}
