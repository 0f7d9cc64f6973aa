/** Tasks as tables and as pages, for people. */

import type { TaskInfo } from '../record.ts'
import { cut, type Output, plain, type Style, showValue, table } from './output.ts'
import { showTime } from './units.ts'

const MAX_CELL = 60

/** As programs read it: Dates as ISO text, errors as { name, message, code, stack }. */
export function asData(info: TaskInfo): object {
  return {
    ...info,
    error: errorData(info.error),
    errors: info.errors.map(({ error, ...rest }) => ({ ...rest, error: errorData(error) })),
  }
}

const errorData = (error: unknown): unknown =>
  error instanceof Error
    ? {
        name: error.name,
        message: error.message,
        code: (error as { code?: unknown }).code,
        stack: error.stack,
      }
    : error

export const oneLine = (value: unknown): string => cut(plain(showValue(value)).replace(/\s+/g, ' '), MAX_CELL)

export const ago = (date: Date | undefined, now = Date.now()): string =>
  date === undefined ? '-' : showTime(Math.max(0, now - date.getTime()))

const STYLES: Record<TaskInfo['state'], Style> = {
  ...{ running: 'green', queued: 'cyan', scheduled: 'blue', waiting: 'blue', parked: 'yellow' },
  ...{ succeeded: 'green', failed: 'red', cancelled: 'yellow', expired: 'yellow' },
}

export const paintState = (output: Output, state: TaskInfo['state']): string =>
  output.paint(STYLES[state], state)

export function taskTable(output: Output, tasks: readonly TaskInfo[]): string {
  if (tasks.length === 0) return 'no tasks'
  return table(
    ['id', 'task', 'state', 'lane', 'attempt', 'age', 'what'],
    tasks.map((info) => [
      ...[info.id, info.name ?? '?', paintState(output, info.state), info.lane, info.attempt],
      ago(info.createdAt),
      info.error === undefined
        ? `(${(info.args ?? ['…']).map(oneLine).join(', ')})`
        : oneLine(messageOf(info.error)),
    ]),
  )
}

export function taskPage(output: Output, info: TaskInfo): string {
  const when = (date: Date | undefined): string | undefined =>
    date && `${date.toISOString()} (${ago(date)} ago)`
  const ran = info.startedAt && info.finishedAt && info.finishedAt.getTime() - info.startedAt.getTime()
  const lines: [string, string | undefined][] = [
    ['task', `${info.queue}/${info.name ?? '?'}`],
    ['id', info.id],
    ['state', paintState(output, info.state)],
    ['lane', info.lane],
    ['arguments', info.args ? info.args.map((value) => showValue(value)).join(', ') : 'not kept'],
    ['progress', info.progress === undefined ? undefined : showValue(info.progress)],
    ['attempt', String(info.attempt)],
    ['crashes', info.crashes > 0 ? String(info.crashes) : undefined],
    ['worker', info.worker],
    ['key', info.key],
    ['cancel', info.cancelReason],
    ['created', when(info.createdAt)],
    ['due', info.nextRunAt?.toISOString()],
    ['started', when(info.startedAt)],
    ['finished', when(info.finishedAt)],
    ['took', ran === undefined ? undefined : showTime(ran)],
    ['result', info.state === 'succeeded' ? showValue(info.result) : undefined],
    ['error', info.error === undefined ? undefined : stackOf(info.error)],
  ]
  const earlier = info.errors.map(
    ({ attempt, at, error }) => `  attempt ${attempt}, ${when(at)}: ${messageOf(error)}`,
  )
  const shown = lines.filter(([, value]) => value !== undefined)
  const page = shown.map(([name, value]) => `${output.paint('bold', name.padEnd(10))} ${plain(value!)}`)
  return [...page, ...(earlier.length > 0 ? ['earlier errors', ...earlier.map(plain)] : [])].join('\n')
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : showValue(error)
const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? messageOf(error)) : showValue(error)
