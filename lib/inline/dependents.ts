/**
 * Tasks that wait for the end of others, and the end that tells them: as lib/redis/lua/shared/parents.lua and
 * dependents.lua, without their bounds: nobody else waits for this process.
 */

import { type EndState, isEndState } from '../record.ts'
import type { Input } from '../redis/wire.ts'
import { encodeForm } from '../remote-error.ts'
import type { TaskRecord, Wish } from './record.ts'

/** How parents end so that a child with this policy goes on. */
const GOES_ON: Readonly<Record<string, string>> = { f: 's', c: 's', s: 's', e: 'fe', r: 'sfce', b: 'sfce' }
const ENDED: Readonly<Record<EndState, string>> = {
  ...{ succeeded: 'succeeded', failed: 'failed', cancelled: 'was cancelled', expired: 'expired' },
}
/** Ms that a callback which vanished can be read by whoever asked for it. */
const LAST_LOOK = 30_000
const MAX_CAUSE = 16_384

interface Ended {
  readonly attempt: number
  readonly ran: number
  readonly worker: string
  readonly ttl: number
}

/** What the ledger does. */
export interface Moves {
  readonly records: ReadonlyMap<string, TaskRecord>
  readonly ended: Record<EndState, number>
  goOn(record: TaskRecord): void
  settle(record: TaskRecord, state: EndState, value: Buffer, end: Ended): void
  settleCancelled(record: TaskRecord, reason: string, ttl: number): void
  retain(record: TaskRecord, ttl: number): void
  forget(record: TaskRecord): void
}

interface Told {
  readonly parent: TaskRecord
  /** Error of the first of those that ended because of another. */
  readonly root: Buffer | undefined
}

export class Dependents {
  readonly #ledger: Moves
  readonly #failedTtl: number
  /** Parents that have ended and whose children are not told yet; undefined: nobody is being told. */
  #list: Told[] | undefined
  #root: Buffer | undefined

  constructor(ledger: Moves, failedTtl: number) {
    this.#ledger = ledger
    this.#failedTtl = failedTtl
  }

  /** Takes what has ended, and is registered with the others. True: it waits. Its children's ends follow in `settle`. */
  begin(record: TaskRecord, wish: Wish): boolean {
    record.wish = wish
    record.needs = new Set()
    for (const id of new Set(wish.after)) {
      const parent = this.#ledger.records.get(id)
      if (!parent) continue
      if (isEndState(parent.state) && goesOn(wish.policy, parent.state)) take(record, parent)
      else record.needs.add(id)
    }
    for (const id of record.needs) {
      const parent = this.#ledger.records.get(id)!
      parent.children ??= new Set()
      parent.children.add(record.id)
    }
    return record.needs.size > 0
  }

  /** Whether all that it takes is still to be had. */
  canBeginAgain({ wish, inputs }: TaskRecord): boolean {
    if (!wish?.takes) return true
    return wish.after.every((id, number) => this.#ledger.records.has(id) || inputs[number] !== undefined)
  }

  /** Of one that has just begun to wait: those of its parents that have ended already so that it shall not run. */
  hearEnded(record: TaskRecord): void {
    for (const id of record.needs ?? []) {
      const parent = this.#ledger.records.get(id)
      if (parent && isEndState(parent.state)) this.tell(parent)
    }
  }

  /** The parent has ended. Those that end by that are told of in turn. */
  tell(parent: TaskRecord): void {
    const own = parent.state === 'succeeded' ? undefined : parent.value
    const told = { parent, root: own && ((this.#list && this.#root) ?? own) }
    if (this.#list) {
      this.#list.push(told)
      return
    }
    this.#list = [told]
    for (const { parent: next, root } of this.#list) {
      this.#root = root
      const children = next.children ?? []
      next.children = undefined
      for (const id of children) this.#tellChild(this.#ledger.records.get(id), next)
    }
    this.#list = undefined
    this.#root = undefined
  }

  #tellChild(child: TaskRecord | undefined, parent: TaskRecord): void {
    if (child?.state !== 'waiting' || !child.wish || !child.needs?.has(parent.id)) return
    if (!goesOn(child.wish.policy, parent.state as EndState)) {
      this.#end(child, parent)
      return
    }
    take(child, parent)
    child.needs.delete(parent.id)
    if (child.needs.size === 0) this.#ledger.goOn(child)
  }

  #end(child: TaskRecord, parent: TaskRecord): void {
    const ledger = this.#ledger
    const { policy } = child.wish!
    const why = `the task ${parent.id} that it waited for ${ENDED[parent.state as EndState]}`
    const end = { attempt: 0, ran: 0, worker: '', ttl: this.#failedTtl }
    if (policy === 'f') {
      const cause = this.#root && this.#root.length <= MAX_CAUSE ? this.#root : undefined
      ledger.settle(
        child,
        'failed',
        encodeForm('DependencyError', 'ERR_MILLRACE_DEPENDENCY', why, cause),
        end,
      )
      return
    }
    const { isAwaited } = child
    ledger.settleCancelled(child, why, this.#failedTtl)
    if (policy === 'c') return
    ledger.ended.cancelled -= 1
    if (isAwaited) ledger.retain(child, LAST_LOOK)
    else ledger.forget(child)
  }
}

const goesOn = (policy: string, state: EndState): boolean => (GOES_ON[policy] ?? 's').includes(state[0]!)

function take(child: TaskRecord, parent: TaskRecord): void {
  const { wish } = child
  if (!wish?.takes) return
  const input: Input = { letter: parent.state[0]!, value: parent.value }
  wish.after.forEach((id, number) => {
    if (id === parent.id) child.inputs[number] = input
  })
}
