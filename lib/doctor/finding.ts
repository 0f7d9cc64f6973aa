/** One thing that was found, for people. */

/** `advice`: could be better · `warning`: will hurt some day · `problem`: hurts now, or loses tasks. */
export type Level = 'ok' | 'advice' | 'warning' | 'problem'

export interface Finding {
  readonly level: Level
  /** Its name, the same in every version: `maxmemory-policy`, `strays`, … */
  readonly what: string
  readonly detail: string
  /** What to do about it. */
  readonly advice?: string
}

/** Of names that are told. */
const SHOWN = 5

export const finding = (level: Level, what: string, detail: string, advice?: string): Finding =>
  advice === undefined ? { level, what, detail } : { level, what, detail, advice }

export const listed = (names: readonly string[]): string =>
  `${names.length} (${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ', …' : ''})`

/** Where there are some. */
export const some = (
  names: readonly string[],
  level: Level,
  what: string,
  means: string,
  advice: string,
): Finding[] => (names.length === 0 ? [] : [finding(level, what, `${means}: ${listed(names)}`, advice)])
