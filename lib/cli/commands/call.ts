/** `call`, `send`, `result`: the caller's side from the shell. */

import type { Command } from 'commander'
import type { TaskHandle } from '../../call/handle.ts'
import { TaskFailedError, UnknownTaskError, WaitTimeoutError } from '../../errors.ts'
import { toError } from '../../report.ts'
import type { TaskOptions } from '../../task-options.ts'
import { ProgressLine } from '../bar.ts'
import { printChunks } from '../chunks.ts'
import { Context, connecting } from '../context.ts'
import { EXIT, ExitError, exitCodeOfSignal, usage } from '../exit.ts'
import { nearest } from '../near.ts'
import { plain, showValue } from '../output.ts'
import type { Flags } from '../settings.ts'
import { parseTime } from '../units.ts'

interface CallFlags extends Flags {
  readonly queue?: string
  readonly timeout?: string
  readonly force?: boolean
}

const EXAMPLES = {
  call: `
Examples:
  millrace call fib 100000                 wait for the result
  millrace call greet '"Ann"' --queue mail  a text needs its JSON quotes
  millrace call report '{"year":2026}' --timeout 5m --json
  millrace call tail '"app.log"' | grep error   what it yields, a line each, while it runs
Ctrl-C cancels the task. Exit codes: 1 it failed, 75 it did not end in time.`,
  send: `
Examples:
  millrace send mail '"ann@example.org"' '{"template":"welcome"}'
  millrace send cleanup --delay 10m --key cleanup`,
}

export function addCall(program: Command): void {
  connecting(program.command('call'))
    .description('call a task and wait for its result; prints what it yields as it comes')
    .argument('<name>', 'of the task')
    .argument('[args...]', 'its arguments, each as JSON')
    .option('-q, --queue <name>', 'the queue (default: the only one there is)')
    .option('--timeout <time>', 'how long to wait, such as 30s (default: as long as it takes)')
    .option('--force', 'call it although nobody knows that name or queue')
    .option('--priority <lane>', 'high, normal or low')
    .option('--key <key>', 'join the live task with this key')
    .addHelpText('after', EXAMPLES.call)
    .action((name: string, args: string[], flags: CallFlags) => call(name, args, flags))
  connecting(program.command('send'))
    .description('call a task and do not wait; prints its id')
    .argument('<name>', 'of the task')
    .argument('[args...]', 'its arguments, each as JSON')
    .option('-q, --queue <name>', 'the queue (default: the only one there is)')
    .option('--force', 'send it although nobody knows that name or queue')
    .option('--priority <lane>', 'high, normal or low')
    .option('--key <key>', 'join the live task with this key')
    .option('--delay <time>', 'begin after so long, such as 10m')
    .addHelpText('after', EXAMPLES.send)
    .action((name: string, args: string[], flags: CallFlags) => send(name, args, flags))
  connecting(program.command('result'))
    .description("a task's result; exit code 75 while it has none")
    .argument('<id>', 'of the task')
    .option('-q, --queue <name>', 'the queue (default: the only one there is)')
    .option('--wait', 'wait for it')
    .option('--timeout <time>', 'how long to wait, such as 30s (default: as long as it takes)')
    .action((id: string, flags: CallFlags & { wait?: boolean }) => result(id, flags))
}

async function call(name: string, args: readonly string[], flags: CallFlags): Promise<void> {
  const values = args.map(parseArgument)
  await using context = await Context.of(flags)
  const handle = await made(context, name, values, flags)
  await follow(context, handle, flags, true)
}

async function send(name: string, args: readonly string[], flags: CallFlags): Promise<void> {
  const values = args.map(parseArgument)
  await using context = await Context.of(flags)
  const handle = await made(context, name, values, flags)
  await handle.enqueued
  context.output.data({ id: handle.id, joined: handle.joined ?? false }, () => handle.id)
}

async function result(id: string, flags: CallFlags & { wait?: boolean }): Promise<void> {
  await using context = await Context.of(flags)
  const queue = await context.queue(await context.nameOf(flags.queue))
  const info = await queue.getTask(id)
  if (!info) throw new ExitError(EXIT.failed, `there is no task ${id} in queue ${queue.name}`)
  const hasEnded = info.finishedAt !== undefined
  if (!hasEnded && !flags.wait) {
    context.output.data({ id, state: info.state }, () => `${id} is ${info.state}`)
    throw new ExitError(EXIT.timeout, '')
  }
  await follow(context, queue.handle(id), flags, false)
}

