/**
 * One child process, from its fork to its end: passes its stderr through and keeps the tail, hears its messages, asks it
 * to end (SIGTERM) and kills it when it does not. Knows nothing of restarts.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { whyOf } from './death.ts'
import { HURRY, isChildMessage, SLOT_VARIABLE } from './messages.ts'

/** Kept of its stderr, bytes. A fatal error of V8 with its stack takes 3 KiB. */
const MAX_TAIL = 16 * 1024
/** For its last words to arrive: a process of its own that outlives it may hold the pipe open, ms. */
const LAST_WORDS = 500

/** What each child runs. */
export interface Program {
  /** A path, as of process.argv[1]. */
  readonly file: string
  /** Default: none. */
  readonly args?: readonly string[]
  /** For Node itself. Default: those of this process. */
  readonly execArgv?: readonly string[]
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv
}

export interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** A sentence without its subject, such as `exited with code 1`. */
  readonly why: string
  /** It had been told to end. */
  readonly asked: boolean
  /** And not by its supervisor: nothing is to take its place. */
  readonly isDone: boolean
  /** Ms. */
  readonly lived: number
}

export interface Ear {
  readonly onReady: (child: Forked) => void
  readonly onReplace: (child: Forked, why: string) => void
  readonly onKilled: (child: Forked, why: string) => void
}

export class Forked {
  /** Undefined: it could not be started. */
  readonly pid: number | undefined
  readonly ended: Promise<End>
  readonly #process: ChildProcess | undefined
  readonly #ear: Ear
  readonly #bornAt = performance.now()
  #isReady = false
  #asked = false
  #isDone = false
  #killed: string | undefined
  #isOver = false
  #tail = Buffer.alloc(0)
  #killTimer: NodeJS.Timeout | undefined
  #killAt = Number.POSITIVE_INFINITY
  #onReady: () => void = () => {}
  readonly #ready = new Promise<void>((resolve) => {
    this.#onReady = resolve
  })

  constructor(program: Program, slot: number, ear: Ear) {
    this.#ear = ear
    const { file, args = [], execArgv = process.execArgv, env = process.env } = program
    try {
      this.#process = fork(file, args, {
        execArgv: withoutPorts(execArgv),
        env: { ...env, [SLOT_VARIABLE]: String(slot) },
        stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      })
    } catch (error) {
      this.ended = Promise.resolve(this.#notStarted(error as Error))
      return
    }
    const child = this.#process
    this.pid = child.pid
    child.stderr?.on('data', (chunk: Buffer) => this.#hearStderr(chunk))
    child.on('message', (message) => this.#hear(message))
    this.ended = new Promise((resolve) => {
      // Also for a message that could not be sent, to a process that is ending anyway.
      child.on('error', (error) => {
        if (child.pid === undefined) resolve(this.#notStarted(error))
      })
      const closed = new Promise<void>((done) => child.once('close', () => done()))
      child.once('exit', async (code, signal) => {
        const lived = performance.now() - this.#bornAt
        clearTimeout(this.#killTimer)
        this.#isOver = true
        await Promise.race([closed, delay(LAST_WORDS)])
        const [tail, killed, isDone] = [this.#tail.toString(), this.#killed, this.#isDone]
        const asked = this.#asked || isDone
        resolve({ code, signal, asked, isDone, lived, why: whyOf({ code, signal, tail, asked, killed }) })
      })
    })
  }

  /** It has said so, and runs. */
  get isReady(): boolean {
    return this.#isReady && !this.#isOver
  }

  /** Waits for its word, `timeout` ms; false: it did not come, or the process has ended. */
  async readyWithin(timeout: number): Promise<boolean> {
    const waiting = new AbortController()
    const over = delay(timeout, undefined, { signal: waiting.signal }).catch(() => {})
    await Promise.race([this.#ready, this.ended, over])
    waiting.abort()
    return this.isReady
  }

  /** SIGTERM, and SIGKILL after `timeout` ms; 0: SIGKILL now. Safe twice: a shorter timeout cuts the first one short. */
  end(timeout: number): void {
    if (this.#isOver || !this.#process) return
    if (timeout === 0) {
      this.#kill('was to end at once')
      return
    }
    if (!this.#asked) this.#process.kill('SIGTERM')
    this.#asked = true
    this.#killWithin(timeout)
  }

  /** Asks one that drains to end at once, and kills it after `timeout` ms. */
  hurry(timeout: number): void {
    this.end(timeout)
    if (this.#process?.connected) this.#process.send(HURRY, () => {})
  }

  #killWithin(timeout: number): void {
    const at = performance.now() + timeout
    if (at >= this.#killAt) return
    this.#killAt = at
    clearTimeout(this.#killTimer)
    this.#killTimer = setTimeout(() => this.#kill(`did not end within ${timeout} ms`), timeout)
  }

  #kill(why: string): void {
    if (this.#isOver || this.#killed !== undefined) return
    this.#asked = true
    this.#killed = why
    this.#process?.kill('SIGKILL')
    this.#ear.onKilled(this, why)
  }

  #hear(message: unknown): void {
    if (!isChildMessage(message)) return
    if (message.millrace === 'replace') this.#ear.onReplace(this, message.why)
    else if (message.millrace === 'done') this.#isDone = true
    else if (!this.#isReady) {
      this.#isReady = true
      this.#onReady()
      this.#ear.onReady(this)
    }
  }

  #hearStderr(chunk: Buffer): void {
    process.stderr.write(chunk)
    this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-MAX_TAIL)
  }

  #notStarted(error: Error): End {
    this.#isOver = true
    const why = `could not be started: ${error.message}`
    return { code: null, signal: null, asked: false, isDone: false, lived: 0, why }
  }
}

/** A debugger's port can be had once; with 0 each process takes a free one, and prints it. */
const withoutPorts = (execArgv: readonly string[]): string[] =>
  execArgv.map((arg) => arg.replace(/^(--inspect(?:-brk|-wait)?)(?:=.*)?$/, '$1=0'))
