/** All rows, in their order. */

import type { Row } from '../row.ts'
import { kills } from './t01-kills.ts'
import { pauses } from './t02-pauses.ts'

export const ROWS: readonly Row[] = [kills, pauses]
