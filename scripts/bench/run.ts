/**
 * Runs the cases, rounds interleaved: A B C D, A B C D, …, so that a machine that drifts is as fast or slow for each.
 * The first rounds warm up and count for nothing. A measurement that fails is told and left out; after two in a row
 * the system sits out the rest of the case.
 */

import type { Case } from './cases.ts'
import type { Bench, Figures, Subject } from './measure.ts'
import type { Series } from './statistics.ts'
import type { SystemId } from './systems/system.ts'

const WARM_UP_ROUNDS = 1
const MAX_FAILURES = 2

export interface RunOptions {
  readonly cases: readonly Case[]
  readonly systems: readonly SystemId[]
  readonly rounds: number
  readonly size: 'full' | 'quick'
  /** No case begins later than that, ms from the start. */
  readonly timeLimit: number
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

export interface Progress {
  readonly case: Case
  readonly subject: string
  /** 0 for warm-up. */
  readonly round: number
  readonly rounds: number
  readonly figures: Figures | undefined
}

export interface CaseResult {
  readonly case: Case
  readonly tasks: number
  readonly seconds: number
  /** By subject, a list of rounds. */
  readonly rounds: ReadonlyMap<string, readonly (Figures | undefined)[]>
  readonly failures: readonly string[]
}

export interface RunResult {
  readonly cases: readonly CaseResult[]
  /** Cases that the time did not suffice for. */
  readonly skipped: readonly string[]
}

/** The strict setting is a subject of its own. */
export const subjectName = (system: SystemId, strict: boolean): string =>
  strict ? `${system} (strict)` : system

export async function run(bench: Bench, options: RunOptions): Promise<RunResult> {
  const deadline = performance.now() + options.timeLimit
  const cases: CaseResult[] = []
  const skipped: string[] = []
  for (const one of options.cases) {
    if (performance.now() > deadline) skipped.push(one.name)
    else cases.push(await runCase(bench, one, options))
  }
  return { cases, skipped }
}

async function runCase(bench: Bench, one: Case, options: RunOptions): Promise<CaseResult> {
  const { rounds, size, signal, onProgress } = options
  const startedAt = performance.now()
  const tasks = one.tasks[size]
  const subjects = subjectsOf(one, options.systems)
  const figures = new Map(
    subjects.map(({ name }) => [name, new Array<Figures | undefined>(rounds).fill(undefined)]),
  )
  const failures: string[] = []
  const failedInARow = new Map<string, number>()
  for (let round = 1 - WARM_UP_ROUNDS; round <= rounds; round++) {
    for (const { name, subject } of subjects) {
      signal.throwIfAborted()
      const failed = failedInARow.get(name) ?? 0
      if (failed >= MAX_FAILURES) continue
      onProgress({ case: one, subject: name, round: Math.max(0, round), rounds, figures: undefined })
      try {
        const measured = await one.measure(bench, subject, tasks)
        failedInARow.set(name, 0)
        if (round >= 1) figures.get(name)![round - 1] = measured
        onProgress({ case: one, subject: name, round: Math.max(0, round), rounds, figures: measured })
      } catch (error) {
        signal.throwIfAborted()
        failedInARow.set(name, failed + 1)
        failures.push(`${one.name}, ${name}, round ${round}: ${(error as Error).message}`)
        bench.crew.dismiss(subject.system)
      }
    }
  }
  const seconds = (performance.now() - startedAt) / 1_000
  return { case: one, tasks, seconds, rounds: figures, failures }
}

function subjectsOf(one: Case, systems: readonly SystemId[]): { name: string; subject: Subject }[] {
  const measured = systems.filter((system) => !one.without?.includes(system))
  const hasStrict = one.rows.some((row) => row.strict)
  return measured.flatMap((system) => {
    const settings = system === 'millrace' && hasStrict ? [false, true] : [false]
    return settings.map((strict) => ({ name: subjectName(system, strict), subject: { system, strict } }))
  })
}

/** One figure of one subject, by round; empty where it was not measured. */
export function seriesOf(result: CaseResult, subject: string, figure: string): Series {
  return (result.rounds.get(subject) ?? []).map((figures) => figures?.[figure])
}
