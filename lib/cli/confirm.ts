/** Asks before something is lost. */

import { createInterface } from 'node:readline/promises'
import { EXIT, ExitError, usage } from './exit.ts'
import type { Output } from './output.ts'

/** `what`: as in "remove 12 failed tasks". Throws ExitError where the answer is no, or nobody can be asked. */
export async function confirm(output: Output, what: string, isSure: boolean): Promise<void> {
  if (isSure) return
  if (!process.stdin.isTTY) throw usage(`this would ${what}: say --yes to do it`)
  const asking = createInterface({
    input: process.stdin,
    output: output.streams.stderr as NodeJS.WriteStream,
  })
  try {
    const answer = await asking.question(`${what[0]!.toUpperCase()}${what.slice(1)}? [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new ExitError(EXIT.failed, 'nothing was changed')
  } finally {
    asking.close()
  }
}
