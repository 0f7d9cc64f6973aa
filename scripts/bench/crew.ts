/**
 * The measuring processes: a producer and a worker for each system, started when they are first needed. Every order
 * has a deadline; a process that misses it is killed, and the next order starts a new one.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Answer, Duties, Duty, Order } from './protocol.ts'
import type { Place, SystemId } from './systems/system.ts'

const ENTRY = fileURLToPath(new URL('process.ts', import.meta.url))
/** The longest measurement takes a few seconds. */
const ORDER_TIMEOUT_MS = 60_000
const END_TIMEOUT_MS = 3_000

export type Role = 'producer' | 'worker'

export interface CrewOptions {
  readonly place: Place
  /** Each process writes a CPU profile of its whole life into this folder, named <system>-<role>.cpuprofile. */
  readonly profiles: string | undefined
}

class Member {
  readonly #child: ChildProcess
  readonly #open = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>()
  readonly #name: string
  readonly #exited: Promise<void>
  readonly #ready: Promise<unknown>
  #last = 0
  isGone = false

  constructor(system: SystemId, role: Role, { place, profiles }: CrewOptions, onGone: () => void) {
    this.#name = `${system} ${role}`
    const profile = profiles === undefined ? [] : [join(profiles, `${system}-${role}.cpuprofile`)]
    this.#child = fork(ENTRY, [system, place.url, place.build, ...profile], {
      execArgv: ['--import', import.meta.resolve('tsx')],
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
    if ('error' in answer) waiting?.reject(new Error(`${this.#name}: ${answer.error}`))
    else waiting?.resolve(answer.result)
  }
}

export class Crew {
  readonly #options: CrewOptions
  readonly #members = new Map<string, Member>()
  #isOver = false

  constructor(options: CrewOptions) {
    this.#options = options
  }

  async tell<D extends Duty>(
    system: SystemId,
    role: Role,
    duty: D,
    ...order: Parameters<Duties[D]>
  ): Promise<Awaited<ReturnType<Duties[D]>>> {
    return (await this.#member(system, role).tell(duty, order[0])) as Awaited<ReturnType<Duties[D]>>
  }

  /** After a failure: nobody knows what its processes still do. At the end they are left to end by themselves. */
  dismiss(system: SystemId): void {
    if (this.#isOver) return
    for (const role of ['producer', 'worker'] as const) {
      this.#members.get(`${system} ${role}`)?.kill()
      this.#members.delete(`${system} ${role}`)
    }
  }

  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all([...this.#members.values()].map((member) => member.end()))
  }

  #member(system: SystemId, role: Role): Member {
    if (this.#isOver) throw new Error('the benchmark is over')
    const key = `${system} ${role}`
    const known = this.#members.get(key)
    if (known && !known.isGone) return known
    const member: Member = new Member(system, role, this.#options, () => {
      // Its partner would wait for it in vain.
      if (this.#members.get(key) === member) this.dismiss(system)
    })
    this.#members.set(key, member)
    return member
  }
}
