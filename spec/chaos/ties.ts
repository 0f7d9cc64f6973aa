/**
 * What is promised of calls that belong together (docs/flows.md), judged by the journal and by how each task has ended:
 * who was set off, who was not, and what each was given. It knows nothing of how that is done.
 */

import type { Line, Verb } from './journal.ts'
import type { Case } from './mix.ts'

/** As its record says it: how a task ended, and which attempt that was of. */
export interface End {
  readonly state: string
  readonly attempt: number
}
export type Ends = ReadonlyMap<string, End>

export interface Ties {
  /** How tasks have to end, where their callers know it. */
  readonly due: ReadonlyMap<string, string>
  /** Of tasks that come after others, and of callbacks that came: who gives to them, in order. */
  readonly givers: ReadonlyMap<string, readonly string[]>
  /** Of each call that has them. */
  readonly callbacks: readonly Callbacks[]
}

interface Callbacks {
  readonly parent: string
  /** Those that have begun. */
  readonly came: readonly { readonly id: string; readonly kind: string }[]
}

/** What must not be: in words, and of whom. */
export type Blame = readonly [what: string, guilty: readonly string[]]

const CASES: Readonly<Record<string, Case | undefined>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  expired: 'failed',
}

export function readTies(lines: readonly Line[]): Ties {
  const due = new Map<string, string>()
  const givers = new Map<string, readonly string[]>()
  const parents = new Map<string, string>()
  const came = new Map<string, Map<string, string>>()
  for (const { verb, id, rest } of lines) {
    const [first, second] = rest
    if (verb === 'invoke' && first !== undefined) due.set(id, first)
    else if (verb === 'after') givers.set(id, rest)
    else if (verb === 'tied') parents.set(first!, id)
    else if (verb === 'for') came.set(first!, (came.get(first!) ?? new Map()).set(id, second!))
  }
  const callbacks = [...parents].map(([tag, parent]) => {
    const those = [...(came.get(tag) ?? [])].map(([id, kind]) => ({ id, kind }))
    for (const { id } of those) givers.set(id, [parent])
    return { parent, came: those }
  })
  return { due, givers, callbacks }
}

export const callbackIds = ({ callbacks }: Ties): string[] =>
  callbacks.flatMap(({ came }) => came.map(({ id }) => id))

/** Tasks that have ended, and whose callback has not. */
export function overdue({ callbacks }: Ties, ends: Ends): string[] {
  return callbacks
    .filter(({ parent, came }) => {
      const kind = caseOf(parent, ends)
      return kind !== undefined && !came.some((one) => one.kind === kind && ends.has(one.id))
    })
    .map(({ parent }) => parent)
}

/** Of each task, how many of its attempts were to be followed by another, because they threw. */
export function retriesOf(lines: readonly Line[], ends: Ends): Map<string, number> {
  const retries = new Map<string, number>()
  for (const { verb, id, rest } of lines) {
    const end = ends.get(id)
    const isLast = end?.state === 'failed' && end.attempt === Number(rest[0])
    if (verb === 'threw' && !isLast) retries.set(id, (retries.get(id) ?? 0) + 1)
  }
  return retries
}

/** mayLose: Redis was set back, so that what it had told is not always what it knows. */
export function judgeTies(ties: Ties, lines: readonly Line[], ends: Ends, mayLose: boolean): Blame[] {
  const attempts = (wanted: Verb): Set<string> =>
    new Set(lines.filter(({ verb }) => verb === wanted).map(({ id, rest }) => `${id}/${rest[0]}`))
  const [ended, thrown] = [attempts('end'), attempts('threw')]
  const begun = new Set(lines.filter(({ verb }) => verb === 'start').map(({ id }) => id))
  const ids = (of: (id: string, end: End) => boolean): string[] =>
    [...ends].filter(([id, end]) => of(id, end)).map(([id]) => id)
  const isCallback = new Set(callbackIds(ties))
  return [
    ['callbacks have not come', overdue(ties, ends)],
    ['callbacks came, and their case had not', uncalledFor(ties, ends, mayLose)],
    [
      'callbacks came as more than one task',
      ties.callbacks.filter(({ came }) => came.length > 1).map(({ parent }) => parent),
    ],
    ['callbacks did not succeed', ids((id, { state }) => isCallback.has(id) && state !== 'succeeded')],
    ['tasks ended otherwise than they should', ids((id, { state }) => (ties.due.get(id) ?? state) !== state)],
    [
      'tasks began although one before them had not succeeded',
      ids((id) => !isCallback.has(id) && isCut(id, ties.givers, ends) && begun.has(id)),
    ],
    ['tasks were not given what those before them gave', misled(ties, lines, ends, mayLose)],
    [
      'tasks were recorded as done by an attempt that had not ended',
      ids((id, { state, attempt }) => state === 'succeeded' && !ended.has(`${id}/${attempt}`)),
    ],
    [
      'tasks failed by an attempt that threw nothing',
      ids((id, { state, attempt }) => {
        const isMeant = state === 'failed' && ties.due.get(id) === 'failed' && !isCut(id, ties.givers, ends)
        return isMeant && !thrown.has(`${id}/${attempt}`)
      }),
    ],
    ['callers were given what another task or attempt gave', mistold(lines, ends, mayLose)],
  ]
}

const stateOf = (id: string, ends: Ends): string | undefined => ends.get(id)?.state
const caseOf = (parent: string, ends: Ends): Case | undefined => CASES[stateOf(parent, ends) ?? '']

/** What the callback of a task is given that failed because one before it had. */
const CUT = 'ERR_MILLRACE_DEPENDENCY'

/** One before it did not succeed, so it never may begin. */
const isCut = (id: string, givers: Ties['givers'], ends: Ends): boolean =>
  (givers.get(id) ?? []).some((giver) => stateOf(giver, ends) !== 'succeeded')

function uncalledFor({ callbacks }: Ties, ends: Ends, mayLose: boolean): string[] {
  return callbacks.flatMap(({ parent, came }) => {
    if (mayLose && !ends.has(parent)) return []
    return came.filter(({ kind }) => kind !== caseOf(parent, ends)).map(({ id }) => id)
  })
}

/** Of those that succeeded: they were given nothing, or not what the recorded attempts of those before them gave. */
function misled({ givers }: Ties, lines: readonly Line[], ends: Ends, mayLose: boolean): string[] {
  const got = new Map<string, string[]>()
  for (const { verb, id, rest } of lines) {
    if (verb === 'got') got.set(id, [...(got.get(id) ?? []), rest.slice(1).join(' ')])
  }
  const wrong: string[] = []
  for (const [id, from] of givers) {
    if (stateOf(id, ends) !== 'succeeded' || !from.every((giver) => ends.has(giver))) continue
    const gave = (giver: string): string =>
      isCut(giver, givers, ends) ? CUT : `${giver}/${ends.get(giver)!.attempt}`
    const wanted = from.map(gave).join(' ')
    // What was given before Redis was set back was given again.
    const given = mayLose ? (got.get(id) ?? []).slice(-1) : (got.get(id) ?? [])
    if (given.length === 0 || given.some((values) => values !== wanted)) wrong.push(id)
  }
  return wrong
}

function mistold(lines: readonly Line[], ends: Ends, mayLose: boolean): string[] {
  const wrong = lines.filter(({ verb, id, rest: [, value] }) => {
    if (verb !== 'settled' || value === undefined) return false
    return mayLose ? !value.startsWith(`${id}/`) : value !== `${id}/${ends.get(id)?.attempt}`
  })
  return wrong.map(({ id }) => id)
}
