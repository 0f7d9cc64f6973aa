/** What the facts of schedules mean. */

import { type Finding, finding, some } from './finding.ts'
import type { ScheduleFacts } from './schedules.ts'

export function ofSchedules({
  schedules,
  isComplete,
  malformed,
  unknown,
  overdue,
}: ScheduleFacts): Finding[] {
  if (schedules === 0) return []
  return [
    isComplete
      ? finding('ok', 'schedules', String(schedules))
      : finding('advice', 'schedules', `${schedules}: cut short at the limit`, 'diagnose(…, { limit })'),
    ...some(
      malformed.map(({ name, problem }) => `${name}: ${problem}`),
      'problem',
      'schedules-malformed',
      'no worker can follow them',
      'define them again, or queue.unschedule(name)',
    ),
    ...some(
      overdue.map(({ name, due }) => `${name} since ${due.toISOString()}`),
      'problem',
      'schedules-overdue',
      'due for more than a minute while workers live',
      "look at the workers' error events: a right that is missing, OOM, an event loop that is blocked",
    ),
    ...some(
      unknown.map(({ name, task }) => `${name} calls ${task}`),
      'warning',
      'schedules-unknown',
      'no worker that lives knows their task: it will be parked, then fail',
      'start a worker that defines it, or queue.unschedule(name)',
    ),
  ]
}
