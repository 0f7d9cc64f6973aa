/** The same work with nothing there, and with much that waits or is kept. */

import { counts } from '../measure/counts.ts'
import { growth } from '../measure/growth.ts'
import type { Case, Row } from './case.ts'

const rowsOf = (what: string, title: string, unit: Row['unit'], better: Row['better']): readonly Row[] => [
  { title: `${title}: nothing waiting`, figure: `${what}_empty`, unit, better },
  { title: '… 10,000 waiting', figure: `${what}_some`, unit, better },
  { title: '… {tasks} waiting', figure: `${what}_many`, unit, better },
  { title: '… {tasks} finished and kept', figure: `${what}_kept`, unit, better },
  { title: '… slope: {tasks} waiting / nothing', figure: `${what}_many_slope`, unit: '×', better },
  { title: '… slope: {tasks} kept / nothing', figure: `${what}_kept_slope`, unit: '×', better },
]

const LARGEST = { full: 1_000_000, quick: 100_000, warmUp: 1_000 }
const ROUNDS = { full: 3, quick: 1 }

export const GROWTH: readonly Case[] = [
  {
    name: 'growth',
    tasks: LARGEST,
    measure: growth,
    rows: [
      ...rowsOf('enqueue', 'enqueue, 20,000 single calls in flight', '/s', 'higher'),
      ...rowsOf('drain', 'drain of the first 10,000, no-op, c = 100', '/s', 'higher'),
      ...rowsOf('lookUp', 'getTask (BullMQ: getJob), p50', 'µs', 'lower'),
      ...rowsOf('rpc', 'RPC one by one in a higher lane, p50', 'µs', 'lower'),
    ],
    rounds: ROUNDS,
    without: {
      'bee-queue': 'has no priorities, and getJob answers from its own memory',
      floor: 'keeps no record that could be asked for',
    },
  },
  {
    name: 'counts',
    tasks: LARGEST,
    measure: counts,
    rows: rowsOf('counts', 'counts (getJobCounts, checkHealth), p50', 'µs', 'lower'),
    rounds: ROUNDS,
    without: { floor: 'counts nothing' },
    defaultOnly: true,
  },
]
