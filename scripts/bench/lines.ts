/** From rounds to lines: a figure's medians with their spread, and what Millrace has to reach. */

import type { Must, Row } from './cases/case.ts'
import { type CaseResult, type RunResult, seriesOf, subjectName } from './run.ts'
import { ratioOf, type Spread, spreadOf } from './statistics.ts'
import type { Setting, SystemId } from './systems/system.ts'

export interface Line {
  readonly case: string
  readonly title: string
  readonly figure: string
  readonly unit: Row['unit']
  readonly better: Row['better']
  readonly rounds: number
  readonly must: Must
  readonly figures: Partial<Record<SystemId, Spread>>
  /** Why there is no figure of Millrace. */
  readonly missing: string | undefined
  /** Millrace / rival, of the rounds. */
  readonly ratios: { readonly bullmq: Spread | undefined; readonly bee: Spread | undefined }
  /** Undefined: no `must`, or not measured. */
  readonly reached: { readonly [K in keyof Must]: boolean | undefined }
}

/** The rivals at their default or at their best settings. Millrace has one setting that is both. */
export function linesOf({ cases }: RunResult, rivals: Setting = 'default'): Line[] {
  const compared = cases.filter((result) => rivals === 'default' || !result.case.defaultOnly)
  return compared.flatMap((result) =>
    result.case.rows
      .filter((row) => rivals === 'default' || !row.defaultOnly)
      .map((row) => lineOf(result, row, rivals)),
  )
}

function lineOf(result: CaseResult, row: Row, rivals: Setting): Line {
  const own = subjectName('millrace', row.strict ? 'strict' : 'default')
  const ours = seriesOf(result, own, row.figure)
  // The floor has no settings.
  const theirs = (system: SystemId) =>
    seriesOf(result, subjectName(system, system === 'floor' ? 'default' : rivals), row.figure)
  const spreads: [SystemId, Spread | undefined][] = [
    ['millrace', spreadOf(ours)],
    ...(['bullmq', 'bee-queue', 'floor'] as const).map((system): [SystemId, Spread | undefined] => [
      system,
      spreadOf(theirs(system)),
    ]),
  ]
  const ratios = { bullmq: ratioOf(ours, theirs('bullmq')), bee: ratioOf(ours, theirs('bee-queue')) }
  const must = rivals === 'default' ? (row.must ?? {}) : {}
  const isGood = (value: number | undefined, limit: number | undefined): boolean | undefined => {
    if (value === undefined || limit === undefined) return undefined
    return row.better === 'higher' ? value >= limit : value <= limit
  }
  return {
    ...{ case: result.case.name, figure: row.figure, unit: row.unit, better: row.better, must, ratios },
    title: row.title.replaceAll('{tasks}', result.tasks.toLocaleString('en-US')),
    rounds: ours.length,
    missing: result.unavailable.get(own),
    figures: Object.fromEntries(spreads.filter(([, spread]) => spread !== undefined)),
    reached: {
      bullmq: isGood(ratios.bullmq?.median, must.bullmq),
      bee: isGood(ratios.bee?.median, must.bee),
      atMost: isGood(spreads[0]![1]?.median, must.atMost),
    },
  }
}
