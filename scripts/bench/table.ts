/** Lines as a table for a terminal. */

import type { Must } from './cases/case.ts'
import type { Line } from './lines.ts'
import type { Spread } from './statistics.ts'
import type { SystemId } from './systems/system.ts'

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

const valuesOf = (rivals: string): readonly Column[] => [
  { head: 'Millrace', cell: (line) => line.missing ?? spread(line.figures.millrace, figure) },
  figures(`BullMQ${rivals}`, 'bullmq'),
  figures(`bee-queue${rivals}`, 'bee-queue'),
  figures('floor', 'floor'),
  ratios('× BullMQ', 'bullmq'),
  must('must', 'bullmq'),
  ratios('× bee', 'bee'),
  must('must', 'bee'),
  must('Millrace must', 'atMost'),
]

/** Columns that have nothing to say are left out. `rivals` is said after their names. */
export function tableOf(lines: readonly Line[], rivals = ''): string {
  const values = valuesOf(rivals).filter(({ cell }) => lines.some((line) => cell(line) !== ''))
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

/** One round alone has no spread. */
function spread(value: Spread | undefined, show: (value: number) => string): string {
  if (!value) return ''
  const { median, min, max } = value
  return min === max ? show(median) : `${show(median)} (${show(min)}–${show(max)})`
}

function ratio(value: number): string {
  if (value < 0.1) return value.toFixed(3)
  return value.toFixed(value < 10 ? 2 : 1)
}

/** Three digits are more than the machine is good for. */
export function figure(value: number): string {
  if (value >= 1_000_000) return `${(value / 1_000_000).toFixed(1)}M`
  if (value >= 100_000) return `${Math.round(value / 1_000)}k`
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)}k`
  if (value >= 100) return value.toFixed(0)
  return value.toFixed(value < 10 ? 2 : 1)
}
