/**
 * What is measured, as a table: each case is one measurement of every system per round, and has one row in the report
 * for each of its figures. `must` is what Millrace has to reach: ratios Millrace / rival in one run.
 */

import { drain, enqueue, life, type Measure, rpc } from './measure.ts'
import type { SystemId } from './systems/system.ts'

export interface Must {
  /** Ratio Millrace / BullMQ: at least, or at most where lower is better. */
  readonly bullmq?: number
  readonly bee?: number
  /** Millrace's own figure, in the row's unit. */
  readonly atMost?: number
}

export interface Row {
  readonly title: string
  /** Name of the figure. */
  readonly figure: string
  readonly unit: '/s' | 'µs' | 'B'
  readonly better: 'higher' | 'lower'
  readonly must?: Must
  /** Millrace in its strict setting against the same rivals. */
  readonly strict?: true
}

export interface Case {
  readonly name: string
  /** Tasks or calls per measurement. */
  readonly tasks: { readonly full: number; readonly quick: number }
  readonly measure: Measure
  readonly rows: readonly Row[]
  /** Where a system has nothing to compare. */
  readonly without?: readonly SystemId[]
}

const rate = (title: string, must?: Must): Row => ({
  ...{ title, figure: 'rate', unit: '/s', better: 'higher' },
  ...(must && { must }),
})
const latency = (title: string, figure: string, must?: Must): Row => ({
  ...{ title, figure, unit: 'µs', better: 'lower' },
  ...(must && { must }),
})
const bytes = (title: string, figure: string, must: Must): Row => ({
  ...{ title, figure, unit: 'B', better: 'lower', must },
})

export const CASES: readonly Case[] = [
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
    name: 'drain-c1',
    tasks: { full: 20_000, quick: 3_000 },
    measure: drain({ concurrency: 1, handler: 'noop' }),
    rows: [
      rate('drain, no-op, c = 1, default prefetch', { bullmq: 5, bee: 5 }),
      { ...rate('drain, no-op, c = 1, strict', { bullmq: 1.3, bee: 1.5 }), strict: true },
    ],
    // It takes and acknowledges in two round trips, Millrace in one: no floor here.
    without: ['floor'],
  },
  {
    name: 'drain-c10',
    tasks: { full: 20_000, quick: 5_000 },
    measure: drain({ concurrency: 10, handler: 'noop' }),
    rows: [
      rate('drain, no-op, c = 10, default prefetch', { bullmq: 2, bee: 2 }),
      { ...rate('drain, no-op, c = 10, strict', { bullmq: 1.4, bee: 1.3 }), strict: true },
    ],
  },
  {
    name: 'drain-c100',
    tasks: { full: 20_000, quick: 5_000 },
    measure: drain({ concurrency: 100, handler: 'noop' }),
    rows: [rate('drain, no-op, c = 100', { bullmq: 3, bee: 2.8 })],
  },
  {
    name: 'drain-c500',
    tasks: { full: 20_000, quick: 5_000 },
    measure: drain({ concurrency: 500, handler: 'noop' }),
    rows: [rate('drain, no-op, c = 500', { bullmq: 3, bee: 2.5 })],
  },
  {
    name: 'drain-yield-c100',
    tasks: { full: 20_000, quick: 5_000 },
    measure: drain({ concurrency: 100, handler: 'yield' }),
    rows: [rate('drain, yielding handler, c = 100', { bullmq: 3, bee: 2.8 })],
  },
  {
    name: 'drain-yield-c500',
    tasks: { full: 20_000, quick: 5_000 },
    measure: drain({ concurrency: 500, handler: 'yield' }),
    rows: [rate('drain, yielding handler, c = 500', { bullmq: 3, bee: 2.5 })],
  },
  {
    name: 'drain-timer-c100',
    tasks: { full: 20_000, quick: 5_000 },
    measure: drain({ concurrency: 100, handler: 'timer' }),
    rows: [rate('drain, 1–5 ms timer, c = 100')],
    // It acknowledges reads as a whole, so it would wait for the slowest of each.
    without: ['floor'],
  },
  {
    name: 'rpc-1',
    tasks: { full: 2_000, quick: 800 },
    measure: rpc({ inFlight: 1, concurrency: 10 }),
    rows: [
      latency('RPC one by one, p50', 'p50', { bullmq: 0.5, bee: 1.25 }),
      latency('RPC one by one, p90', 'p90'),
      latency('RPC one by one, p99', 'p99'),
    ],
  },
  {
    name: 'rpc-100',
    tasks: { full: 10_000, quick: 3_000 },
    measure: rpc({ inFlight: 100, concurrency: 100 }),
    rows: [rate('RPC, 100 in flight', { bullmq: 7, bee: 2 }), latency('RPC, 100 in flight, p50', 'p50')],
  },
  {
    name: 'rpc-1000',
    tasks: { full: 20_000, quick: 6_000 },
    measure: rpc({ inFlight: 1_000, concurrency: 1_000 }),
    rows: [
      rate('RPC, 1,000 in flight', { bullmq: 4.8, bee: 2.7 }),
      latency('RPC, 1,000 in flight, p50', 'p50'),
    ],
  },
  {
    name: 'life',
    // Bytes per task depend on how full the server's hash tables are, which is the same for both numbers. (BullMQ's
    // stream of events is capped near 10,000, so per task it weighs more in the smaller one.)
    tasks: { full: 20_000, quick: 10_000 },
    measure: life({ concurrency: 100 }),
    rows: [
      latency('Redis CPU per task life', 'cpu', { bullmq: 0.23, bee: 0.35, atMost: 10.5 }),
      bytes('bytes per queued small task', 'queued', { atMost: 215 }),
      bytes('bytes per completed small task', 'completed', { atMost: 270 }),
    ],
  },
]
