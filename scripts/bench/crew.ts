/**
 * The measuring processes: a producer and a worker for each system, and more where a case asks for them, started when
 * they are first needed. Every order has a deadline; a process that misses it is killed, and the next order starts a
 * new one.
 */

import { join } from 'node:path'
import { Member, type MemberOptions } from './member.ts'
import type { Duties, Duty } from './protocol.ts'
import type { SystemId } from './systems/system.ts'

/** Two that share the tasks are `worker` and `worker 2`. */
export type Role = 'producer' | 'worker' | `${string} ${number}`

export interface CrewOptions extends Pick<MemberOptions, 'place' | 'entry'> {
  /** Each process writes a CPU profile of its whole life into this folder, named <system>-<role>.cpuprofile. */
  readonly profiles: string | undefined
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

  /** Starts the process now, for who measures its beginning. Answers when, by clock.ts. */
  start(system: SystemId, role: Role): number {
    return this.#member(system, role).startedAt
  }

  /** Lets a process end that is of no more use. */
  async retire(system: SystemId, role: Role): Promise<void> {
    await this.#forget(system, role)?.end()
  }

  /** SIGKILL, as a machine dies: nothing is given back. */
  kill(system: SystemId, role: Role): void {
    this.#forget(system, role)?.kill()
  }

  /** After a failure: nobody knows what its processes still do. At the end they are left to end by themselves. */
  dismiss(system: SystemId): void {
    if (this.#isOver) return
    for (const [key, member] of this.#members) {
      if (member.system !== system) continue
      member.kill()
      this.#members.delete(key)
    }
  }

  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all([...this.#members.values()].map((member) => member.end()))
  }

  #forget(system: SystemId, role: Role): Member | undefined {
    const key = `${system} ${role}`
    const member = this.#members.get(key)
    this.#members.delete(key)
    return member
  }

  #member(system: SystemId, role: Role): Member {
    if (this.#isOver) throw new Error('the benchmark is over')
    const key = `${system} ${role}`
    const known = this.#members.get(key)
    if (known && !known.isGone) return known
    const { place, entry, profiles } = this.#options
    const profile =
      profiles === undefined ? undefined : join(profiles, `${key.replaceAll(' ', '-')}.cpuprofile`)
    const onGone = (): void => {
      // Its partners would wait for it in vain.
      if (this.#members.get(key) === member) this.dismiss(system)
    }
    const member: Member = new Member({ ...{ system, role, place, entry, profile }, onGone })
    this.#members.set(key, member)
    return member
  }
}
