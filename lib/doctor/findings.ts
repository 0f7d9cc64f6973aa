/** What the facts mean, for people: each with a stable name, how bad it is, and what to do. */

import type { Facts } from './facts.ts'
import { type Finding, finding, type Level, listed, some } from './finding.ts'
import type { GroupFacts } from './groups.ts'
import { ofOutbox } from './outbox.ts'
import type { RecordFacts } from './records.ts'
import { ofSchedules } from './schedule-findings.ts'
import type { ServerFacts } from './server.ts'

const ORDER: readonly Level[] = ['problem', 'warning', 'advice', 'ok']
/** Of clocks that differ, ms. */
const MOST_SKEW = 1_000
/** Of maxmemory. */
const NEARLY_FULL = 0.9

export function findings(facts: Facts): Finding[] {
  const { server, records, schedules, outbox } = facts
  const ofTasks = [...ofGroups(facts), ...ofRecords(records), ...ofOutbox(outbox)]
  const all = [...ofServer(server), ...ofTasks, ...ofSchedules(schedules)]
  return all.sort((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level))
}

function ofServer(server: ServerFacts): Finding[] {
  const { version, memory, role, replicas, clockSkew, roundTrip } = server
  const isSkewed = Math.abs(clockSkew) > MOST_SKEW + roundTrip
  return [
    finding('ok', 'version', version),
    memory.policy === 'noeviction'
      ? finding('ok', 'maxmemory-policy', 'noeviction')
      : finding(
          memory.max > 0 ? 'problem' : 'warning',
          'maxmemory-policy',
          `${memory.policy}: at maxmemory Redis deletes records and streams, and tasks are lost`,
          'CONFIG SET maxmemory-policy noeviction, and the same in redis.conf',
        ),
    ...ofMemory(memory),
    ofDisk(server.persistence),
    ...ofErrors(server.persistence),
    role === 'master'
      ? replicas > 0
        ? finding('ok', 'replicas', `${replicas} connected`)
        : finding('advice', 'replicas', 'none', 'one replica survives the loss of this host')
      : finding(
          'problem',
          'replicas',
          `this server is a ${role}: it takes no writes`,
          'connect to its master',
        ),
    isSkewed
      ? finding(
          'warning',
          'clock',
          `this machine is ${Math.abs(clockSkew)} ms ${clockSkew > 0 ? 'ahead of' : 'behind'} Redis: times given with \`at\` are off by that`,
          'synchronise both clocks (NTP)',
        )
      : finding('ok', 'clock', `${clockSkew} ms from that of Redis`),
  ]
}

function ofMemory({ used, max }: ServerFacts['memory']): Finding[] {
  if (max === 0 || used < NEARLY_FULL * max) return []
  const detail = `${used} of ${max} bytes are used; at maxmemory calls are refused`
  return [
    finding('warning', 'memory', detail, 'raise maxmemory, or set maxQueued, resultTtl, failedTtl lower'),
  ]
}

function ofDisk({ appendonly, appendfsync, rdb }: ServerFacts['persistence']): Finding {
  const how = appendfsync === undefined ? '' : `, appendfsync ${appendfsync}`
  if (appendonly && appendfsync !== 'no') return finding('ok', 'persistence', `append-only file${how}`)
  const advice = 'CONFIG SET appendonly yes, with appendfsync everysec or always, and the same in redis.conf'
  if (appendonly) {
    return finding('advice', 'persistence', `append-only file${how}: a crash may lose half a minute`, advice)
  }
  return rdb === ''
    ? finding('warning', 'persistence', 'none: a restart of Redis loses every task', advice)
    : finding('warning', 'persistence', 'snapshots alone: a crash loses all since the last one', advice)
}

const ofErrors = ({ lastError }: ServerFacts['persistence']): Finding[] =>
  lastError
    ? [
        finding(
          'problem',
          'disk',
          lastError,
          "look at the disk and at Redis' log; calls may be refused (MISCONF)",
        ),
      ]
    : []

