/** `worker ls`, `stacks`, `quiet`, `stop`: the workers that run, wherever they are. */

import type { Command } from 'commander'
import type { WorkerStacks } from '../../redis/stacks.ts'
import type { WorkerInfo } from '../../redis/workers.ts'
import { Context, connecting } from '../context.ts'
import { ago } from '../describe.ts'
import { EXIT, ExitError } from '../exit.ts'
import { type Output, plain, table } from '../output.ts'
import type { Flags } from '../settings.ts'
import { showTime } from '../units.ts'

export interface WorkersFlags extends Flags {
  readonly queue?: string
}

/** To the command `worker`. */
export function addWorkers(worker: Command): void {
  connecting(worker.command('ls'))
    .description('workers that run, of one queue or all')
    .option('-q, --queue <name>', 'of this queue alone')
    .action((flags: WorkersFlags) => ls(flags))
  connecting(worker.command('stacks'))
    .description('what each worker does now, and where its event loop is blocked')
    .argument('[id]', 'of one worker')
    .option('-q, --queue <name>', 'of this queue alone')
    .action((id: string | undefined, flags: WorkersFlags) => stacks(id, flags))
  for (const [verb, what] of [
    ['quiet', 'takes nothing more; what runs goes on'],
    ['stop', 'drains, and its process ends'],
  ] as const) {
    connecting(worker.command(verb))
      .description(`a worker, or all of a queue: ${what}`)
      .argument('<id>', 'of the worker, or all')
      .option('-q, --queue <name>', 'the queue (default: the only one there is)')
      .action((id: string, flags: WorkersFlags) => order(verb, id, flags))
  }
}

/** Asks each of them; one that is gone meanwhile is left out. */
async function stacks(id: string | undefined, flags: WorkersFlags): Promise<void> {
  await using context = await Context.of(flags)
  const names = flags.queue === undefined ? await context.names() : [await context.nameOf(flags.queue)]
  const found = await Promise.all(
    names.map(async (name) => {
      const queue = await context.queue(name)
      const ids = (await queue.workers())
        .map((worker) => worker.id)
        .filter((one) => id === undefined || one === id)
      return await Promise.all(
        ids.map(async (one) => ({ worker: one, queue: name, ...(await queue.stacks(one)) })),
      )
    }),
  )
  const workers = found.flat()
  if (id !== undefined && workers.length === 0) throw new ExitError(EXIT.failed, `there is no worker ${id}`)
  context.output.data(workers, () =>
    workers.length === 0
      ? 'no workers'
      : workers.map((worker) => stacksPage(context.output, worker)).join('\n\n'),
  )
}

function stacksPage(
  output: Output,
  {
    worker,
    queue,
    tasks = [],
    blocked,
    stack = [],
    problem,
  }: { worker: string; queue: string } & Partial<WorkerStacks>,
): string {
  const loop = blocked ? output.paint('red', `blocked for ${showTime(blocked)}`) : 'its event loop is free'
  return [
    `${output.paint('bold', worker)}  ${queue}  ${problem === undefined ? loop : output.paint('yellow', problem)}`,
    ...tasks.map(({ id, name, elapsed }) => `  ${name ?? '?'}  ${id}  for ${showTime(elapsed)}`),
    ...stack.map(
      ({ function: name, file, line }) => `    at ${plain(name || '<anonymous>')} (${plain(file)}:${line})`,
    ),
  ].join('\n')
}

async function ls(flags: WorkersFlags): Promise<void> {
  await using context = await Context.of(flags)
  const names = flags.queue === undefined ? await context.names() : [await context.nameOf(flags.queue)]
  const workers = await Promise.all(
    names.map(async (queue) =>
      (await (await context.queue(queue)).workers()).map((worker) => ({ queue, ...worker })),
    ),
  )
  context.output.data(workers.flat(), () => workersTable(context.output, workers.flat()))
}

export function workersTable(
  output: Output,
  workers: readonly (WorkerInfo & { readonly queue: string })[],
): string {
  if (workers.length === 0) return 'no workers'
  return table(
    ['worker', 'queue', 'state', 'running', 'of', 'host', 'pid', 'up', 'heard'],
    workers.map(({ id, queue, state, running, concurrency, host, pid, startedAt, lastBeat }) => [
      ...[id, queue, output.paint(state === 'running' ? 'green' : 'yellow', state), running, concurrency],
      ...[host, pid, ago(startedAt), `${ago(lastBeat)} ago`],
    ]),
  )
}

async function order(verb: 'quiet' | 'stop', id: string, flags: WorkersFlags): Promise<void> {
  await using context = await Context.of(flags)
  const queue = await context.queue(await context.nameOf(flags.queue))
  const told = verb === 'quiet' ? await queue.quietWorker(id) : await queue.stopWorker(id)
  context.output.data({ id, told }, () => (told === 1 ? '1 worker was told' : `${told} workers were told`))
  if (told === 0) throw new ExitError(EXIT.failed, `there is no worker ${id} of queue ${queue.name}`)
}
