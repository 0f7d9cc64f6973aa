/** The guards that the suite takes out, one at a time, to see whether it fails without them. */

import { readFileSync } from 'node:fs'

export interface Guard {
  readonly name: string
  readonly is: string
  /** The row that has to fail without it. */
  readonly row: string
  /** A pattern of what the row says then: a worker that does not even start makes every row fail, and proves nothing. */
  readonly seen: string
  /** Ms that the row waits for its end, at most. Default 16,000: what hangs without its guard hangs for good. */
  readonly patience?: number
  readonly file: string
  readonly cut: string
  readonly put: string
}

export const GUARDS = JSON.parse(
  readFileSync(new URL('./guards.json', import.meta.url), 'utf8'),
) as readonly Guard[]
