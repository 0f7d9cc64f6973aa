/** From rounds to what people read (a table) and what programs read (JSON with every single figure). */

import type { Must, Row } from './cases.ts'
import { type CaseResult, type RunResult, seriesOf, subjectName } from './run.ts'
import { ratioOf, type Spread, spreadOf } from './statistics.ts'
import type { SystemId } from './systems/system.ts'

/** A line of the table. */
export interface Line {
  readonly case: string
  readonly title: string
  readonly unit: Row['unit']
  readonly better: Row['better']
  readonly must: Must
  readonly figures: Partial<Record<SystemId, Spread>>
  /** Millrace / rival, of the rounds. */
  readonly ratios: { readonly bullmq: Spread | undefined; readonly bee: Spread | undefined }
  /** Undefined: no `must`, or not measured. */
  readonly reached: { readonly [K in keyof Must]: boolean | undefined }
}

export function linesOf({ cases }: RunResult): Line[] {
  return cases.flatMap((result) => result.case.rows.map((row) => lineOf(result, row)))
}

function lineOf(result: CaseResult, row: Row): Line {
  const ours = seriesOf(result, subjectName('millrace', row.strict === true), row.figure)
  const theirs = (system: SystemId) => seriesOf(result, subjectName(system, false), row.figure)
  const spreads: [SystemId, Spread | undefined][] = [
    ['millrace', spreadOf(ours)],
    ...(['bullmq', 'bee-queue', 'floor'] as const).map((system): [SystemId, Spread | undefined] => [
      system,
      spreadOf(theirs(system)),
    ]),
  ]
  const ratios = { bullmq: ratioOf(ours, theirs('bullmq')), bee: ratioOf(ours, theirs('bee-queue')) }
  const must = row.must ?? {}
  const isGood = (value: number | undefined, limit: number | undefined): boolean | undefined => {
    if (value === undefined || limit === undefined) return undefined
    return row.better === 'higher' ? value >= limit : value <= limit
  }
  return {
    ...{ case: result.case.name, title: row.title, unit: row.unit, better: row.better, must, ratios },
    figures: Object.fromEntries(spreads.filter(([, spread]) => spread !== undefined)),
    reached: {
      bullmq: isGood(ratios.bullmq?.median, must.bullmq),
      bee: isGood(ratios.bee?.median, must.bee),
      atMost: isGood(spreads[0]![1]?.median, must.atMost),
    },
  }
}

interface Column {
  readonly head: string
  readonly cell: (line: Line) => string
}

const figures = (head: string, system: SystemId): Column => ({
  head,
  cell: (line) => spread(line.figures[system], figure),
})
const ratios = (head: string, rival: 'bullmq' | 'bee'): Column => ({
  head,
  cell: (line) => spread(line.ratios[rival], ratio),
})
const must = (head: string, name: keyof Must): Column => ({
  head,
  cell: (line) => {
    const isReached = line.reached[name]
    if (isReached === undefined) return ''
    return `${line.better === 'higher' ? '≥' : '≤'} ${line.must[name]} ${isReached ? '✓' : '✗'}`
  },
})

const LABELS: readonly Column[] = [
  { head: 'case', cell: (line) => line.title },
  { head: 'unit', cell: (line) => line.unit },
]
const VALUES: readonly Column[] = [
  figures('Millrace', 'millrace'),
  figures('BullMQ', 'bullmq'),
  figures('bee-queue', 'bee-queue'),
  figures('floor', 'floor'),
  ratios('× BullMQ', 'bullmq'),
  must('must', 'bullmq'),
  ratios('× bee', 'bee'),
  must('must', 'bee'),
  must('Millrace must', 'atMost'),
]

/** Columns that have nothing to say are left out. */
export function tableOf(lines: readonly Line[]): string {
  const values = VALUES.filter(({ cell }) => lines.some((line) => cell(line) !== ''))
  const columns = [...LABELS, ...values].map(({ head, cell }, index) => {
    const cells = [head, ...lines.map(cell)]
    const width = Math.max(...cells.map(({ length }) => length))
    return cells.map((text) => (index < LABELS.length ? text.padEnd(width) : text.padStart(width)))
  })
  const text = columns[0]!.map((_, row) =>
    columns
      .map((cells) => cells[row])
      .join('  ')
      .trimEnd(),
  )
  const rule = '─'.repeat(Math.max(...text.map(({ length }) => length)))
  return [text[0], rule, ...text.slice(1)].join('\n')
}

const spread = (value: Spread | undefined, show: (value: number) => string): string =>
  value ? `${show(value.median)} (${show(value.min)}–${show(value.max)})` : ''

const ratio = (value: number): string => value.toFixed(value < 10 ? 2 : 1)

/** Three digits are more than the machine is good for. */
export function figure(value: number): string {
  if (value >= 100_000) return `${Math.round(value / 1_000)}k`
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)}k`
  return value.toFixed(value < 100 ? 1 : 0)
}
