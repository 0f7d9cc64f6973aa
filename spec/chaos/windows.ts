/** Times whose work may be missing, because Redis came back as it was before them. */

import type { Journal } from './journal.ts'

/** Epoch ms. */
export interface Window {
  readonly from: number
  readonly to: number
}

/** Complains of lost ids that were accepted at another time. */
export function outside(journal: Journal, lost: readonly string[], windows: readonly Window[]): string[] {
  const accepted = new Map(
    journal
      .read()
      .filter(({ verb }) => verb === 'ok')
      .map(({ id, at }) => [id, at]),
  )
  const wrong = lost.filter((id) => {
    const at = accepted.get(id) ?? 0
    return !windows.some(({ from, to }) => at >= from && at <= to)
  })
  return wrong.length > 0 ? [`${wrong.length} lost that should be there: ${wrong.slice(0, 3).join(' ')}`] : []
}
