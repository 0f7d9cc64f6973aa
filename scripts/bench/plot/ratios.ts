/** How many times better than each rival, case by case: bars on a logarithmic axis around 1. */

import type { Line } from '../lines.ts'
import type { Spread } from '../statistics.ts'
import { document, line, type Picture, rect, TOP, text, WIDTH, whisker } from './svg.ts'
import { NAMES, type Theme } from './theme.ts'

export interface Ratios extends Omit<Picture, 'description'> {
  readonly groups: readonly { readonly label: string; readonly line: Line }[]
}

const RIVALS = [
  { system: 'bullmq', ratio: 'bullmq' },
  { system: 'bee-queue', ratio: 'bee' },
] as const

const LEFT = 236
const RIGHT = 130
const BAR = 13
const GAP = 3
const BETWEEN = 13
const TICKS = [0.25, 0.5, 1, 2, 3, 5, 10, 20, 50]

export function drawRatios(ratios: Ratios, theme: Theme): string {
  const { groups } = ratios
  const values = groups.flatMap(({ line }) => timesOf(line).flatMap(({ times: { min, max } }) => [min, max]))
  const [least, most] = [Math.min(0.5, ...values), Math.max(2, ...values)]
  const x = (value: number): number =>
    LEFT + (Math.log(value / least) / Math.log(most / least)) * (WIDTH - LEFT - RIGHT)
  const body: string[] = []
  let y = TOP
  for (const { label, line: row } of groups) {
    const all = timesOf(row)
    const middle = y + (all.length * (BAR + GAP)) / 2
    body.push(text(LEFT - 12, middle + 3, label, { fill: theme.text, anchor: 'end' }))
    for (const { system, times } of all) {
      const [from, to] = [Math.min(x(1), x(times.median)), Math.max(x(1), x(times.median))]
      const at = y + BAR / 2
      body.push(
        rect(from, y, Math.max(to - from, 1), BAR, { fill: theme.systems[system], rx: 2 }),
        ...whisker(x(times.min), x(times.max), at, theme),
        text(Math.max(x(times.max), x(1)) + 6, y + BAR - 3, `${shown(times.median)} × ${NAMES[system]}`, {
          ...{ size: 11, fill: theme.text },
        }),
      )
      y += BAR + GAP
    }
    y += BETWEEN
  }
  const height = y - BETWEEN + 6 - TOP
  const grid = TICKS.filter((tick) => tick >= least && tick <= most).flatMap((tick) => [
    line(x(tick), TOP - 6, x(tick), TOP + height, {
      ...{ stroke: tick === 1 ? theme.text : theme.grid, 'stroke-width': tick === 1 ? 1.5 : 1 },
    }),
    text(x(tick), TOP + height + 14, `${tick} ×`, { size: 10.5, fill: theme.muted, anchor: 'middle' }),
  ])
  const description = groups
    .map(({ label, line }) => {
      const all = timesOf(line).map(({ system, times }) => `${shown(times.median)} times ${NAMES[system]}`)
      return `${label}: ${all.join(', ')}.`
    })
    .join(' ')
  return document({ ...ratios, description }, theme, height + 22, [...grid, ...body])
}

/** Turned around where lower is better. */
function timesOf({ ratios, better }: Line) {
  return RIVALS.flatMap(({ system, ratio }) => {
    const spread = ratios[ratio]
    return spread ? [{ system, times: better === 'higher' ? spread : inverse(spread) }] : []
  })
}

const inverse = ({ median, min, max }: Spread): Spread => ({ median: 1 / median, min: 1 / max, max: 1 / min })
const shown = (value: number): string => value.toFixed(value < 10 ? 1 : 0)
