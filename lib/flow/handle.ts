/** A flow that has begun, here or elsewhere: its result as one, what each of its tasks does, and its end by a word. */

import type { PendingCall } from '../call/batch.ts'
import { type GetOptions, TaskHandle } from '../call/handle.ts'
import type { TaskServices } from '../call/services.ts'
import { isEndState, type TaskInfo, type TaskState } from '../record.ts'
import { portions } from '../redis/tasks.ts'
import type { Shape } from './plan.ts'

/** A task of a flow as it is now. */
export interface FlowTask {
  readonly id: string
  /** `gone`: there is no record of it (any more). Callbacks whose case did not come are not listed. */
  readonly state: TaskState | 'gone'
  /** Ids of those that it waits or waited for; and of those that wait for it. */
  readonly after: readonly string[]
  readonly next: readonly string[]
  readonly info: TaskInfo | null
}

export interface FlowTree {
  readonly id: string
  /**
   * `succeeded`: all that its result is made of has; `failed`, `cancelled`, `expired`, `gone`: one of those did not, in this
   * order; `running`: one task at least has begun; else `waiting`.
   */
  readonly state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'expired' | 'gone'
  /** Those that come first, first. */
  readonly tasks: readonly FlowTask[]
}

export interface FlowMember {
  readonly id: string
  readonly after: readonly string[]
  /** Of this process. */
  readonly call?: PendingCall | undefined
}

interface FlowParts {
  readonly id: string
  readonly services: TaskServices
  readonly members: readonly FlowMember[]
  readonly shape: Shape
}

export class FlowHandle<R = unknown> {
  readonly id: string
  readonly #services: TaskServices
  readonly #members: readonly FlowMember[]
  readonly #shape: Shape
  readonly #handles = new Map<string, TaskHandle>()

  /** Made by `flow.start()`, or by `queue.flow(id)`. */
  constructor({ id, services, members, shape }: FlowParts) {
    this.id = id
    this.#services = services
    this.#members = inOrder(members)
    this.#shape = shape
    for (const { id: member, call } of this.#members) {
      this.#handles.set(member, new TaskHandle(member, services, call))
    }
  }

