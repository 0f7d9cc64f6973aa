/** Who holds a dedupe key: a live task until it ends, or any task for a time. What P:key:<key> is in Redis. */

import type { Agenda, Alarm } from './agenda.ts'

interface Hold {
  readonly id: string
  /** Epoch ms; undefined: until somebody else holds it, or it is released. */
  readonly until: number | undefined
  readonly alarm: Alarm | undefined
}

export class DedupeKeys {
  readonly #agenda: Agenda
  readonly #holds = new Map<string, Hold>()

  constructor(agenda: Agenda) {
    this.#agenda = agenda
  }

  /** until: epoch ms. */
  hold(key: string, id: string, until?: number): void {
    this.release(key)
    const alarm = until === undefined ? undefined : this.#agenda.add(until, () => this.#holds.delete(key))
    this.#holds.set(key, { id, until, alarm })
  }

  holder(key: string): string | undefined {
    return this.#holds.get(key)?.id
  }

  /** However soon its holder ends. */
  isHeldForATime(key: string): boolean {
    return this.#holds.get(key)?.until !== undefined
  }

  release(key: string): void {
    this.#agenda.remove(this.#holds.get(key)?.alarm)
    this.#holds.delete(key)
  }
}
