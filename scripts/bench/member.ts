/** One measuring process, seen from the parent: gets orders by IPC, each with a deadline. */

import { type ChildProcess, fork } from 'node:child_process'
import { now } from './clock.ts'
import type { Answer, Duty, Order } from './protocol.ts'
import { type Place, type SystemId, Unavailable } from './systems/system.ts'

/** The longest order takes some twenty seconds. */
const ORDER_TIMEOUT_MS = 60_000
const END_TIMEOUT_MS = 3_000

export interface MemberOptions {
  readonly system: SystemId
  readonly role: string
  readonly place: Place
  /** What it runs: compiled process.ts. */
  readonly entry: string
  /** File for a CPU profile. */
  readonly profile: string | undefined
  readonly onGone: () => void
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

export class Member {
  readonly system: SystemId
  /** When it was forked, by clock.ts. */
  readonly startedAt = now()
  readonly #child: ChildProcess
  readonly #open = new Map<number, Waiting>()
  readonly #name: string
  readonly #exited: Promise<void>
  readonly #ready: Promise<unknown>
  #last = 0
  isGone = false

  constructor({ system, role, place, entry, profile, onGone }: MemberOptions) {
    this.system = system
    this.#name = `${system} ${role}`
    const more = profile === undefined ? [] : [profile]
    this.#child = fork(entry, [system, place.url, place.library, ...more], {
      // Not the parent's loader.
      execArgv: [],
      // The report has stdout to itself.
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    this.#ready = this.#expect(0)
    this.#ready.catch(() => {})
    this.#child.on('message', (answer: Answer) => this.#answered(answer))
    this.#exited = new Promise((resolve) => {
      const leave = (how: string): void => {
        this.isGone = true
        for (const { reject } of this.#open.values()) reject(new Error(`${this.#name}: ${how}`))
        this.#open.clear()
        onGone()
        resolve()
      }
      this.#child.once('error', (error) => leave(error.message))
      this.#child.once('exit', (code, signal) => leave(`ended with ${signal ?? `code ${code}`}`))
    })
  }

  async tell(duty: Duty, order: unknown): Promise<unknown> {
    await this.#ready
    const id = ++this.#last
    const answer = this.#expect(id, duty)
    // If it is gone, `exit` says so to all that wait.
    this.#child.send({ id, duty, order } satisfies Order, () => {})
    return answer
  }

  /** It ends when its channel closes; only so does it write its profile. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    const kill = setTimeout(() => this.kill(), END_TIMEOUT_MS)
    await this.#exited
    clearTimeout(kill)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #expect(id: number, duty: string = 'start'): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#open.delete(id)
        reject(new Error(`${this.#name}: ${duty} took more than ${ORDER_TIMEOUT_MS / 1_000} s`))
        this.kill()
      }, ORDER_TIMEOUT_MS)
      const settled =
        <T>(settle: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer)
          settle(value)
        }
      this.#open.set(id, { resolve: settled(resolve), reject: settled(reject) })
    })
  }

  #answered(answer: Answer): void {
    const waiting = this.#open.get(answer.id)
    this.#open.delete(answer.id)
    if ('unavailable' in answer) waiting?.reject(new Unavailable(answer.unavailable))
    else if ('error' in answer) waiting?.reject(new Error(`${this.#name}: ${answer.error}`))
    else waiting?.resolve(answer.result)
  }
}
