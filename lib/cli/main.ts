/** Puts the commands together, runs the one that is asked for, and says how it ended. */

import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { toError } from '../report.ts'
import { addCall } from './commands/call.ts'
import { addCompletion } from './commands/completion.ts'
import { addConfig } from './commands/config.ts'
import { addDev } from './commands/dev.ts'
import { addDoctor } from './commands/doctor.ts'
import { addEvents } from './commands/events.ts'
import { addFailed } from './commands/failed.ts'
import { addInfo } from './commands/info.ts'
import { addKeda } from './commands/keda.ts'
import { addQueue } from './commands/queue.ts'
import { addSchedule } from './commands/schedule.ts'
import { addTask } from './commands/task.ts'
import { addWorker } from './commands/worker.ts'
import { exitCodeOf } from './exit.ts'

const HELP = `
Exit codes: 0 done, 1 the task failed, 2 wrong usage, 69 Redis cannot be reached, 75 not in time, 130 and 143 signals.
Every command explains itself: millrace help call`

/** In the order of the help. */
const COMMANDS = [
  ...[addDev, addWorker, addCall, addInfo, addEvents, addTask, addFailed, addSchedule, addQueue, addDoctor],
  ...[addConfig, addKeda, addCompletion],
]

/** Answers the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const program = new Command('millrace')
    .description('Task queue and RPC over Redis Streams')
    .version(version(), '-V, --version')
    .addHelpText('after', HELP)
  for (const add of COMMANDS) add(program)
  for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
    // An option after a subcommand is the subcommand's.
    command.exitOverride().enablePositionalOptions().showHelpAfterError('(millrace help, or add --help)')
  }
  try {
    if (args.length === 0) program.help({ error: true })
    await program.parseAsync([...args], { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (thrown) {
    const error = toError(thrown)
    // Commander has said it.
    if (!(error instanceof CommanderError) && error.message !== '') {
      process.stderr.write(`millrace: ${error.message}\n`)
    }
    return exitCodeOf(error)
  }
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
