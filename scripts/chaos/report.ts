/** Runs a row with each of its seeds, and says what came of it. */

import type { Row, Size } from '../../spec/chaos/row.ts'

export interface Failure {
  readonly seed: number
  readonly problems: readonly string[]
}

/** A row of the table. */
export interface Line {
  readonly id: string
  readonly fault: string
  readonly pass: string
  readonly runs: number
  readonly failures: readonly Failure[]
  /** Summed over the runs. */
  readonly figures: Readonly<Record<string, number>>
  /** The highest of the runs. */
  readonly peaks: Readonly<Record<string, number>>
  /** Ms, sorted. */
  readonly recoveries: readonly number[]
  readonly seconds: number
}

export async function runRow(
  row: Row,
  options: { readonly seeds: readonly number[]; readonly size: Size; readonly deadline: number },
  say: (text: string) => void,
): Promise<Line> {
  const { seeds, size, deadline } = options
  const began = performance.now()
  const failures: Failure[] = []
  const figures: Record<string, number> = {}
  const peaks: Record<string, number> = {}
  const recoveries: number[] = []
  let runs = 0
  say(`${row.id} ${row.fault}\n`)
  for (const seed of seeds) {
    if (performance.now() > deadline) break
    runs += 1
    const started = performance.now()
    try {
      const result = await row.run({ size, seed, rig: {} })
      if (result.problems.length > 0) failures.push({ seed, problems: result.problems })
      for (const [name, value] of Object.entries(result.figures)) figures[name] = (figures[name] ?? 0) + value
      for (const [name, value] of Object.entries(result.peaks ?? {}))
        peaks[name] = Math.max(peaks[name] ?? value, value)
      recoveries.push(...(result.recoveries ?? []))
    } catch (error) {
      failures.push({ seed, problems: [(error as Error).message] })
    }
    const seconds = ((performance.now() - started) / 1_000).toFixed(1)
    const failure = failures.find((one) => one.seed === seed)
    say(`  seed ${seed}: ${failure ? `FAILED: ${failure.problems.join('; ')}` : 'passed'} (${seconds} s)\n`)
  }
  recoveries.sort((a, b) => a - b)
  const { id, fault, pass } = row
  return {
    id,
    fault,
    pass,
    runs,
    failures,
    figures,
    peaks,
    recoveries,
    seconds: (performance.now() - began) / 1_000,
  }
}

const COLUMNS: readonly { readonly head: string; readonly cell: (line: Line) => string }[] = [
  { head: '#', cell: ({ id }) => id },
  { head: 'fault', cell: ({ fault }) => fault },
  { head: 'passed', cell: ({ runs, failures }) => `${runs - failures.length} of ${runs}` },
  {
    head: 'figures',
    cell: ({ figures, peaks }) =>
      Object.entries({ ...figures, ...peaks })
        .map(figure)
        .join(', '),
  },
  { head: 'recovery p50 / p99 / max, s', cell: ({ recoveries }) => spread(recoveries) },
]

const figure = ([name, value]: [string, number]): string =>
  `${name} ${Math.round(value).toLocaleString('en')}`

function spread(sorted: readonly number[]): string {
  if (sorted.length === 0) return ''
  const at = (p: number): string => ((sorted[Math.ceil(p * sorted.length) - 1] ?? 0) / 1_000).toFixed(2)
  return `${at(0.5)} / ${at(0.99)} / ${at(1)}`
}

export function tableOf(lines: readonly Line[]): string {
  const rows = lines.map((line) => {
    const [id, fault, passed, figures, recovery] = COLUMNS.map(({ cell }) => cell(line))
    const more = [figures, recovery && `recovery p50 / p99 / max: ${recovery} s`].filter(Boolean).join(' · ')
    const failures = line.failures.map(
      ({ seed, problems }) => `\n       seed ${seed}: ${problems.join('; ')}`,
    )
    return `${id!.padEnd(4)} ${passed!.padStart(8)}  ${fault}\n       ${more}${failures.join('')}`
  })
  const passed = lines.filter(({ failures }) => failures.length === 0).length
  return `${rows.join('\n')}\n${passed} of ${lines.length} rows passed`
}

export function markdownOf(lines: readonly Line[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const heads = COLUMNS.map(({ head }) => head)
  return `${[
    row(heads),
    row(heads.map(() => '---')),
    ...lines.map((line) => row(COLUMNS.map(({ cell }) => cell(line)))),
  ].join('\n')}\n`
}
