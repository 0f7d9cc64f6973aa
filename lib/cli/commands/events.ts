/** `events`: what the workers of a queue do, line by line, until Ctrl-C. */

import type { Command } from 'commander'
import type { QueueEvent } from '../../redis/events.ts'
import { Context, connecting } from '../context.ts'
import { ExitError, exitCodeOfSignal } from '../exit.ts'
import { type Output, plain, type Style } from '../output.ts'
import type { Flags } from '../settings.ts'
import { showTime } from '../units.ts'

interface EventsFlags extends Flags {
  readonly queue?: string
  readonly name?: string
}

export function addEvents(program: Command): void {
  connecting(program.command('events'))
    .description('what the workers of a queue do, live, until Ctrl-C')
    .option('-q, --queue <name>', 'the queue (default: the only one there is)')
    .option('--name <task>', 'only tasks of this name')
    .action((flags: EventsFlags) => events(flags))
}

async function events(flags: EventsFlags): Promise<void> {
  await using context = await Context.of(flags)
  const queue = await context.queue(await context.nameOf(flags.queue))
  const stop = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => stop.abort(signal)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal)
  context.output.note(`millrace: listens to the workers of queue ${queue.name}`)
  for await (const event of queue.events({ signal: stop.signal })) {
    if (flags.name !== undefined && event.name !== undefined && event.name !== flags.name) continue
    context.output.data(event, () => lineOf(context.output, event))
  }
  // Ctrl-C is how it ends.
  if (stop.signal.reason === 'SIGTERM') throw new ExitError(exitCodeOfSignal('SIGTERM'), '')
}

const STYLES: Record<QueueEvent['type'], Style> = {
  ...{ started: 'gray', succeeded: 'green', failed: 'red', retry: 'yellow', cancelled: 'yellow' },
  ...{
    expired: 'yellow',
    parked: 'yellow',
    ready: 'cyan',
    dead: 'red',
    recovered: 'yellow',
    stopped: 'cyan',
  },
  dropped: 'yellow',
}

function lineOf(output: Output, event: QueueEvent): string {
  const { type, at, worker, name, id, attempt = 1, ms, delay, error, count } = event
  const parts = [
    output.paint('gray', at.toTimeString().slice(0, 8)),
    output.paint(STYLES[type], type.padEnd(9)),
    name !== undefined && plain(name),
    id !== undefined && plain(id),
    attempt > 1 && `attempt ${attempt}`,
    ms !== undefined && `in ${showTime(ms)}`,
    delay !== undefined && `next in ${showTime(delay)}`,
    count !== undefined && `${count} tasks`,
    error !== undefined && plain(error).replace(/\s+/g, ' '),
    output.paint('gray', plain(worker)),
  ]
  return parts.filter(Boolean).join('  ')
}