async function made(
  context: Context,
  name: string,
  values: readonly unknown[],
  flags: CallFlags,
): Promise<TaskHandle<unknown>> {
  const isNew = flags.force && flags.queue !== undefined
  const queue = await context.queue(isNew ? flags.queue : await context.nameOf(flags.queue))
  if (!flags.force) {
    const workers = await queue.workers()
    const known = [...new Set(workers.flatMap(({ tasks }) => tasks))]
    if (workers.length === 0) context.output.note(`millrace: no worker of queue ${queue.name} is running`)
    else if (!known.includes(name)) throw usage(unknown(name, known))
  }
  const options: TaskOptions = {
    ...(flags.priority !== undefined && { priority: flags.priority as 'high' }),
    ...(flags.key !== undefined && { key: flags.key as string }),
    ...(flags.delay !== undefined && { delay: parseTime('--delay', flags.delay as string) }),
  }
  return queue.remote<(...args: unknown[]) => unknown>(name).with(options)(...values)
}

const unknown = (name: string, known: readonly string[]): string => {
  const near = nearest(name, known)
  const hint = near ? `did you mean ${near}?` : new UnknownTaskError(name, [...known]).message
  return `no running worker knows a task ${name}: ${hint} (--force calls it all the same)`
}

/** Waits, shows progress and, of a call of its own, what the task yields; prints what came of it. */
async function follow(
  { output }: Context,
  handle: TaskHandle<unknown>,
  flags: CallFlags,
  isOwn: boolean,
): Promise<void> {
  const timeout = flags.timeout === undefined ? undefined : parseTime('--timeout', flags.timeout)
  const line = new ProgressLine(output.streams.stderr)
  const interrupt = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => interrupt.abort(signal)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal)
  // Who reads what is printed has gone: `| head` has enough. For good: there may be several such errors.
  const onBroken = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') interrupt.abort('SIGPIPE')
  }
  output.streams.stdout.on('error', onBroken)
  const chunks = isOwn ? printChunks(handle, output, interrupt.signal, () => line.clear()) : undefined
  let problem: Error | undefined
  // Not waited for: it ends with the task, or when the queue is closed.
  if (output.streams.stderr.isTTY) void show(handle, line, interrupt.signal)
  try {
    const value = await handle.get({ signal: interrupt.signal, ...(timeout !== undefined && { timeout }) })
    const printed = await chunks
    interrupt.signal.throwIfAborted()
    problem = printed?.problem
    line.clear()
    // Most generators return nothing, and have been printed.
    if (output.isJson || !printed?.count || value !== undefined)
      output.data({ id: handle.id, state: 'succeeded', result: value }, () => showValue(value, false))
  } catch (thrown) {
    line.clear()
    if (interrupt.signal.aborted) {
      const signal = interrupt.signal.reason as NodeJS.Signals
      const answer = isOwn ? await handle.cancel(`${signal} at the command line`) : undefined
      await chunks
      throw new ExitError(exitCodeOfSignal(signal), answer ? `${handle.id}: ${answer}` : '')
    }
    const error = toError(thrown)
    if (error instanceof WaitTimeoutError) interrupt.abort('over')
    await chunks
    if (output.isJson) output.data({ id: handle.id, error }, () => '')
    if (error instanceof TaskFailedError) throw new ExitError(EXIT.failed, failure(error), { cause: error })
    throw error
  } finally {
    interrupt.abort('over')
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal)
  }
  if (problem)
    throw new ExitError(EXIT.failed, `not all that it yields: ${problem.message}`, { cause: problem })
}

async function show(handle: TaskHandle<unknown>, line: ProgressLine, over: AbortSignal): Promise<void> {
  try {
    for await (const value of handle.progress()) {
      if (over.aborted) return
      line.show(value)
    }
  } catch {
    // The wait itself says what is wrong.
  }
}

const failure = (error: TaskFailedError): string => {
  const cause = error.cause === undefined ? error : toError(error.cause)
  return `task failed: ${plain(cause.stack ?? `${cause.name}: ${cause.message}`)}`
}

function parseArgument(text: string, index: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const hint = /^[\w.@/-]+$/.test(text) ? `; a text needs quotes: '"${text}"'` : ''
    throw usage(`argument ${index + 1} is not JSON: ${text.slice(0, 80)}${hint}`)
  }
}
