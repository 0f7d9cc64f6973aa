/** `failed`: the dead letters, one by one, in groups, or all. */

import type { Command } from 'commander'
import type { FailedFilter } from '../../operations.ts'
import { confirm } from '../confirm.ts'
import { Context, connecting } from '../context.ts'
import { ago, asData, taskTable } from '../describe.ts'
import { EXIT, ExitError, usage } from '../exit.ts'
import { cut, table } from '../output.ts'
import type { Flags } from '../settings.ts'
import { parseWhole, showNumber } from '../units.ts'

interface FailedFlags extends Flags {
  readonly queue?: string
  readonly group?: string
  readonly name?: string
  readonly limit?: string
  readonly all?: boolean
  readonly yes?: boolean
}

const MOST = 1_000_000

export function addFailed(program: Command): void {
  const failed = program
    .command('failed')
    .description('failed tasks: look, retry, remove; one, a group or all')
  const filtered = (command: Command): Command =>
    connecting(command)
      .option('-q, --queue <name>', 'the queue (default: the only one there is)')
      .option('--group <fingerprint>', 'those that failed alike, as `failed groups` names them')
      .option('--name <task>', 'those of this name')
  filtered(failed.command('ls'))
    .description('failed tasks, the newest first')
    .option('--limit <n>', 'so many at most', '100')
    .action((flags: FailedFlags) => ls(flags))
  connecting(failed.command('groups'))
    .description('failed tasks in groups that failed alike, the largest first')
    .option('-q, --queue <name>', 'the queue (default: the only one there is)')
    .action((flags: FailedFlags) => groups(flags))
  for (const [verb, what] of [
    ['retry', 'run failed tasks again'],
    ['rm', 'remove failed tasks'],
  ] as const) {
    filtered(failed.command(verb))
      .description(what)
      .argument('[ids...]', 'of the tasks')
      .option('--all', 'all of them')
      .option('--yes', 'without asking')
      .action((ids: string[], flags: FailedFlags) => act(verb, ids, flags))
  }
}

const filterOf = ({ group, name }: FailedFlags): FailedFilter => ({
  ...(group && { fingerprint: group }),
  ...(name && { name }),
})

async function ls(flags: FailedFlags): Promise<void> {
  const limit = parseWhole('--limit', flags.limit ?? '100')
  await using context = await Context.of(flags)
  const queue = await context.queue(await context.nameOf(flags.queue))
  const tasks = await queue.tasks({ ...filterOf(flags), state: 'failed', limit })
  context.output.data(tasks.map(asData), () => taskTable(context.output, tasks))
}

async function groups(flags: FailedFlags): Promise<void> {
  await using context = await Context.of(flags)
  const queue = await context.queue(await context.nameOf(flags.queue))
  const found = await queue.failures()
  context.output.data(found, () =>
    found.length === 0
      ? 'nothing has failed'
      : table(
          ['group', 'count', 'task', 'error', 'newest', 'oldest', 'example'],
          found.map(({ fingerprint, count, name, error, newest, oldest, example }) => [
            ...[
              fingerprint,
              count,
              name ?? '?',
              cut(error, 60),
              `${ago(newest)} ago`,
              `${ago(oldest)} ago`,
              example,
            ],
          ]),
        ),
  )
}

async function act(verb: 'retry' | 'rm', ids: readonly string[], flags: FailedFlags): Promise<void> {
  const isFiltered = flags.group !== undefined || flags.name !== undefined || flags.all === true
  if (ids.length > 0 === isFiltered) throw usage('say which: ids, or one of --group, --name, --all')
  await using context = await Context.of(flags)
  const queue = await context.queue(await context.nameOf(flags.queue))
  const chosen =
    ids.length > 0
      ? ids
      : (await queue.tasks({ ...filterOf(flags), state: 'failed', limit: MOST })).map(({ id }) => id)
  if (ids.length === 0 && chosen.length > 0) {
    const what = `${verb === 'retry' ? 'retry' : 'remove'} ${showNumber(chosen.length)} failed tasks of ${queue.name}`
    await confirm(context.output, what, flags.yes === true)
  }
  const isWhole = flags.all === true && flags.group === undefined && flags.name === undefined
  let done = 0
  const refused: { id: string; answer: string }[] = []
  if (ids.length === 0 && verb === 'retry') done = await queue.retry(filterOf(flags))
  else if (isWhole) done = await queue.clear('failed')
  else {
    for (const id of chosen) {
      const answer: string = verb === 'retry' ? await queue.retry(id) : await queue.remove(id)
      if (answer === 'retried' || answer === 'removed') done += 1
      else refused.push({ id, answer })
    }
  }
  context.output.data({ done, refused }, () =>
    [
      `${showNumber(done)} ${verb === 'retry' ? 'run again' : 'removed'}`,
      ...refused.map(({ id, answer }) => `${id}: ${answer}`),
    ].join('\n'),
  )
  if (refused.length > 0 && ids.length > 0) throw new ExitError(EXIT.failed, '')
}
