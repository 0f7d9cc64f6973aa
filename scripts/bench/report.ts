/** What people read (tables, and what they have to know about them) and what programs read (JSON with everything). */

import type { Suite } from './cases/index.ts'
import { type Line, linesOf } from './lines.ts'
import type { Machine } from './machine.ts'
import type { Options } from './options.ts'
import type { RunResult } from './run.ts'
import { loadSystem } from './systems/index.ts'
import { tableOf } from './table.ts'

export interface Report {
  readonly machine: Machine
  readonly startedAt: string
  readonly seconds: number
  readonly suite: Suite
  readonly size: 'full' | 'quick'
  readonly rounds: number
  readonly persistence: string
  readonly systems: readonly {
    readonly id: string
    readonly title: string
    readonly [more: string]: unknown
  }[]
  readonly lines: readonly Line[]
  /** The same against the rivals' best settings, where those were measured. */
  readonly bestLines: readonly Line[]
  readonly cases: readonly object[]
  readonly skipped: readonly string[]
  readonly notes: readonly string[]
}

export interface About {
  readonly machine: Machine
  readonly startedAt: Date
  readonly seconds: number
}

export async function reportOf(
  options: Options,
  result: RunResult,
  { machine, startedAt, seconds }: About,
): Promise<Report> {
  const { suite, size, rounds, persistence, best } = options
  return {
    ...{ machine, startedAt: startedAt.toISOString(), seconds, suite, size, rounds, persistence },
    systems: await Promise.all(
      options.systems.map(async (id) => {
        const { title, semantics, best } = await loadSystem(id)
        return { id, title, semantics, best }
      }),
    ),
    lines: linesOf(result),
    bestLines: best ? linesOf(result, 'best') : [],
    cases: result.cases.map(({ case: one, tasks, seconds, rounds, failures, unavailable }) => ({
      ...{ name: one.name, tasks, seconds, failures, without: one.without },
      unavailable: Object.fromEntries(unavailable),
      rounds: Object.fromEntries([...rounds].map(([subject, list]) => [subject, [...list]])),
    })),
    skipped: result.skipped,
    notes: result.notes,
  }
}

export function textOf(options: Options, result: RunResult, report: Report): string {
  const { machine, size, rounds, seconds, persistence, lines, bestLines } = report
  const text = [
    '',
    tableOf(lines),
    '',
    `Medians (min–max) of ${rounds} interleaved rounds${fewer(report)}, ${size} counts; ratios are medians of each round's Millrace / rival.`,
    `/s: higher is better (commands: lower); µs, ms, B, MB: lower is better. Redis ${persistence === 'none' ? 'without persistence' : 'with appendonly, appendfsync everysec'}.`,
    `${machine.cpus}; Node ${machine.node}, Redis ${machine.redis}, bullmq ${machine.packages.bullmq}, bee-queue ${machine.packages['bee-queue']}; ${seconds} s.`,
    'Rivals at their default settings. Millrace prefetches where a row says so; the rivals always work strictly.',
    ...report.systems.map(({ title, semantics }) => `  ${title}: ${semantics}.`),
  ]
  if (options.best) {
    text.push('', "Against the rivals' best documented settings:", '', tableOf(bestLines, ' (best)'), '')
    for (const { title, best } of report.systems) if (best !== undefined) text.push(`  ${title}: ${best}.`)
  }
  const without = withoutOf(result)
  if (without.length > 0) text.push('', 'Left out:', ...without.map((line) => `  ${line}`))
  text.push(...report.notes)
  for (const { failures } of result.cases)
    text.push(...failures.map((failure) => `FAILED ${failure.split('\n')[0]}`))
  if (result.skipped.length > 0) text.push(`out of time, not measured: ${result.skipped.join(', ')}`)
  return text.join('\n')
}

/** Cases that had fewer rounds than the others. */
function fewer({ lines, rounds }: Report): string {
  const short = new Map(
    lines.filter((line) => line.rounds > 0 && line.rounds < rounds).map((line) => [line.case, line.rounds]),
  )
  return short.size === 0 ? '' : ` (${[...short].map(([name, count]) => `${name} ${count}`).join(', ')})`
}

/** Each reason once, with the cases that it is for. */
function withoutOf({ cases }: RunResult): string[] {
  const reasons = new Map<string, string[]>()
  for (const { case: one } of cases) {
    for (const [system, reason] of Object.entries(one.without ?? {})) {
      const key = `${system} ${reason}`
      reasons.set(key, [...(reasons.get(key) ?? []), one.name])
    }
  }
  return [...reasons].map(([reason, names]) => `${names.join(', ')}: ${reason}.`)
}
