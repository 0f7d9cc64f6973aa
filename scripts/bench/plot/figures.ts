/** Which rows of a report go into which picture, under which names. */

import type { Line } from '../lines.ts'
import type { Report } from '../report.ts'
import { type Bars, drawBars } from './bars.ts'
import { drawGrowth, type Panel } from './growth.ts'
import { drawRatios } from './ratios.ts'
import type { Theme } from './theme.ts'

export interface Drawing {
  /** Of the file, before `.light.svg`. */
  readonly name: string
  readonly draw: (theme: Theme) => string
}

/** Case and figure, an `s` before them for the strict row, and the label. */
type Choice = readonly [row: string, label: string]

interface BarFigure extends Pick<Bars, 'title' | 'subtitle' | 'unit'> {
  readonly name: string
  readonly choices: readonly Choice[]
}

const MORE = 'per second: longer bars are better'
const LESS = 'shorter bars are better'

const BAR_FIGURES: readonly BarFigure[] = [
  {
    ...{ name: 'enqueue', title: 'Enqueue', subtitle: `Calls accepted by Redis ${MORE}`, unit: '/s' },
    choices: [
      ['enqueue-single rate', 'single calls in flight'],
      ['enqueue-single-250 rate', '250 at a time'],
      ['enqueue-bulk rate', 'bulk'],
      ['enqueue-1k rate', '1 KiB arguments'],
      ['enqueue-16k rate', '16 KiB arguments'],
    ],
  },
  {
    ...{ name: 'drain', title: 'Drain: one worker, all tasks in line' },
    ...{
      subtitle: `Tasks run and acknowledged ${MORE}. c: tasks at once. Rivals are always strict`,
      unit: '/s',
    },
    choices: [
      ['drain-c1 rate', 'c = 1, prefetched'],
      ['strict drain-c1 rate', 'c = 1, strict'],
      ['drain-c10 rate', 'c = 10, prefetched'],
      ['strict drain-c10 rate', 'c = 10, strict'],
      ['drain-c100 rate', 'c = 100'],
      ['drain-c500 rate', 'c = 500'],
      ['drain-yield-c100 rate', 'c = 100, yielding handler'],
      ['drain-timer-c100 rate', 'c = 100, 1–5 ms timer'],
      ['drain-two rate', 'two processes, c = 100 each'],
    ],
  },
  {
    ...{ name: 'rpc', title: 'RPC throughput', subtitle: `Results that came back ${MORE}`, unit: '/s' },
    choices: [
      ['rpc-100 rate', '100 calls in flight'],
      ['rpc-1000 rate', '1,000 calls in flight'],
    ],
  },
  {
    ...{ name: 'latency', title: 'RPC latency, one call after the other' },
    ...{ subtitle: `From the call to its result: ${LESS}`, unit: ' µs' },
    choices: [
      ['rpc-1 p50', 'p50'],
      ['rpc-1 p90', 'p90'],
      ['rpc-1 p99', 'p99'],
    ],
  },
  {
    ...{ name: 'backlog', title: 'RPC latency beside a backlog' },
    ...{ subtitle: `The worker is busy with tasks of a lower lane, 2 ms each: ${LESS}`, unit: ' µs' },
    choices: [
      ['rpc-backlog p50', 'p50, prefetched'],
      ['strict rpc-backlog p50', 'p50, strict'],
      ['rpc-backlog p99', 'p99, prefetched'],
      ['strict rpc-backlog p99', 'p99, strict'],
    ],
  },
  {
    ...{ name: 'delay', title: 'Delayed tasks on an idle system' },
    ...{ subtitle: `From the moment that a task is due until its handler begins: ${LESS}`, unit: ' ms' },
    choices: [
      ['delay p50', 'one at a time, p50'],
      ['delay p99', 'one at a time, p99'],
      ['delay together', '1,000 at once, the last'],
    ],
  },
  {
    ...{
      name: 'cpu',
      title: "CPU of a task's life",
      subtitle: `From enqueue to acknowledged result: ${LESS}`,
      unit: ' µs',
    },
    choices: [
      ['life cpu', 'Redis'],
      ['life producerCpu', 'Node, producer'],
      ['life workerCpu', 'Node, worker'],
    ],
  },
  {
    ...{
      name: 'memory',
      title: 'Memory of a task in Redis',
      subtitle: `Bytes per task: ${LESS}`,
      unit: ' B',
    },
    choices: [
      ['bytes-10 queued', '10 B, waiting'],
      ['bytes-10 completed', '10 B, finished'],
      ['bytes-200 queued', '200 B, waiting'],
      ['bytes-200 completed', '200 B, finished'],
      ['bytes-2k queued', '2 KiB, waiting'],
      ['bytes-2k completed', '2 KiB, finished'],
    ],
  },
]

