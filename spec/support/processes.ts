/** Real processes for specs: started from TypeScript, heard line by line, killed for good at the end. */

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { LOADER, TSX } from './loader.ts'
import { until } from './until.ts'

export interface Child extends AsyncDisposable {
  readonly pid: number
  /** Everything it has printed so far, stdout and stderr. */
  readonly output: string
  /** Resolves when it has printed this; fails with all that it printed. */
  prints(text: string | RegExp, timeout?: number): Promise<RegExpMatchArray>
  signal(name: NodeJS.Signals): void
  /** Sends it a message, if it was started with a channel. */
  send(message: string): void
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>
}

export interface ChildOptions {
  readonly args?: readonly string[]
  readonly env?: Record<string, string>
  /** Runs it as it is: it is JavaScript. */
  readonly plain?: boolean
  readonly cwd?: string
  /** Starts it with an IPC channel. */
  readonly hasChannel?: boolean
  /** More for Node, ahead of the loader. */
  readonly execArgv?: readonly string[]
}

/** Most of it is the start of a process, which beside others has taken 22 s. */
const PATIENCE = 60_000

/** script: relative to the root of the project, or absolute. */
export function start(script: string, options: ChildOptions = {}): Child {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  // A guard is taken out of files as they are loaded (spec/chaos/without.mjs).
  const loader = options.env?.GUARD ? TSX : LOADER
  const child: ChildProcess = spawn(
    process.execPath,
    [...(options.execArgv ?? []), ...(options.plain ? [] : loader), script, ...(options.args ?? [])],
    {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe', ...(options.hasChannel ? (['ipc'] as const) : [])],
    },
  )
  let output = ''
  let end: number | string | undefined
  const hear = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => {
      end = signal ?? code ?? -1
      resolve(end)
    })
  })
  return {
    pid: child.pid as number,
    get output() {
      return output
    },
    ended,
    async prints(text, timeout = PATIENCE) {
      const find = (): RegExpMatchArray | null => {
        if (typeof text !== 'string') return output.match(text)
        return output.includes(text) ? [text] : null
      }
      try {
        return await until(
          `${script} to print ${text}`,
          () => {
            const found = find()
            if (!found && end !== undefined)
              throw new Error(`${script} ended (${end}) before it printed ${text}`)
            return found
          },
          timeout,
        )
      } catch (error) {
        throw new Error(`${(error as Error).message}\n--- it printed:\n${output}`)
      }
    },
    signal(name) {
      if (end === undefined) child.kill(name)
    },
    send(message) {
      if (child.connected) child.send(message)
    },
    async [Symbol.asyncDispose]() {
      if (end === undefined) {
        child.kill('SIGCONT')
        child.kill('SIGKILL')
      }
      await ended
    },
  }
}
