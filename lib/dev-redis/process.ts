/**
 * One server process that never outlives its parent.
 *
 * Three ways lead to its end: `end()`; an `exit` handler, when the parent ends and forgot; a guard process,
 * when the parent could not run its handlers (SIGKILL, SIGTERM without a listener, a crash of Node). It is
 * killed, not shut down: nothing in it is meant to be kept. It never waits for the server to be ready:
 * that is dev-redis.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { FoundRedisServer } from './find.ts'

export interface ServerProcess {
  readonly pid: number | undefined
  /** Why the process is gone, or undefined while it is there. */
  gone(): string | undefined
  /** The last lines of what the server logged or complained about. */
  logTail(): string
  /** Kills it and resolves when it is gone. Safe twice. */
  end(): Promise<void>
}

/** Everything the `exit` handler has to end. */
const running = new Set<() => void>()
let listening = false

/** `temporary`: the folder goes with the parent. After `end()` it is the caller's to remove. */
export function startServer(
  server: FoundRedisServer,
  args: readonly string[],
  dir: string,
  temporary: boolean,
): ServerProcess {
  const log = join(dir, 'redis.log')
  const output = openSync(log, 'a')
  const child = spawn(server.command, args, {
    env: { ...process.env, ...server.env },
    stdio: ['ignore', output, output],
    // A process group of its own: ctrl-C reaches the parent, which may still need the server to end well.
    detached: true,
  })
  closeSync(output)
  // Who forgets end() must still be able to exit.
  child.unref()

  const guard = child.pid === undefined ? undefined : startGuard(child.pid, temporary ? dir : '')
  const endNow = () => {
    guard?.kill('SIGKILL')
    child.kill('SIGKILL')
    // The server may be writing a file into it at this moment.
    if (temporary) rmSync(dir, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 })
  }
  running.add(endNow)
  if (!listening) {
    listening = true
    process.once('exit', () => {
      for (const end of running) end()
    })
  }

  let gone: string | undefined
  const exited = new Promise<void>((done) => {
    const leave = (why: string) => {
      gone = why
      // From here on the pid can be given to another process, which the guard must not hit.
      guard?.kill('SIGKILL')
      done()
    }
    child.once('error', (error) => leave(error.message))
    child.once('exit', (code, signal) => leave(`it ended with ${signal ?? `code ${code}`}`))
  })
  return {
    pid: child.pid,
    gone: () => gone,
    logTail: () => readFileSync(log, 'utf8').trimEnd().split('\n').slice(-12).join('\n'),
    async end() {
      child.ref()
      child.kill('SIGKILL')
      await exited
      running.delete(endNow)
    },
  }
}

/**
 * Its stdin is a pipe that only this process holds, so `read` ends when this process does, however it does.
 * It is a sibling of the server, not its parent: so the server's pid, exit code and signals stay plain.
 */
function startGuard(pid: number, folder: string): ChildProcess {
  const script = 'read -r _; kill -9 "$1"; [ -z "$2" ] || rm -rf -- "$2"'
  const guard = spawn('/bin/sh', ['-c', script, 'millrace-redis-guard', `${pid}`, folder], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  // Without a guard the exit handler is still there.
  guard.once('error', () => {})
  guard.unref()
  const pipe = guard.stdin as unknown as Socket
  pipe.on('error', () => {})
  pipe.unref()
  return guard
}
