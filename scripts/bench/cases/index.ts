/** All cases, in the order in which they are run: the longest last, so that a short time costs only those. */

import type { Case } from './case.ts'
import { COST } from './cost.ts'
import { GROWTH } from './growth.ts'
import { LATENCY } from './latency.ts'
import { THROUGHPUT } from './throughput.ts'

export type Suite = 'default' | 'growth'

export interface Missing {
  readonly title: string
  readonly why: string
}

const NOT_YET = 'not in Millrace yet'

export const SUITES: Record<
  Suite,
  { readonly cases: readonly Case[]; readonly missing: readonly Missing[] }
> = {
  default: {
    cases: [...THROUGHPUT, ...LATENCY, ...COST],
    missing: [
      { title: 'latency of a delayed task, p50', why: NOT_YET },
      { title: 'latency of a delayed task, p99', why: NOT_YET },
    ],
  },
  growth: { cases: GROWTH, missing: [{ title: 'counts, by tasks waiting and kept', why: NOT_YET }] },
}
