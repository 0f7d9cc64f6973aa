/** The same work with nothing there, and with much that waits or is kept. */

import { growth } from '../measure/growth.ts'
import type { Case, Row } from './case.ts'

const WHAT = [
  { what: 'enqueue', title: 'enqueue, 20,000 single calls in flight', unit: '/s', better: 'higher' },
  { what: 'drain', title: 'drain of the first 10,000, no-op, c = 100', unit: '/s', better: 'higher' },
  { what: 'lookUp', title: 'getTask (BullMQ: getJob), p50', unit: 'µs', better: 'lower' },
  { what: 'rpc', title: 'RPC one by one in a higher lane, p50', unit: 'µs', better: 'lower' },
] as const

const ROWS: readonly Row[] = WHAT.flatMap(({ what, title, unit, better }) => [
  { title: `${title}: nothing waiting`, figure: `${what}_empty`, unit, better },
  { title: '… 10,000 waiting', figure: `${what}_some`, unit, better },
  { title: '… {tasks} waiting', figure: `${what}_many`, unit, better },
  { title: '… {tasks} finished and kept', figure: `${what}_kept`, unit, better },
  { title: '… slope: {tasks} waiting / nothing', figure: `${what}_many_slope`, unit: '×', better },
  { title: '… slope: {tasks} kept / nothing', figure: `${what}_kept_slope`, unit: '×', better },
])

export const GROWTH: readonly Case[] = [
  {
    name: 'growth',
    tasks: { full: 1_000_000, quick: 100_000, warmUp: 1_000 },
    measure: growth,
    rows: ROWS,
    rounds: { full: 3, quick: 1 },
    without: {
      'bee-queue': 'has no priorities, and getJob answers from its own memory',
      floor: 'keeps no record that could be asked for',
    },
  },
]