const OVERVIEW: readonly Choice[] = [
  ['enqueue-single rate', 'enqueue, single calls'],
  ['enqueue-bulk rate', 'enqueue, bulk'],
  ['enqueue-1k rate', 'enqueue, 1 KiB arguments'],
  ['drain-c1 rate', 'drain, c = 1, prefetched'],
  ['strict drain-c1 rate', 'drain, c = 1, strict'],
  ['drain-c10 rate', 'drain, c = 10, prefetched'],
  ['strict drain-c10 rate', 'drain, c = 10, strict'],
  ['drain-c100 rate', 'drain, c = 100'],
  ['drain-c500 rate', 'drain, c = 500'],
  ['rpc-1 p50', 'RPC latency, p50'],
  ['rpc-100 rate', 'RPC, 100 in flight'],
  ['rpc-1000 rate', 'RPC, 1,000 in flight'],
  ['life cpu', 'Redis CPU per task'],
]

/** All that this report has figures for. */
export function drawingsOf(report: Report): Drawing[] {
  if (report.suite === 'growth') return growthOf(report)
  const found = rowsOf(report)
  const pick = (choices: readonly Choice[]) =>
    choices.flatMap(([row, label]) => {
      const line = found.get(row)
      return line?.figures.millrace ? [{ label, line }] : []
    })
  const drawings: Drawing[] = []
  for (const { name, choices, ...rest } of BAR_FIGURES) {
    const groups = pick(choices)
    if (groups.length === 0) continue
    const footnote = footnoteOf(
      report,
      groups.map(({ line }) => line),
    )
    drawings.push({ name, draw: (theme) => drawBars({ ...rest, groups, footnote }, theme) })
  }
  const groups = pick(OVERVIEW).filter(({ line }) => line.ratios.bullmq ?? line.ratios.bee)
  if (groups.length > 0) {
    const footnote = footnoteOf(
      report,
      groups.map(({ line }) => line),
    )
    const title = 'Millrace, how many times better'
    const subtitle =
      'Medians of the ratios within each round (rates, latency, CPU); logarithmic; right of 1 × is better'
    drawings.push({
      name: 'overview',
      draw: (theme) => drawRatios({ title, subtitle, groups, footnote }, theme),
    })
  }
  return drawings
}

function growthOf(report: Report): Drawing[] {
  const { lines } = report
  const find = (figure: string): Line | undefined => lines.find((line) => line.figure === figure)
  const most = /[\d,]+/.exec((find('enqueue_many') ?? find('counts_many'))?.title ?? '')?.[0] ?? 'many'
  const panel = (what: string, title: string, unit: string): Panel => ({
    ...{ title, unit },
    lines: ['empty', 'some', 'many', 'kept'].map((position) => find(`${what}_${position}`)),
  })
  const panels = [
    panel('enqueue', 'Enqueue', 'calls per second, higher is better'),
    panel('drain', 'Drain of the first 10,000', 'tasks per second, higher is better'),
    panel('lookUp', 'getTask', 'p50 in µs, lower is better'),
    panel('rpc', 'RPC in a higher lane', 'p50 in µs, lower is better'),
    panel('counts', 'Counts', 'p50 in µs, lower is better'),
  ].filter((one) => one.lines.some((line) => line?.figures.millrace))
  if (panels.length === 0) return []
  const axis = [
    ['0', 'waiting'],
    ['10,000', 'waiting'],
    [most, 'waiting'],
    [most, 'kept'],
  ] as const
  const footnote = footnoteOf(
    report,
    lines.filter(({ rounds }) => rounds > 0),
  )
  const title = 'Growth: the same work, while more and more waits or is kept'
  const subtitle = 'Level lines are good: speed does not depend on how much is there'
  return [{ name: 'growth', draw: (theme) => drawGrowth({ title, subtitle, panels, axis, footnote }, theme) }]
}

/** By case and figure. */
function rowsOf({ lines }: Report): Map<string, Line> {
  return new Map(
    lines.map((line) => [
      `${/\(strict\)$/.test(line.title) ? 'strict ' : ''}${line.case} ${line.figure}`,
      line,
    ]),
  )
}

function footnoteOf({ machine, startedAt, size, persistence }: Report, lines: readonly Line[]): string[] {
  const { packages } = machine
  const files = persistence === 'none' ? 'without persistence' : 'with appendfsync everysec'
  const counts = lines.map(({ rounds }) => rounds)
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  const rounds = least === most ? `${most}` : `${least} to ${most}`
  return [
    `${startedAt.slice(0, 10)}, ${size} run. Medians of ${rounds} interleaved rounds, lines from the lowest to the highest. Rivals at their default settings.`,
    `${machine.cpus}, Node ${machine.node}, Redis ${machine.redis} ${files}, bullmq ${packages.bullmq}, bee-queue ${packages['bee-queue']}.`,
  ]
}
