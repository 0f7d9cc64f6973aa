/** `doctor`: looks a queue and its Redis over, and puts strays back in line if told so. */

import type { Command } from 'commander'
import { type Diagnosis, diagnose } from '../../doctor/diagnose.ts'
import { type Repair, repair } from '../../doctor/repair.ts'
import { Context, connecting } from '../context.ts'
import { EXIT, ExitError } from '../exit.ts'
import { type Output, plain } from '../output.ts'
import type { Flags } from '../settings.ts'

interface DoctorFlags extends Flags {
  readonly queue?: string
  readonly repair?: boolean
  readonly apply?: boolean
}

export function addDoctor(program: Command): void {
  connecting(program.command('doctor'))
    .description('look a queue and its Redis over; exit code 1 where something is wrong')
    .option('-q, --queue <name>', 'the queue (default: the only one there is)')
    .option('--repair', 'say what would be put back in order')
    .option('--apply', 'with --repair: do it')
    .action((flags: DoctorFlags) => doctor(flags))
}

async function doctor(flags: DoctorFlags): Promise<void> {
  await using context = await Context.of(flags)
  const queue = await context.queue(await context.nameOf(flags.queue))
  if (flags.repair) {
    const done = await repair(queue, { apply: flags.apply === true })
    context.output.data(done, () => repairPage(done))
    return
  }
  const diagnosis = await diagnose(queue)
  context.output.data(diagnosis, () => page(context.output, diagnosis))
  if (!diagnosis.ok) throw new ExitError(EXIT.failed, '')
}

const STYLES = { ok: 'green', advice: 'cyan', warning: 'yellow', problem: 'red' } as const

function page(output: Output, { findings }: Diagnosis): string {
  return findings
    .map(({ level, what, detail, advice }) => {
      const head = `${output.paint(STYLES[level], level.padEnd(8))} ${what}: ${plain(detail)}`
      return advice === undefined ? head : `${head}\n         ${plain(advice)}`
    })
    .join('\n')
}

function repairPage({ isApplied, mended, held, relisted, gone, dismissed, isComplete }: Repair): string {
  const would = isApplied ? '' : 'would be '
  return [
    `${mended} tasks ${would}put back in line`,
    held > 0 && `${held} stay out of line: another live task holds their key`,
    relisted > 0 && `${relisted} entries of lists ${would}put right`,
    gone.length > 0 && `${gone.length} cannot be run, their calls are gone: ${gone.slice(0, 5).join(' ')}`,
    dismissed.length > 0 && `${dismissed.length} consumers without a worker ${would}removed`,
    !isComplete && 'there may be more: run it again',
    !isApplied && 'nothing was changed: add --apply to do it',
  ]
    .filter(Boolean)
    .join('\n')
}
