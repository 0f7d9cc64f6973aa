/**
 * Runs the cases, rounds interleaved: A B C D, A B C D, …, so that a machine that drifts is as fast or slow for each.
 * The first rounds warm up and count for nothing. A measurement that fails is told and left out; after two in a row
 * the system sits out the rest of the case, and at once where it has no such thing.
 */

import type { Case } from './cases/case.ts'
import type { Crew } from './crew.ts'
import type { Bench, Figures, Subject } from './measure/bench.ts'
import type { Server } from './server.ts'
import type { Series } from './statistics.ts'
import { loadSystem } from './systems/index.ts'
import { type Setting, type SystemId, Unavailable } from './systems/system.ts'

const WARM_UP_ROUNDS = 1
const MAX_FAILURES = 2

export interface RunOptions {
  readonly cases: readonly Case[]
  readonly systems: readonly SystemId[]
  /** Rivals at their best settings are subjects too. */
  readonly best: boolean
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

type Rounds = readonly (Figures | undefined)[]

export interface CaseResult {
  readonly case: Case
  readonly tasks: number
  readonly seconds: number
  /** By subject, a list of rounds. */
  readonly rounds: ReadonlyMap<string, Rounds>
  readonly failures: readonly string[]
  /** By subject, why it has no such thing. */
  readonly unavailable: ReadonlyMap<string, string>
}

export interface RunResult {
  readonly cases: readonly CaseResult[]
  /** Cases that the time did not suffice for. */
  readonly skipped: readonly string[]
  readonly notes: readonly string[]
}

/** The default setting goes without saying. */
export const subjectName = (system: SystemId, setting: Setting): string =>
  setting === 'default' ? system : `${system} (${setting})`

export async function run(tools: { crew: Crew; server: Server }, options: RunOptions): Promise<RunResult> {
  const deadline = performance.now() + options.timeLimit
  const cases: CaseResult[] = []
  const skipped: string[] = []
  const notes = new Set<string>()
  const bench = { ...tools, note: (text: string): void => void notes.add(text) }
  for (const one of [...options.cases].sort((a, b) => rank(a) - rank(b))) {
    if (performance.now() > deadline) skipped.push(one.name)
    else cases.push(await runCase(bench, one, options))
  }
  const place = (result: CaseResult): number => options.cases.indexOf(result.case)
  cases.sort((a, b) => place(a) - place(b))
  return { cases, skipped, notes: [...notes] }
}

/** Where time is short: first what has to be reached, then what takes one round. */
function rank({ rows, cold }: Case): number {
  if (rows.some(({ must }) => must !== undefined)) return 0
  return cold ? 1 : 2
}

async function runCase(bench: Bench, one: Case, options: RunOptions): Promise<CaseResult> {
  const { size, signal, onProgress } = options
  const startedAt = performance.now()
  const tasks = one.tasks[size]
  const rounds = Math.min(options.rounds, one.rounds?.[size] ?? options.rounds)
  const subjects = await subjectsOf(one, options)
  const figures = new Map(subjects.map(({ name }) => [name, new Array<Figures | undefined>(rounds)]))
  const failures: string[] = []
  const failedInARow = new Map<string, number>()
  const unavailable = new Map<string, string>()
  for (let round = one.cold ? 1 : 1 - WARM_UP_ROUNDS; round <= rounds; round++) {
    for (const { name, subject } of subjects) {
      signal.throwIfAborted()
      const failed = failedInARow.get(name) ?? 0
      if (failed >= MAX_FAILURES || unavailable.has(name)) continue
      onProgress({ case: one, subject: name, round: Math.max(0, round), rounds, figures: undefined })
      try {
        const isWarmUp = round < 1
        const count = isWarmUp ? Math.min(one.tasks.warmUp ?? tasks, tasks) : tasks
        const measured = await one.measure(bench, subject, count)
        failedInARow.set(name, 0)
        if (!isWarmUp) figures.get(name)![round - 1] = measured
        onProgress({ case: one, subject: name, round: Math.max(0, round), rounds, figures: measured })
      } catch (error) {
        signal.throwIfAborted()
        bench.crew.dismiss(subject.system)
        if (error instanceof Unavailable) {
          unavailable.set(name, error.message)
          continue
        }
        failedInARow.set(name, failed + 1)
        failures.push(`${one.name}, ${name}, round ${round}: ${(error as Error).message}`)
      }
    }
  }
  const seconds = (performance.now() - startedAt) / 1_000
  return { case: one, tasks, seconds, rounds: figures, failures, unavailable }
}

async function subjectsOf(
  one: Case,
  { systems, best }: RunOptions,
): Promise<{ name: string; subject: Subject }[]> {
  const hasStrict = one.rows.some((row) => row.strict)
  const subjects: Subject[] = []
  for (const system of systems.filter((system) => one.without?.[system] === undefined)) {
    subjects.push({ system, setting: 'default' })
    if (system === 'millrace' && hasStrict) subjects.push({ system, setting: 'strict' })
    const hasBest = (await loadSystem(system)).best !== undefined
    if (best && hasBest && !one.defaultOnly) subjects.push({ system, setting: 'best' })
  }
  return subjects.map((subject) => ({ name: subjectName(subject.system, subject.setting), subject }))
}

/** One figure of one subject, by round; empty where it was not measured. */
export function seriesOf(result: CaseResult, subject: string, figure: string): Series {
  return Array.from(result.rounds.get(subject) ?? [], (figures) => figures?.[figure])
}
