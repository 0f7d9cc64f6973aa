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

  /** The same key, for as long as it is held, by another task. */
  pass(key: string, id: string): void {
    this.hold(key, id, this.until(key))
  }

  /** Until when it is held, however soon its holder ends; undefined: until that one ends. */
  until(key: string): number | undefined {
    return this.#holds.get(key)?.until
  }

  release(key: string): void {
    this.#agenda.remove(this.#holds.get(key)?.alarm)
    this.#holds.delete(key)
  }
}
