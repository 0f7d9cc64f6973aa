/**
 * What is measured, as tables: each case is one measurement of every system per round, and has one row in the report
 * for each of its figures. `must` is what Millrace has to reach: ratios Millrace / rival in one run.
 */

import type { Measure } from '../measure/bench.ts'
import type { SystemId } from '../systems/system.ts'

export interface Must {
  /** Ratio Millrace / BullMQ: at least, or at most where lower is better. */
  readonly bullmq?: number
  readonly bee?: number
  /** Millrace's own figure, in the row's unit. */
  readonly atMost?: number
}

export type Unit = '/s' | 'µs' | 'ms' | 'B' | 'MB' | '%' | '‰' | '×' | ''

export interface Row {
  /** `{tasks}` stands for the number of them. */
  readonly title: string
  /** Name of the figure. */
  readonly figure: string
  readonly unit: Unit
  readonly better: 'higher' | 'lower'
  readonly must?: Must
  /** Millrace in its strict setting against the same rivals. */
  readonly strict?: true
  /** Not compared with best settings, which keep nothing that is done. */
  readonly defaultOnly?: true
}

export interface Size {
  readonly full: number
  readonly quick: number
}

export interface Case {
  readonly name: string
  /** Tasks or calls (or what else the measurement says) for one of them; warmUp: where the first round can be smaller. */
  readonly tasks: Size & { readonly warmUp?: number }
  readonly measure: Measure
  readonly rows: readonly Row[]
  /** Where a system has nothing to compare, with the reason. */
  readonly without?: Partial<Record<SystemId, string>>
  /** Rounds at most, for what takes long or hardly scatters. */
  readonly rounds?: Size
  /** For what has nothing to warm (counts of bytes and commands, new processes) or warms up by itself. */
  readonly cold?: true
  /** The quick form has no time for it; by its name it is run there too. */
  readonly fullOnly?: true
  /** Best settings are no subject of it: they would switch off what is measured, or change nothing. */
  readonly defaultOnly?: true
}

export const rate = (title: string, must?: Must): Row => ({
  ...{ title, figure: 'rate', unit: '/s', better: 'higher' },
  ...(must && { must }),
})

export const latency = (title: string, figure: string, must?: Must): Row => ({
  ...{ title, figure, unit: 'µs', better: 'lower' },
  ...(must && { must }),
})

export const lower = (title: string, figure: string, unit: Unit, must?: Must): Row => ({
  ...{ title, figure, unit, better: 'lower' },
  ...(must && { must }),
})
