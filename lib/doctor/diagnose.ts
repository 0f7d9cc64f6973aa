/** Looks at one queue and its Redis, and changes nothing. */

import { integer, resolve } from '../options.ts'
import type { Facts } from './facts.ts'
import type { Finding } from './finding.ts'
import { findings } from './findings.ts'
import { groupFacts } from './groups.ts'
import { outboxFacts } from './outbox.ts'
import { recordFacts } from './records.ts'
import { scheduleFacts } from './schedules.ts'
import { serverFacts } from './server.ts'
import { type DoctorTarget, visit } from './visit.ts'

export interface DiagnoseOptions {
  /** Keys of the database, and entries, that are looked at, at most. Default 100,000. */
  readonly limit?: number
  /** How long it may take to be connected, ms. Default 5,000. */
  readonly timeout?: number
}

export const VISIT_OPTIONS = { limit: integer(100_000, 1), timeout: integer(5_000, 1, 60_000) }

export interface Diagnosis {
  /** No finding is a warning or a problem. */
  readonly ok: boolean
  /** The worst first. */
  readonly findings: readonly Finding[]
  readonly facts: Facts
}

/** Throws OptionError; RedisError when Redis is not reached, or goes on the way. */
export async function diagnose(target: DoctorTarget, options?: DiagnoseOptions): Promise<Diagnosis> {
  const { limit, timeout } = resolve('diagnose', options, VISIT_OPTIONS)
  return visit(target, timeout, async (here) => {
    const facts: Facts = {
      server: await serverFacts(here.connection),
      counts: await here.admin.counts(),
      groups: await groupFacts(here),
      records: await recordFacts(here, limit),
      schedules: await scheduleFacts(here, limit),
      outbox: await outboxFacts(here),
    }
    const found = findings(facts)
    const ok = found.every(({ level }) => level === 'ok' || level === 'advice')
    return { ok, findings: found, facts }
  })
}
