/** `task`: look at single tasks, and do something about them. */

import type { Command } from 'commander'
import { LANES, type Lane } from '../../record.ts'
import { LISTED, type ListedState } from '../../redis/admin.ts'
import { Context, connecting } from '../context.ts'
import { asData, taskPage, taskTable } from '../describe.ts'
import { EXIT, ExitError, usage } from '../exit.ts'
import { nearest } from '../near.ts'
import type { Flags } from '../settings.ts'
import { parseWhole } from '../units.ts'

interface TaskFlags extends Flags {
  readonly queue?: string
  readonly state?: string
  readonly lane?: string
  readonly name?: string
  readonly limit?: string
}

/** What is answered about a task that is as it was asked to be. */
const DONE = ['retried', 'cancelled', 'running', 'removed', 'moved', 'there']

export function addTask(program: Command): void {
  const task = program.command('task').description('look at tasks, retry, cancel, remove or move them')
  const one = (name: string, what: string): Command =>
    connecting(task.command(name))
      .description(what)
      .argument('<id>', 'of the task')
      .option(...QUEUE)
  connecting(task.command('ls'))
    .description('tasks in a state')
    .option(...QUEUE)
    .option('--state <state>', `one of ${LISTED.join(', ')}`, 'queued')
    .option('--lane <lane>', `of those that are queued: ${LANES.join(', ')}`)
    .option('--name <task>', 'only those of this name')
    .option('--limit <n>', 'so many at most', '100')
    .action((flags: TaskFlags) => ls(flags))
  one('show', 'all that is known of a task').action((id: string, flags: TaskFlags) => show(id, flags))
  one('retry', 'run a task again that failed, expired or was cancelled').action(
    (id: string, flags: TaskFlags) => act(id, flags, (queue) => queue.retry(id)),
  )
  one('cancel', 'cancel a task: it never begins, or its signal aborts')
    .option('--reason <text>', 'told to its handler and its callers', '')
    .action((id: string, flags: TaskFlags & { reason: string }) =>
      act(id, flags, (queue) => queue.cancel(id, flags.reason)),
    )
  one('rm', 'remove a task and all that is known of it').action((id: string, flags: TaskFlags) =>
    act(id, flags, (queue) => queue.remove(id)),
  )
  one('move', 'move a waiting task to the end of another lane')
    .argument('<lane>', LANES.join(', '))
    .action((id: string, lane: string, flags: TaskFlags) =>
      act(id, flags, (queue) => queue.move(id, oneOf('lane', lane, LANES))),
    )
}

const QUEUE = ['-q, --queue <name>', 'the queue (default: the only one there is)'] as const

async function ls(flags: TaskFlags): Promise<void> {
  const state = oneOf<ListedState>('--state', flags.state ?? 'queued', LISTED)
  const lane = flags.lane === undefined ? undefined : oneOf<Lane>('--lane', flags.lane, LANES)
  const limit = parseWhole('--limit', flags.limit ?? '100')
  await using context = await Context.of(flags)
  const queue = await context.queue(await context.nameOf(flags.queue))
  const tasks = await queue.tasks({
    state,
    limit,
    ...(lane && { lane }),
    ...(flags.name && { name: flags.name }),
  })
  context.output.data(tasks.map(asData), () => taskTable(context.output, tasks))
}

async function show(id: string, flags: TaskFlags): Promise<void> {
  await using context = await Context.of(flags)
  const queue = await context.queue(await context.nameOf(flags.queue))
  const info = await queue.getTask(id)
  if (!info) throw new ExitError(EXIT.failed, `there is no task ${id} in queue ${queue.name}`)
  context.output.data(asData(info), () => taskPage(context.output, info))
}

async function act(
  id: string,
  flags: TaskFlags,
  verb: (queue: Awaited<ReturnType<Context['queue']>>) => Promise<string>,
): Promise<void> {
  await using context = await Context.of(flags)
  const answer = await verb(await context.queue(await context.nameOf(flags.queue)))
  context.output.data({ id, answer }, () => `${id}: ${SAYS[answer] ?? answer}`)
  if (!DONE.includes(answer)) throw new ExitError(EXIT.failed, '')
}

const SAYS: Readonly<Record<string, string>> = {
  retried: 'runs again',
  cancelled: 'cancelled',
  running: 'it runs',
  removed: 'removed',
  moved: 'moved',
  there: 'it is in that lane already',
  ended: 'it has ended already',
  alive: 'it has not ended',
  empty: 'its call was too large to be kept',
  none: 'there is no such task',
}

export function oneOf<W extends string>(what: string, word: string, words: readonly W[]): W {
  if (words.includes(word as W)) return word as W
  const near = nearest(word, words)
  throw usage(`${what}: ${word} is none of ${words.join(', ')}${near ? `; did you mean ${near}?` : ''}`)
}
