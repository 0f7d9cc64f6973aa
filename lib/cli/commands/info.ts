/** `info`: one screen of queues and workers, once or again and again. */

import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { LANES, type TaskInfo } from '../../record.ts'
import type { Counts } from '../../redis/admin.ts'
import type { WorkerInfo } from '../../redis/workers.ts'
import { Context, connecting } from '../context.ts'
import { ago, oneLine } from '../describe.ts'
import { ExitError, exitCodeOfSignal } from '../exit.ts'
import { cut, type Output, type Style, table } from '../output.ts'
import type { Flags } from '../settings.ts'
import { parseTime, showNumber } from '../units.ts'
import { workersTable } from './workers.ts'

const BAR = 40
const MOST_RUNNING = 20
const [CLEAR_SCREEN, HIDE_CURSOR, SHOW_CURSOR] = ['\u{1b}[H\u{1b}[J', '\u{1b}[?25l', '\u{1b}[?25h']

interface QueueLook {
  readonly name: string
  readonly isPaused: boolean
  readonly counts: Counts
  /** When the task that waits longest was called. */
  readonly oldest: Date | undefined
  readonly workers: readonly WorkerInfo[]
  readonly running: readonly TaskInfo[]
}

interface Look {
  readonly at: Date
  readonly queues: readonly QueueLook[]
}

interface InfoFlags extends Flags {
  readonly queue?: string
  readonly watch?: boolean
  readonly every?: string
}

export function addInfo(program: Command): void {
  connecting(program.command('info'))
    .description('queues by state and lane, workers and what they run')
    .option('-q, --queue <name>', 'this queue alone')
    .option('--watch', 'again and again, until Ctrl-C')
    .option('--every <time>', 'with --watch: how often', '1s')
    .action((flags: InfoFlags) => info(flags))
}

async function info(flags: InfoFlags): Promise<void> {
  const every = parseTime('--every', flags.every ?? '1s')
  await using context = await Context.of(flags)
  const { output } = context
  let before: Look | undefined
  const stop = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => stop.abort(signal)
  if (flags.watch) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal)
  const isScreen = flags.watch === true && output.isRich
  if (isScreen) output.streams.stdout.write(HIDE_CURSOR)
  try {
    do {
      const look = await lookAt(context, flags.queue)
      const last = before
      if (isScreen) output.streams.stdout.write(CLEAR_SCREEN)
      output.data(dataOf(look, last), () => screen(output, look, last))
      before = look
      if (flags.watch) await delay(every, undefined, { signal: stop.signal }).catch(() => {})
    } while (flags.watch && !stop.signal.aborted)
  } finally {
    if (isScreen) output.streams.stdout.write(SHOW_CURSOR)
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
  // Ctrl-C is how a watch ends.
  if (stop.signal.reason === 'SIGTERM') throw new ExitError(exitCodeOfSignal('SIGTERM'), '')
}

async function lookAt(context: Context, only: string | undefined): Promise<Look> {
  const names = only === undefined ? await context.names() : [await context.nameOf(only)]
  const queues = await Promise.all(
    names.map(async (name): Promise<QueueLook> => {
      const queue = await context.queue(name)
      const [counts, isPaused, workers, running, ...first] = await Promise.all([
        queue.counts(),
        queue.isPaused(),
        queue.workers(),
        queue.tasks({ state: 'running', limit: MOST_RUNNING }),
        ...LANES.map((lane) => queue.tasks({ state: 'queued', lane, limit: 1 })),
      ])
      const created = first.flat().map(({ createdAt }) => createdAt.getTime())
      const oldest = created.length > 0 ? new Date(Math.min(...created)) : undefined
      return { name, isPaused, counts, oldest, workers, running }
    }),
  )
  return { at: new Date(), queues }
}

/** Tasks that have ended per second since the last look. */
function rateOf({ name, counts }: QueueLook, at: Date, before: Look | undefined): number | undefined {
  const last = before?.queues.find((queue) => queue.name === name)
  if (!before || !last) return undefined
  const total = ({ ended }: Counts): number => Object.values(ended).reduce((sum, n) => sum + n, 0)
  const seconds = (at.getTime() - before.at.getTime()) / 1_000
  return Math.max(0, (total(counts) - total(last.counts)) / Math.max(seconds, 0.001))
}

const dataOf = ({ at, queues }: Look, before: Look | undefined): object => ({
  at,
  queues: queues.map(({ running, ...queue }) => ({
    ...queue,
    rate: rateOf({ running, ...queue }, at, before) ?? null,
    running: running.map(({ id, name, worker, startedAt, attempt }) => ({
      id,
      name,
      worker,
      startedAt,
      attempt,
    })),
  })),
})

const STATES: readonly {
  readonly name: 'running' | 'queued' | 'waiting' | 'scheduled' | 'parked' | 'failed'
  readonly style: Style
}[] = [
  { name: 'running', style: 'green' },
  { name: 'queued', style: 'cyan' },
  { name: 'waiting', style: 'blue' },
  { name: 'scheduled', style: 'blue' },
  { name: 'parked', style: 'yellow' },
  { name: 'failed', style: 'red' },
]

function screen(output: Output, look: Look, before: Look | undefined): string {
  if (look.queues.length === 0) return 'no queues yet'
  const parts = look.queues.map((queue) => queuePart(output, queue, look.at, before))
  const workers = look.queues.flatMap(({ name, workers }) =>
    workers.map((worker) => ({ queue: name, ...worker })),
  )
  const running = look.queues.flatMap((queue) => queue.running)
  return [
    ...parts,
    workersTable(output, workers),
    ...(running.length > 0 ? [runningTable(running)] : []),
  ].join('\n\n')
}

function queuePart(output: Output, queue: QueueLook, at: Date, before: Look | undefined): string {
  const { name, counts, isPaused, oldest } = queue
  const rate = rateOf(queue, at, before)
  const head = [
    output.paint('bold', name),
    isPaused && output.paint('yellow', 'paused'),
    oldest && `oldest waits ${ago(oldest, at.getTime())}`,
    rate !== undefined && `${showNumber(rate)} ended/s`,
  ]
  const most = Math.max(1, ...STATES.map((state) => counts[state.name]))
  const bars = STATES.map(({ name: state, style }) => {
    const count = counts[state]
    const length = count === 0 ? 0 : Math.max(1, Math.round((count / most) * BAR))
    const lanes =
      state === 'queued' && count > counts.lanes.normal
        ? `  (${LANES.filter((lane) => counts.lanes[lane] > 0)
            .map((lane) => `${lane} ${showNumber(counts.lanes[lane])}`)
            .join(', ')})`
        : ''
    return `  ${state.padEnd(10)} ${showNumber(count).padStart(9)}  ${output.paint(style, '█'.repeat(length))}${lanes}`
  })
  const { succeeded, failed, cancelled, expired } = counts.ended
  const ended = `  ended so far: ${showNumber(succeeded)} succeeded, ${showNumber(failed)} failed, ${showNumber(cancelled)} cancelled, ${showNumber(expired)} expired`
  return [head.filter(Boolean).join('  '), ...bars, ended].join('\n')
}

const runningTable = (running: readonly TaskInfo[]): string =>
  table(
    ['running', 'id', 'for', 'worker', 'progress'],
    running.map(({ name, id, startedAt, worker, progress }) => [
      ...[name ?? '?', id, ago(startedAt), worker ?? '?'],
      progress === undefined ? '' : cut(oneLine(progress), 30),
    ]),
  )
