/** Small graphs, two in a row: the same work with nothing there, with more and more that waits, and with much that is kept. */

import type { Line } from '../lines.ts'
import type { Spread } from '../statistics.ts'
import { scaleFor, short } from './scale.ts'
import { circle, document, line, type Picture, polyline, rect, TOP, text, WIDTH } from './svg.ts'
import { NAMES, type Theme } from './theme.ts'

export interface Growth extends Omit<Picture, 'description'> {
  readonly panels: readonly Panel[]
  /** Under the positions, in two lines. */
  readonly axis: readonly (readonly [string, string])[]
}

export interface Panel {
  readonly title: string
  readonly unit: string
  /** By position on the axis. The last stands apart: it is not more of the same. */
  readonly lines: readonly (Line | undefined)[]
}

const SYSTEMS = ['millrace', 'bullmq', 'bee-queue'] as const
/** From name to name. */
const LABEL = 14
const PANEL = { width: WIDTH / 2, height: 214, left: 60, right: 92, top: 40, bottom: 44 }

export function drawGrowth(growth: Growth, theme: Theme): string {
  const { panels } = growth
  const body = panels.flatMap((panel, index) => {
    const left = (index % 2) * PANEL.width
    const top = TOP + Math.floor(index / 2) * PANEL.height
    return drawPanel(panel, growth.axis, left, top, theme)
  })
  const description = panels
    .map(({ title, unit, lines }) => {
      const all = SYSTEMS.flatMap((system) => {
        const values = lines.map((one) => one?.figures[system]).filter((one) => one !== undefined)
        if (values.length === 0) return []
        return [`${NAMES[system]} ${values.map(({ median }) => short(median)).join(', ')}`]
      })
      return `${title}, ${unit}: ${all.join('; ')}.`
    })
    .join(' ')
  const places = growth.axis.map((label) => label.join(' ')).join(', ')
  const said = `At ${places}. ${description}`
  return document({ ...growth, description: said }, theme, Math.ceil(panels.length / 2) * PANEL.height, body)
}

function drawPanel(
  { title, unit, lines }: Panel,
  axis: Growth['axis'],
  left: number,
  top: number,
  theme: Theme,
): string[] {
  const spreads = SYSTEMS.map((system) => lines.map((one) => one?.figures[system]))
  const most = Math.max(1e-9, ...spreads.flat().map((spread) => spread?.max ?? 0))
  const { max, ticks } = scaleFor(most, 4)
  const [from, to] = [left + PANEL.left, left + PANEL.width - PANEL.right]
  const bottom = top + PANEL.height - PANEL.bottom
  const x = (position: number): number => from + 16 + (position / (axis.length - 1)) * (to - from - 16)
  const y = (value: number): number => bottom - (value / max) * (bottom - top - PANEL.top)
  const muted = { size: 10.5, fill: theme.muted }
  return [
    text(left + 16, top + 12, title, { size: 13, fill: theme.text, weight: 600 }),
    text(left + 16, top + 27, unit, muted),
    ...ticks.flatMap((tick) => [
      line(from, y(tick), to + 8, y(tick), { stroke: theme.grid, 'stroke-width': 1 }),
      text(from - 6, y(tick) + 4, short(tick), { ...muted, anchor: 'end' }),
    ]),
    ...axis.flatMap((label, position) =>
      label.map((part, row) =>
        text(x(position), bottom + 16 + 12 * row, part, { ...muted, anchor: 'middle' }),
      ),
    ),
    ...SYSTEMS.flatMap((system, index) => curve(spreads[index]!, index, theme.systems[system], x, y)),
    ...names(spreads, y, x(axis.length - 1) + 12, theme),
  ]
}

/** By system: not by colour alone. */
const MARKS: readonly ((x: number, y: number, fill: string) => string)[] = [
  (x, y, fill) => circle(x, y, 4.5, { fill }),
  (x, y, fill) => rect(x - 4, y - 4, 8, 8, { fill }),
  (x, y, fill) =>
    polyline(
      [
        [x - 5, y + 4],
        [x + 5, y + 4],
        [x, y - 5],
      ],
      { fill },
    ),
]

/** What waits is joined by a line; what is kept stands alone. */
function curve(
  spreads: readonly (Spread | undefined)[],
  index: number,
  colour: string,
  x: (position: number) => number,
  y: (value: number) => number,
): string[] {
  const points = spreads.flatMap((spread, position) => (spread ? [{ position, spread }] : []))
  const joined = points
    .filter(({ position }) => position < spreads.length - 1)
    .map(({ position, spread }): [number, number] => [x(position), y(spread.median)])
  return [
    polyline(joined, { stroke: colour, 'stroke-width': 2 }),
    ...points.flatMap(({ position, spread }) => {
      const [cx, cy] = [x(position), y(spread.median)]
      return [
        line(cx, y(spread.min), cx, y(spread.max), { stroke: colour, 'stroke-width': 1 }),
        MARKS[index]!(cx, cy, colour),
      ]
    }),
  ]
}

/** At the right end, each beside its last point, apart from each other. */
function names(
  spreads: readonly (readonly (Spread | undefined)[])[],
  y: (value: number) => number,
  at: number,
  theme: Theme,
): string[] {
  const ends = SYSTEMS.flatMap((system, index) => {
    const last = spreads[index]!.findLast((spread) => spread !== undefined)
    return last ? [{ system, height: y(last.median) }] : []
  })
  ends.sort((a, b) => a.height - b.height)
  // From the top down each makes room, then all move up by half of what the last had to give way.
  const wanted = ends.at(-1)?.height ?? 0
  for (let i = 1; i < ends.length; i++) {
    ends[i]!.height = Math.max(ends[i]!.height, ends[i - 1]!.height + LABEL)
  }
  const moved = (ends.at(-1)?.height ?? 0) - wanted
  for (const end of ends) end.height -= moved / 2
  return ends.map(({ system, height }) =>
    text(at, height + 4, NAMES[system], {
      size: 11,
      fill: theme.text,
      ...(system === 'millrace' && { weight: 600 }),
    }),
  )
}
