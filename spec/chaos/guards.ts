/** The guards that the suite takes out, one at a time, to see whether it fails without them. */

import { readFileSync } from 'node:fs'

export interface Guard {
  readonly name: string
  readonly is: string
  /** The row that has to fail without it. */
  readonly row: string
  readonly file: string
  readonly cut: string
  readonly put: string
}

export const GUARDS = JSON.parse(
  readFileSync(new URL('./guards.json', import.meta.url), 'utf8'),
) as readonly Guard[]
