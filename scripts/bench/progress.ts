/** How far it is, on stderr: one line that moves on a terminal, a line for each finished case elsewhere. */

import { figure } from './report.ts'
import type { Progress } from './run.ts'

const isTerminal = process.stderr.isTTY === true

export function showProgress({ case: one, subject, round, rounds, figures }: Progress): void {
  if (!isTerminal) {
    const isFirst = round === 0 && figures === undefined && subject === 'millrace'
    if (isFirst) process.stderr.write(`${one.name} …\n`)
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
