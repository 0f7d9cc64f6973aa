/** Letters to other queues: how many wait to be brought, and whether somebody does. */

import { type Finding, finding } from './finding.ts'
import { COMMAND_TIMEOUT, type Visit } from './visit.ts'

/** A letter that nobody has tried for so long is brought by nobody, ms; a worker tries each within seconds. */
const LATE = 60_000
/** More than go through in a moment. */
const MANY = 1_000

export interface OutboxFacts {
  readonly letters: number
  /** Those that should have been brought, or tried, more than a minute ago. */
  readonly overdue: number
}

export async function outboxFacts({ connection, keys }: Visit): Promise<OutboxFacts> {
  const key = `${keys.prefix}:outbox`
  const ask = async (...words: [string, ...string[]]): Promise<unknown> =>
    connection.send((client) => client.call(...words), COMMAND_TIMEOUT)
  const [seconds] = (await ask('TIME')) as [string]
  const letters = Number(await ask('ZCARD', key))
  const late = `${Number(seconds) * 1_000 - LATE}`
  const overdue = letters === 0 ? 0 : Number(await ask('ZCOUNT', key, '-inf', late))
  return { letters, overdue }
}

export function ofOutbox({ letters, overdue }: OutboxFacts): Finding[] {
  if (letters === 0) return []
  const what = 'outbox'
  if (overdue > 0) {
    const detail = `${overdue} of ${letters} letters to other queues are brought by nobody`
    return [finding('problem', what, detail, 'start a worker of this queue')]
  }
  const detail = `${letters} letters to other queues`
  if (letters < MANY) return [finding('ok', what, detail)]
  return [finding('warning', what, `${detail} wait`, "the workers' error events say what holds them up")]
}
