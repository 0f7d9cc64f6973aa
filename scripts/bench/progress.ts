/** How far it is, on stderr: one line that moves on a terminal, a line for each case elsewhere. */

import type { Progress } from './run.ts'
import { figure } from './table.ts'

const isTerminal = process.stderr.isTTY === true
let last = ''

export function showProgress({ case: one, subject, round, rounds, figures }: Progress): void {
  if (!isTerminal) {
    if (one.name !== last) process.stderr.write(`${one.name} …\n`)
    last = one.name
    return
  }
  const when = round === 0 ? 'warm-up' : `round ${round}/${rounds}`
  const row = one.rows[0]!
  const value = figures?.[row.figure]
  const shown = value === undefined ? '…' : `${figure(value)} ${row.unit}`
  process.stderr.write(`\r\x1b[K${one.name}  ${when}  ${subject}  ${shown}`)
}

export function endProgress(): void {
  if (isTerminal) process.stderr.write('\r\x1b[K')
}
