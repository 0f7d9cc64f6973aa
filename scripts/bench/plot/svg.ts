/** SVG, written by hand: a few shapes, and a document with a title and a description for who cannot see it. */

import type { Theme } from './theme.ts'

export const WIDTH = 860
const FONT = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif'

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const round = (value: number): number => Math.round(value * 10) / 10

/** Lengths to a tenth of a pixel; undefined: left out. */
function attributes(values: Record<string, string | number | undefined>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${typeof value === 'number' ? round(value) : escaped(value!)}"`)
    .join('')
}

export interface TextStyle {
  readonly size?: number
  readonly fill: string
  readonly anchor?: 'start' | 'middle' | 'end'
  readonly weight?: number
}

export function text(x: number, y: number, content: string, style: TextStyle): string {
  const { size = 12, fill, anchor = 'start', weight } = style
  const all = { x, y, 'font-size': size, fill, 'text-anchor': anchor, 'font-weight': weight }
  return `<text${attributes(all)}>${escaped(content)}</text>`
}

export interface ShapeStyle {
  readonly fill?: string
  readonly stroke?: string
  readonly 'stroke-width'?: number
  readonly 'stroke-dasharray'?: string
  readonly rx?: number
}

export const rect = (x: number, y: number, width: number, height: number, style: ShapeStyle): string =>
  `<rect${attributes({ x, y, width, height, ...style })}/>`

export const line = (x1: number, y1: number, x2: number, y2: number, style: ShapeStyle): string =>
  `<line${attributes({ x1, y1, x2, y2, ...style })}/>`

export const circle = (cx: number, cy: number, r: number, style: ShapeStyle): string =>
  `<circle${attributes({ cx, cy, r, ...style })}/>`

export const polyline = (points: readonly (readonly [number, number])[], style: ShapeStyle): string =>
  `<polyline points="${points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ')}"${attributes({ fill: 'none', ...style })}/>`

/** From the lowest to the highest; one round alone has none. */
export const whisker = (from: number, to: number, y: number, { text: stroke }: Theme): string[] =>
  from === to
    ? []
    : [
        line(from, y, to, y, { stroke }),
        line(from, y - 3, from, y + 3, { stroke }),
        line(to, y - 3, to, y + 3, { stroke }),
      ]

export interface Picture {
  readonly title: string
  /** What it says, in words and figures. */
  readonly description: string
  /** Under the title: the unit, and which way is better. */
  readonly subtitle: string
  /** Where and how it was measured. */
  readonly footnote: readonly string[]
}

export const TOP = 64
/** Of a line of the footnote. */
const LINE = 13

/** `body` lies below TOP and is `height` high. */
export function document(picture: Picture, theme: Theme, height: number, body: readonly string[]): string {
  const { title, description, subtitle, footnote } = picture
  const all = TOP + height + 16 + footnote.length * LINE
  const shapes = [
    text(16, 26, title, { size: 17, fill: theme.text, weight: 600 }),
    text(16, 46, subtitle, { fill: theme.muted }),
    ...body,
    ...footnote.map((content, row) =>
      text(16, all - 6 - LINE * (footnote.length - 1 - row), content, { size: 10, fill: theme.muted }),
    ),
  ]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${round(all)}" width="${WIDTH}" height="${round(all)}" role="img" aria-labelledby="title description" font-family="${FONT}">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="description">${escaped(description)}</desc>`,
    ...shapes,
    '</svg>',
    '',
  ].join('\n')
}
