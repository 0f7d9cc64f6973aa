/** All cases, in the order in which they are run: the longest last, so that a short time costs only those. */

import type { Case } from './case.ts'
import { COST } from './cost.ts'
import { GROWTH } from './growth.ts'
import { LATENCY } from './latency.ts'
import { THROUGHPUT } from './throughput.ts'

export type Suite = 'default' | 'growth'

export const SUITES: Record<Suite, readonly Case[]> = {
  default: [...THROUGHPUT, ...LATENCY, ...COST],
  growth: GROWTH,
}
