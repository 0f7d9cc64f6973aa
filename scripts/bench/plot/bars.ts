/** Groups of bars from left to right: one group for each row of the table, one bar for each system, with its spread. */

import type { Line } from '../lines.ts'
import type { Spread } from '../statistics.ts'
import type { SystemId } from '../systems/system.ts'
import { scaleFor, short } from './scale.ts'
import { document, line, type Picture, rect, TOP, text, WIDTH, whisker } from './svg.ts'
import { NAMES, ORDER, type Theme } from './theme.ts'

export interface Bars extends Omit<Picture, 'description'> {
  readonly groups: readonly { readonly label: string; readonly line: Line }[]
  /** After each value, such as ' µs'. */
  readonly unit: string
}

const LEFT = 236
/** For the value and the name after the longest bar. */
const RIGHT = 190
const BAR = 14
const GAP = 3
const BETWEEN = 18
const AXIS = 22

export function drawBars(bars: Bars, theme: Theme): string {
  const { groups, unit } = bars
  const most = Math.max(...groups.flatMap(({ line }) => spreadsOf(line).map(([, { max }]) => max)))
  const { max, ticks } = scaleFor(most)
  const x = (value: number): number => LEFT + (value / max) * (WIDTH - LEFT - RIGHT)
  const body: string[] = []
  let y = TOP
  for (const { label, line: row } of groups) {
    const spreads = spreadsOf(row)
    body.push(text(LEFT - 12, y + BAR - 2, label, { fill: theme.text, anchor: 'end', weight: 600 }))
    const ratios = ratiosOf(row)
    if (ratios !== '') {
      body.push(text(LEFT - 12, y + 2 * BAR, ratios, { size: 10.5, fill: theme.muted, anchor: 'end' }))
    }
    for (const [system, spread] of spreads) {
      body.push(...bar(system, spread, y, x, unit, theme))
      y += BAR + GAP
    }
    y += BETWEEN
  }
  const height = y - BETWEEN + 6 - TOP
  const grid = ticks.flatMap((tick) => [
    line(x(tick), TOP - 6, x(tick), TOP + height, { stroke: theme.grid, 'stroke-width': 1 }),
    text(x(tick), TOP + height + 14, short(tick), { size: 10.5, fill: theme.muted, anchor: 'middle' }),
  ])
  const description = groups.map(({ label, line }) => inWords(label, line, unit)).join(' ')
  return document({ ...bars, description }, theme, height + AXIS, [...grid, ...body])
}

function bar(
  system: SystemId,
  { median, min, max }: Spread,
  y: number,
  x: (value: number) => number,
  unit: string,
  theme: Theme,
): string[] {
  const colour = theme.systems[system]
  const isFloor = system === 'floor'
  const length = Math.max(x(median) - x(0), 1)
  const shape = isFloor
    ? rect(x(0) + 0.5, y + 0.5, length, BAR - 1, { fill: 'none', stroke: colour, 'stroke-dasharray': '3 2' })
    : rect(x(0), y, length, BAR, { fill: colour, rx: 2 })
  const end = Math.max(x(max), x(0) + length) + 6
  const value = `${short(median)}${unit}`
  return [
    shape,
    ...whisker(x(min), x(max), y + BAR / 2, theme),
    text(end, y + BAR - 3, `${value}  ${NAMES[system]}`, {
      ...{ size: 11, fill: system === 'millrace' ? theme.text : theme.muted },
      ...(system === 'millrace' && { weight: 600 }),
    }),
  ]
}

const spreadsOf = (line: Line): [SystemId, Spread][] =>
  ORDER.flatMap((system): [SystemId, Spread][] => {
    const spread = line.figures[system]
    return spread ? [[system, spread]] : []
  })

/** Millrace / rival, as in the table. */
function ratiosOf({ ratios }: Line): string {
  const times = (spread: Spread | undefined, rival: string): string[] =>
    spread ? [`${Number(spread.median.toPrecision(2))} × ${rival}`] : []
  return [...times(ratios.bullmq, 'BullMQ'), ...times(ratios.bee, 'bee-queue')].join(', ')
}

const inWords = (label: string, line: Line, unit: string): string =>
  `${label}: ${spreadsOf(line)
    .map(([system, { median }]) => `${NAMES[system]} ${short(median)}${unit}`)
    .join(', ')}.`
