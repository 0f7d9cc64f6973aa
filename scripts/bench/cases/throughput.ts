/** Tasks per second: into the queue, and out of it. */

import { drain } from '../measure/drain.ts'
import { enqueue } from '../measure/enqueue.ts'
import { share } from '../measure/share.ts'
import { type Case, type Row, rate } from './case.ts'

const evenness = (title: string): Row => ({ title, figure: 'share', unit: '%', better: 'higher' })

export const THROUGHPUT: readonly Case[] = [
  {
    name: 'enqueue-single',
    tasks: { full: 20_000, quick: 8_000 },
    measure: enqueue({ way: 'all', bytes: 0 }),
    rows: [rate('enqueue, single calls, all in flight', { bullmq: 5, bee: 2.5 })],
  },
  {
    name: 'enqueue-single-250',
    tasks: { full: 20_000, quick: 8_000 },
    // Where the rivals' single calls are at their best.
    measure: enqueue({ way: 250, bytes: 0 }),
    rows: [rate('enqueue, single calls, 250 at a time')],
  },
  {
    name: 'enqueue-bulk',
    tasks: { full: 20_000, quick: 8_000 },
    measure: enqueue({ way: 'bulk', bytes: 0 }),
    rows: [rate('enqueue, bulk', { bullmq: 5, bee: 1.5 })],
  },
  {
    name: 'enqueue-1k',
    tasks: { full: 20_000, quick: 8_000 },
    measure: enqueue({ way: 'all', bytes: 1_024 }),
    rows: [rate('enqueue, single calls, 1 KiB args', { bullmq: 3, bee: 1.5 })],
  },
  {
    name: 'enqueue-16k',
    tasks: { full: 4_000, quick: 1_000 },
    measure: enqueue({ way: 'all', bytes: 16_384 }),
    rows: [rate('enqueue, single calls, 16 KiB args')],
  },
  {
    name: 'drain-c1',
    tasks: { full: 20_000, quick: 3_000 },
    measure: drain({ concurrency: 1, handler: 'noop' }),
    rows: [
      rate('drain, no-op, c = 1 (prefetched)', { bullmq: 5, bee: 5 }),
      { ...rate('drain, no-op, c = 1 (strict)', { bullmq: 1.3, bee: 1.5 }), strict: true },
    ],
    without: { floor: 'takes and acknowledges in two round trips, Millrace in one: no floor' },
  },
  {
    name: 'drain-c10',
    tasks: { full: 60_000, quick: 5_000 },
    measure: drain({ concurrency: 10, handler: 'noop' }),
    rows: [
      rate('drain, no-op, c = 10 (prefetched)', { bullmq: 2, bee: 2 }),
      { ...rate('drain, no-op, c = 10 (strict)', { bullmq: 1.4, bee: 1.3 }), strict: true },
    ],
  },
  {
    name: 'drain-c100',
    tasks: { full: 60_000, quick: 5_000 },
    measure: drain({ concurrency: 100, handler: 'noop' }),
    rows: [rate('drain, no-op, c = 100 (prefetched)', { bullmq: 3, bee: 2.8 })],
  },
  {
    name: 'drain-c500',
    tasks: { full: 60_000, quick: 5_000 },
    measure: drain({ concurrency: 500, handler: 'noop' }),
    rows: [rate('drain, no-op, c = 500 (prefetched)', { bullmq: 3, bee: 2.5 })],
  },
  {
    name: 'drain-yield-c100',
    tasks: { full: 60_000, quick: 5_000 },
    measure: drain({ concurrency: 100, handler: 'yield' }),
    rows: [rate('drain, yielding handler, c = 100 (prefetched)', { bullmq: 3, bee: 2.8 })],
  },
  {
    name: 'drain-yield-c500',
    tasks: { full: 60_000, quick: 5_000 },
    measure: drain({ concurrency: 500, handler: 'yield' }),
    rows: [rate('drain, yielding handler, c = 500 (prefetched)', { bullmq: 3, bee: 2.5 })],
  },
  {
    name: 'drain-timer-c100',
    tasks: { full: 20_000, quick: 5_000 },
    measure: drain({ concurrency: 100, handler: 'timer' }),
    rows: [rate('drain, 1–5 ms timer, c = 100 (prefetched)')],
    without: { floor: 'acknowledges reads as a whole, so it would wait for the slowest of each' },
  },
  {
    name: 'drain-cpu-c10',
    tasks: { full: 2_000, quick: 150 },
    measure: drain({ concurrency: 10, handler: 'cpu' }),
    rows: [rate('drain, 1 ms of CPU, c = 10 (prefetched)')],
    rounds: { full: 50, quick: 3 },
  },
  {
    name: 'drain-two',
    // The two do not begin at the same moment, and the clock runs from the first of them.
    tasks: { full: 100_000, quick: 30_000 },
    measure: share({ concurrency: 100, handler: 'noop' }),
    rows: [
      rate('drain, 2 processes, no-op, c = 100 each (prefetched)'),
      evenness('… share of the process that ran fewer (50: even)'),
    ],
    rounds: { full: 50, quick: 2 },
    fullOnly: true,
  },
  {
    name: 'drain-two-cpu',
    tasks: { full: 4_000, quick: 1_200 },
    measure: share({ concurrency: 100, handler: 'cpu' }),
    rows: [
      rate('drain, 2 processes, 1 ms of CPU, c = 100 (prefetched)'),
      evenness('… share of the process that ran fewer (50: even)'),
    ],
    rounds: { full: 50, quick: 2 },
    cold: true,
  },
]