  /** Of all its tasks, callbacks too: those that come first, first. */
  get handles(): readonly TaskHandle[] {
    return [...this.#handles.values()]
  }

  /** Of those whose results are the flow's: to be waited for by others (`after`). */
  get ends(): readonly TaskHandle[] {
    return idsIn(this.#shape).map((id) => this.#handleOf(id))
  }

  /** Resolves when Redis has accepted the flow, as a whole; rejects as `enqueued` of a task does. */
  get enqueued(): Promise<void> {
    return this.handles[0]!.enqueued
  }

  /**
   * What its last step gives; of a group the list of what its parts give. Rejects as `get` of a task does: where a task
   * before the last one did not succeed, with TaskFailedError whose cause is a DependencyError, and its cause what went
   * wrong first. `cancelOnAbort` cancels the whole flow.
   */
  async get(options?: GetOptions): Promise<R> {
    const { cancelOnAbort, ...rest } = options ?? {}
    // Somebody sees it fail, as a whole.
    this.enqueued.catch(() => {})
    try {
      return (await this.#collect(this.#shape, rest)) as R
    } catch (error) {
      const { signal } = rest
      if (cancelOnAbort && signal?.aborted && error === signal.reason) {
        this.cancel('nobody waits for it any more').catch(this.#services.onError)
      }
      throw error
    }
  }

  /** How each of its tasks stands. Reads all of their records: some ms for a hundred. */
  async tree(): Promise<FlowTree> {
    const infos = await this.#infos()
    const next = new Map<string, string[]>()
    for (const { id, after } of this.#members) {
      for (const parent of after) next.set(parent, [...(next.get(parent) ?? []), id])
    }
    const ends = new Set(idsIn(this.#shape))
    // A callback whose case did not come has vanished, and is missed by nobody.
    const members = this.#members.filter(({ id }) => ends.has(id) || infos.get(id) || next.has(id))
    const tasks = members.map(({ id, after }) => {
      const info = infos.get(id) ?? null
      return { id, state: info?.state ?? ('gone' as const), after, next: next.get(id) ?? [], info }
    })
    return { id: this.id, state: stateOf(tasks, ends), tasks }
  }

  /**
   * Cancels what has not ended, callbacks too: what has not begun never will, what runs is told. Answers how many tasks.
   */
  async cancel(reason?: string): Promise<number> {
    await this.enqueued
    const infos = await this.#infos()
    const open = this.#members.filter(({ id }) => {
      const state = infos.get(id)?.state
      return state !== undefined && !isEndState(state)
    })
    let count = 0
    // From the end: none of them is to fail because of the one before it.
    for (const members of portions(open.reverse())) {
      const answers = await Promise.all(members.map(({ id }) => this.#services.cancel(id, reason)))
      count += answers.filter((answer) => answer === 'cancelled' || answer === 'running').length
    }
    return count
  }

  /**
   * Runs again what failed, expired or was cancelled; what came after it waits for it again, and what has succeeded stays.
   * Answers how many tasks. Callbacks of earlier failures do not come back. Wait for the result with a new `get()`.
   */
  async retry(): Promise<number> {
    const infos = await this.#infos()
    const ended = this.#members.filter(({ id }) => {
      const state = infos.get(id)?.state
      return state !== undefined && isEndState(state) && state !== 'succeeded'
    })
    const admin = await this.#services.admin()
    let count = 0
    // From the beginning: who waits for another finds it alive.
    for (const members of portions(ended)) {
      const answers = await admin.redrive(members.map(({ id }) => id))
      answers.forEach((answer, index) => {
        if (answer !== 'retried') return
        count += 1
        const { id } = members[index]!
        // The one before keeps the outcome that it has seen.
        this.#handles.set(id, new TaskHandle(id, this.#services))
      })
    }
    return count
  }

  #handleOf(id: string): TaskHandle {
    return this.#handles.get(id) ?? new TaskHandle(id, this.#services)
  }

  #collect(shape: Shape, options: GetOptions): Promise<unknown> {
    if (typeof shape === 'string') return this.#handleOf(shape).get(options)
    return Promise.all(shape.map((part) => this.#collect(part, options)))
  }

  async #infos(): Promise<Map<string, TaskInfo | null>> {
    const infos = new Map<string, TaskInfo | null>()
    for (const members of portions(this.#members)) {
      const some = await Promise.all(members.map(({ id }) => this.#services.inspect(id)))
      members.forEach(({ id }, index) => {
        infos.set(id, some[index] ?? null)
      })
    }
    return infos
  }
}

const idsIn = (shape: Shape): readonly string[] =>
  typeof shape === 'string' ? [shape] : shape.flatMap(idsIn)

/** Parents before their children; Redis gives them in no order. */
function inOrder(members: readonly FlowMember[]): readonly FlowMember[] {
  const left = new Map(members.map((member) => [member.id, member]))
  const sorted: FlowMember[] = []
  const waits = new Map<string, number>()
  const next = new Map<string, FlowMember[]>()
  for (const member of members) {
    const inside = member.after.filter((id) => left.has(id))
    waits.set(member.id, inside.length)
    for (const id of inside) next.set(id, [...(next.get(id) ?? []), member])
    if (inside.length === 0) sorted.push(member)
  }
  for (const member of sorted) {
    for (const child of next.get(member.id) ?? []) {
      const count = waits.get(child.id)! - 1
      waits.set(child.id, count)
      if (count === 0) sorted.push(child)
    }
  }
  return sorted
}

const NOT_WELL = ['failed', 'cancelled', 'expired', 'gone'] as const

function stateOf(tasks: readonly FlowTask[], ends: ReadonlySet<string>): FlowTree['state'] {
  const states = tasks.filter(({ id }) => ends.has(id)).map(({ state }) => state)
  const bad = NOT_WELL.find((state) => states.includes(state))
  if (bad) return bad
  if (states.every((state) => state === 'succeeded')) return 'succeeded'
  const isBegun = ({ state, info }: FlowTask): boolean =>
    state === 'running' || isEndState(state) || (info?.attempt ?? 0) > 0
  return tasks.some(isBegun) ? 'running' : 'waiting'
}
