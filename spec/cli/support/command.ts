/** The real command in real processes, and in a terminal of its own. */

import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { LOADER } from '../../support/loader.ts'
import { type Child, type ChildOptions, start } from '../../support/processes.ts'

export const BIN = fileURLToPath(new URL('../../../lib/cli/bin.ts', import.meta.url))
/** As the command can import it; how it reads TypeScript is shown apart. */
export const TASKS = fileURLToPath(import.meta.resolve('./tasks.ts'))

export interface Ended {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

interface Options {
  readonly env?: Record<string, string>
  readonly cwd?: string
  /** Given to stdin. */
  readonly input?: string
}

/** Runs the command to its end. */
export async function millrace(
  args: readonly string[],
  { env, cwd, input = '' }: Options = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [...LOADER, BIN, ...args], {
    ...{ cwd, env: { ...process.env, NODE_OPTIONS: '', ...env }, stdio: ['pipe', 'pipe', 'pipe'] },
  })
  child.stdin.end(input)
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  const code = await new Promise<number | string>((resolve) => {
    child.on('close', (status, signal) => resolve(signal ?? status ?? -1))
  })
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }
}

/** Starts the command; it goes on. */
export const startMillrace = (args: readonly string[], options: ChildOptions = {}): Child =>
  start(BIN, { ...options, args })

/** Starts it in a terminal of 80 columns: what it writes there is its output. */
export function inTerminal(args: readonly string[], env: Record<string, string>): Child {
  const words = [process.execPath, ...LOADER, BIN, ...args]
  const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const runner = fileURLToPath(new URL('./terminal.mjs', import.meta.url))
  const child = start(runner, {
    plain: true,
    hasChannel: true,
    args: [`stty cols 80; exec ${line}`],
    env: { ...env, TERM: 'xterm' },
  })
  return Object.assign(Object.create(child) as Child, {
    // By SIGKILL it would leave script(1) and the command behind.
    async [Symbol.asyncDispose]() {
      child.signal('SIGTERM')
      await Promise.race([child.ended, delay(2_000)])
      await child[Symbol.asyncDispose]()
    },
  })
}
