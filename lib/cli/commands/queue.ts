/** `queue`: all queues at a glance, and what holds for a whole queue. */

import type { Command } from 'commander'
import type { Queue } from '../../queue.ts'
import { confirm } from '../confirm.ts'
import { Context, connecting } from '../context.ts'
import { table } from '../output.ts'
import type { Flags } from '../settings.ts'
import { parseWhole, showNumber } from '../units.ts'
import { oneOf } from './task.ts'

const CLEARED = ['queued', 'waiting', 'scheduled', 'parked', 'failed'] as const

interface QueueFlags extends Flags {
  readonly yes?: boolean
  readonly worker?: string
}

export function addQueue(program: Command): void {
  const queue = program.command('queue').description('look at queues, pause, clear or change them')
  const one = (name: string, what: string): Command =>
    connecting(queue.command(name)).description(what).argument('<queue>', 'its name')
  connecting(queue.command('ls'))
    .description('all queues and how many tasks they have')
    .action((flags: QueueFlags) => ls(flags))
  one('pause', 'no worker takes a task until resume; what runs goes on').action(
    (name: string, flags: QueueFlags) => change(name, flags, (of) => of.pause(), 'paused'),
  )
  one('resume', 'workers take tasks again').action((name: string, flags: QueueFlags) =>
    change(name, flags, (of) => of.resume(), 'resumed'),
  )
  one('clear', 'remove all tasks of a state')
    .argument('<state>', CLEARED.join(', '))
    .option('--yes', 'without asking')
    .action((name: string, state: string, flags: QueueFlags) => clear(name, state, flags))
  one('concurrency', 'how many handlers run at once, now and later')
    .argument('<n>', 'a number, or default: as their options say')
    .option('--worker <id>', 'of this worker alone', 'all')
    .action((name: string, n: string, flags: QueueFlags) => concurrency(name, n, flags))
}

async function ls(flags: QueueFlags): Promise<void> {
  await using context = await Context.of(flags)
  const queues = await Promise.all(
    (await context.names()).map(async (name) => {
      const queue = await context.queue(await context.nameOf(name))
      const [counts, isPaused] = await Promise.all([queue.counts(), queue.isPaused()])
      return { name, isPaused, ...counts }
    }),
  )
  context.output.data(queues, () =>
    queues.length === 0
      ? 'no queues yet'
      : table(
          ['queue', 'queued', 'running', 'waiting', 'scheduled', 'parked', 'failed', 'succeeded', ''],
          queues.map(({ name, queued, running, waiting, scheduled, parked, failed, ended, isPaused }) => [
            ...[name, queued, running, waiting, scheduled, parked, failed, ended.succeeded],
            isPaused ? context.output.paint('yellow', 'paused') : '',
          ]),
        ),
  )
}

async function change(
  name: string,
  flags: QueueFlags,
  verb: (queue: Queue) => Promise<unknown>,
  done: string,
): Promise<void> {
  await using context = await Context.of(flags)
  await verb(await context.queue(await context.nameOf(name)))
  context.output.data({ queue: name, answer: done }, () => `${name}: ${done}`)
}

async function clear(name: string, given: string, flags: QueueFlags): Promise<void> {
  const state = oneOf('state', given, CLEARED)
  await using context = await Context.of(flags)
  const queue = await context.queue(await context.nameOf(name))
  const { [state]: count } = await queue.counts()
  if (count > 0) {
    await confirm(context.output, `remove ${showNumber(count)} ${state} tasks of ${name}`, flags.yes === true)
  }
  const removed = await queue.clear(state)
  context.output.data({ queue: name, removed }, () => `${name}: ${showNumber(removed)} removed`)
}

async function concurrency(name: string, given: string, flags: QueueFlags): Promise<void> {
  const n = given === 'default' ? null : parseWhole('concurrency', given)
  const worker = flags.worker ?? 'all'
  await using context = await Context.of(flags)
  const isThere = await (await context.queue(await context.nameOf(name))).setConcurrency(worker, n)
  const answer = isThere ? 'set' : 'none'
  context.output.data({ queue: name, worker, answer }, () =>
    isThere
      ? `${name}: ${worker === 'all' ? 'all workers' : worker} now ${given}`
      : `there is no worker ${worker}`,
  )
  if (!isThere) process.exitCode = 1
}
