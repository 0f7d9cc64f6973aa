/** counts: how many tasks are in each state; it writes nothing. */

import { it } from 'node:test'
import { type Row, table } from '../../support/script-table.ts'

type Numbers = Record<string, unknown>
const nothing: Numbers = {
  ...{ first: [0, 0], high: [0, 0], normal: [0, 0], low: [0, 0] },
  ...{ waiting: 0, scheduled: 0, parked: 0, failed: 0, ended: {} },
}

const rows: Row[] = [
  { name: 'of an empty queue all are 0', args: [], answer: nothing },
  {
    name: 'before anything has been enqueued, all are 0 too',
    bare: true,
    args: [],
    answer: nothing,
  },
  {
    name: 'of each lane, how many are queued and how many run',
    seed: (s) =>
      s
        .running('a', 'w1')
        .running('b', 'w2')
        .queued('c')
        .queued('d', { lane: 'low' })
        .queued('e', { lane: 'low' })
        .queued('f', { lane: 'low' })
        .running('g', 'w1', { lane: 'first' }),
    args: [],
    answer: { ...nothing, first: [0, 1], normal: [1, 2], low: [3, 0] },
  },
  {
    name: 'entries of ended tasks that lie above one that runs count for nothing',
    seed: (s) =>
      s
        .running('a', 'w1')
        .running('b', 'w1')
        .command('XACK', 'P:stream:normal', 'workers', '2-0')
        .untidy('normal')
        .queued('c'),
    args: [],
    answer: { ...nothing, normal: [1, 1] },
  },
  {
    name: 'how many wait for others, are scheduled, parked and kept as failed, and how many have ended since the queue began',
    seed: (s) =>
      s
        .scheduled('a', 30_000)
        .scheduled('b', 60_000)
        .parked('c', 'add')
        .running('g', 'w1')
        .waiting('h', 'g')
        .child('i', ['g', 'h'])
        .failed('d', 1)
        .failed('e', 2)
        .failed('f', 3)
        .command('HSET', 'P:ended', 'failed', 7, 'succeeded', 1_000, 'expired', 1, 'cancelled', 2),
    args: [],
    answer: {
      ...{ ...nothing, normal: [0, 1], waiting: 2, scheduled: 2, parked: 1, failed: 3 },
      ended: { failed: '7', succeeded: '1000', expired: '1', cancelled: '2' },
    },
  },
  {
    name: 'before any worker has made the groups, all that lies in a lane is queued',
    bare: true,
    seed: (s) => s.queued('a').queued('b').queued('c', { lane: 'high' }),
    args: [],
    answer: { ...nothing, normal: [2, 0], high: [1, 0] },
  },
  {
    name: 'after an unread entry was deleted by hand, all that does not run is queued',
    seed: (s) =>
      s.running('a', 'w1').queued('b').queued('c').queued('d').command('XDEL', 'P:stream:normal', '3-0'),
    args: [],
    answer: { ...nothing, normal: [2, 1] },
  },
  {
    name: 'void entries are not queued, in the lane where they lie',
    seed: (s) =>
      s
        .running('a', 'w1')
        .queued('b')
        .queued('c')
        .queued('d')
        .voided('normal', '2-0', '3-0')
        .queued('e', { lane: 'low' })
        .voided('low', '5-0'),
    args: [],
    answer: { ...nothing, normal: [1, 1] },
  },
  {
    name: 'void entries of a lane without its group are not queued either',
    bare: true,
    seed: (s) => s.queued('a').queued('b').voided('normal', '1-0'),
    args: [],
    answer: { ...nothing, normal: [1, 0] },
  },
  {
    name: 'where more is noted as void than lies there, nothing is queued',
    seed: (s) => s.queued('a').voided('normal', '1-0', '9-0').voided('high', '8-0'),
    args: [],
    keyspace: { 'void:normal': { set: ['1-0', '9-0'] }, 'void:high': { set: ['8-0'] } },
    answer: nothing,
  },
  {
    name: 'a lane of another type is empty',
    bare: true,
    seed: (s) => s.group('normal').queued('a').command('SET', 'P:stream:low', 'junk'),
    args: [],
    answer: { ...nothing, normal: [1, 0] },
  },
  {
    name: 'at maxmemory it answers',
    full: true,
    seed: (s) => s.queued('a'),
    args: [],
    answer: { ...nothing, normal: [1, 0] },
  },
]

/** By name, as the order says; of each lane queued and running. */
function shape(answer: unknown): unknown {
  const items = answer as unknown[]
  const lanes = [0, 3, 6, 9].map((i) => [items[i], items.slice(i + 1, i + 3)])
  const sets = [12, 14, 16, 18].map((i) => [items[i], items[i + 1]])
  const totals = items[21] as string[]
  const ended = totals.flatMap((state, i) => (i % 2 === 0 ? [[state, totals[i + 1]]] : []))
  return Object.fromEntries([...lanes, ...sets, [items[20], Object.fromEntries(ended)]])
}

for (const [name, test] of table('counts', rows, shape)) it(name, test)