function ofGroups({ groups, counts }: Facts): Finding[] {
  const { workers, isPaused } = groups
  const all = [ofWorkers(workers, counts.queued + counts.running), ofLag(groups), ...ofStrangers(groups)]
  return isPaused ? [...all, finding('advice', 'paused', 'workers take nothing', 'queue.resume()')] : all
}

function ofWorkers({ alive, overdue }: GroupFacts['workers'], open: number): Finding {
  const detail = `${alive} alive${overdue > 0 ? `, ${overdue} whose lease is over` : ''}`
  if (alive > 0) return finding('ok', 'workers', detail)
  return open > 0
    ? finding('warning', 'workers', `${detail}; ${open} tasks are queued or were running`, 'start a worker')
    : finding('advice', 'workers', detail)
}

const ofLag = ({ withoutLag }: GroupFacts): Finding =>
  withoutLag.length === 0
    ? finding('ok', 'lag', 'known')
    : finding(
        'warning',
        'lag',
        `Redis does not know it in ${withoutLag.join(', ')}: an unread entry was deleted by hand. Autoscalers read it`,
        'it is known again when the lane has run empty',
      )

function ofStrangers({ strangers }: GroupFacts): Finding[] {
  const holding = strangers.filter(({ pending }) => pending > 0)
  const idle = strangers.filter(({ pending }) => pending === 0)
  const held = holding.reduce((sum, { pending }) => sum + pending, 0)
  const found: Finding[] = []
  if (holding.length > 0) {
    const detail = `${held} entries are held by ${named(holding)}, not registered as workers`
    const advice = 'a worker that has been up for its lease takes them over; start one'
    found.push(finding('warning', 'pending-without-worker', detail, advice))
  }
  if (idle.length > 0) {
    found.push(finding('advice', 'consumers-without-worker', named(idle), 'repair(…, { apply: true })'))
  }
  return found
}

function ofRecords(records: RecordFacts): Finding[] {
  const { strays, gone, withoutRecord, junk, eternal, unlisted, stale, isComplete } = records
  const { bytesPerRecord, bytesPerEntry } = records
  const looked = `${records.records} records, ${records.entries} entries`
  return [
    isComplete
      ? finding('ok', 'looked-at', looked)
      : finding(
          'advice',
          'looked-at',
          `${looked}: cut short at the limit; what is said of records is of those`,
          'diagnose(…, { limit })',
        ),
    ...(bytesPerRecord === undefined
      ? []
      : [finding('ok', 'memory-per-task', `record ${bytesPerRecord} bytes, entry ${bytesPerEntry ?? 0}`)]),
    ...some(strays, 'problem', 'strays', 'no worker will ever take them', 'repair(…, { apply: true })'),
    ...some(
      gone,
      'problem',
      'calls-gone',
      'no worker can ever run them, their call is gone',
      'call them again; queue.handle(id).get() rejects with TaskLostError and lets the record go',
    ),
    ...some(
      withoutRecord,
      'warning',
      'entries-without-record',
      'their record was deleted or evicted',
      'workers put them into quarantine',
    ),
    ...some(
      unlisted,
      unlisted.some((name) => name.startsWith('schedule:')) ? 'problem' : 'warning',
      'unlisted',
      'no list names them: tasks are neither counted nor listed as waiting, schedules are never due',
      'repair(…, { apply: true })',
    ),
    ...some(
      stale,
      'warning',
      'stale',
      'lists name them, and they are not there',
      'repair(…, { apply: true })',
    ),
    ...some(junk, 'warning', 'junk', 'keys in the place of records', 'delete them by hand'),
    ...some(eternal, 'warning', 'no-expiry', 'keys that should expire and do not', 'PEXPIRE them by hand'),
  ]
}

const named = (consumers: readonly { readonly name: string }[]): string =>
  listed(consumers.map(({ name }) => name))
