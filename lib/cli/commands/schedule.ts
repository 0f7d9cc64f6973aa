/** `schedule`: calls that are made again and again: look, run, pause, resume, remove. */

import type { Command } from 'commander'
import type { Queue } from '../../queue.ts'
import type { ScheduleInfo } from '../../scheduling.ts'
import { confirm } from '../confirm.ts'
import { Context, connecting } from '../context.ts'
import { ago, oneLine } from '../describe.ts'
import { EXIT, ExitError } from '../exit.ts'
import { cut, plain, table } from '../output.ts'
import type { Flags } from '../settings.ts'
import { showTime } from '../units.ts'

interface ScheduleFlags extends Flags {
  readonly queue?: string
  readonly yes?: boolean
}

const QUEUE = ['-q, --queue <name>', 'the queue (default: the only one there is)'] as const

export function addSchedule(program: Command): void {
  const schedule = program
    .command('schedule')
    .description('look at schedules, run, pause, resume or remove them')
  const one = (name: string, what: string): Command =>
    connecting(schedule.command(name))
      .description(what)
      .argument('<name>', 'of the schedule')
      .option(...QUEUE)
  connecting(schedule.command('ls'))
    .description('all schedules, the next that is due first')
    .option(...QUEUE)
    .action((flags: ScheduleFlags) => ls(flags))
  one('run', 'make its call now, apart from its times').action((name: string, flags: ScheduleFlags) =>
    run(name, flags),
  )
  one('pause', 'no calls until resume').action((name: string, flags: ScheduleFlags) =>
    act(name, flags, 'paused', (queue) => queue.pauseSchedule(name)),
  )
  one('resume', 'go on with the next time from now').action((name: string, flags: ScheduleFlags) =>
    act(name, flags, 'resumed', (queue) => queue.resumeSchedule(name)),
  )
  one('rm', 'remove it; tasks that it has made go on')
    .option('--yes', 'without asking')
    .action((name: string, flags: ScheduleFlags) =>
      act(name, flags, 'removed', async (queue, { output }) => {
        if (await queue.hasSchedule(name))
          await confirm(output, `remove schedule ${name}`, flags.yes === true)
        return queue.unschedule(name)
      }),
    )
}

async function ls(flags: ScheduleFlags): Promise<void> {
  await using context = await Context.of(flags)
  const queue = await context.queue(await context.nameOf(flags.queue))
  const schedules = await queue.schedules()
  context.output.data(schedules, () =>
    schedules.length === 0
      ? 'no schedules'
      : table(
          ['schedule', 'task', 'when', 'next', 'last', ''],
          schedules.map((info) => [
            ...[plain(info.name), callOf(info), timesOf(info), info.next[0]?.toISOString() ?? '-'],
            info.lastRun ? `${ago(info.lastRun)} ago` : '-',
            stateOf(info),
          ]),
        ),
  )
}

const callOf = ({ task, args }: ScheduleInfo): string =>
  `${task ?? '?'}(${cut((args ?? ['…']).map(oneLine).join(', '), 40)})`

function timesOf({ cron, timezone, every, at }: ScheduleInfo): string {
  if (cron !== undefined) return `${plain(cron)} ${timezone}`
  const from = at && `${every === undefined ? 'at' : 'from'} ${at.toISOString()}`
  return [every !== undefined && `every ${showTime(every)}`, from].filter(Boolean).join(' ') || '?'
}

function stateOf({ isPaused, next, problem }: ScheduleInfo): string {
  if (problem !== undefined) return plain(problem)
  return isPaused ? 'paused' : next.length === 0 ? 'over' : ''
}

async function run(name: string, flags: ScheduleFlags): Promise<void> {
  await using context = await Context.of(flags)
  const queue = await context.queue(await context.nameOf(flags.queue))
  const handle = await queue.runSchedule(name)
  if (!handle) throw none(name, queue)
  context.output.data({ name, answer: 'run', id: handle.id }, () => `${name}: called as ${handle.id}`)
}

async function act(
  name: string,
  flags: ScheduleFlags,
  answer: string,
  verb: (queue: Queue, context: Context) => Promise<boolean>,
): Promise<void> {
  await using context = await Context.of(flags)
  const queue = await context.queue(await context.nameOf(flags.queue))
  if (!(await verb(queue, context))) throw none(name, queue)
  context.output.data({ name, answer }, () => `${name}: ${answer}`)
}

const none = (name: string, queue: Queue): ExitError =>
  new ExitError(EXIT.failed, `there is no schedule ${name} in queue ${queue.name}`)
