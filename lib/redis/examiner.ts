/** The doctor's verbs: what is out of order in a queue's keys, and what can be done about it. One script each. */

import type { Lane } from '../record.ts'
import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'
import { Runner } from './runner.ts'
import { list, text } from './wire.ts'

/** As shared/disorder.lua has them; `key`: another live task holds the dedupe key. */
export type Word = 'fine' | 'eternal' | 'junk' | 'waiting' | 'stray' | 'gone'
export type MendAnswer = 'mended' | 'key' | Word

export interface Examined {
  readonly word: Word
  /** The task that waits for the end of this one. */
  readonly next: string | undefined
  /** By the server's clock, epoch ms; undefined: the record does not say. */
  readonly created: number | undefined
  /** The list that should name it does not: P:waiting for tasks that wait for others, P:slots for schedules. */
  readonly isUnlisted: boolean
}

/** Sorted sets that name what is kept in keys of its own, by the beginning of those keys. */
export const LISTS = { task: 'waiting', schedule: 'slots' } as const
export type ListedKind = keyof typeof LISTS

export class Examiner {
  readonly #runner: Runner

  constructor(connection: Connection, keys: Keys) {
    this.#runner = new Runner(connection, keys)
  }

  /** names: keys without P. */
  async examine(names: readonly string[]): Promise<Examined[]> {
    return list(await this.#runner.run('examine', names)).map((item) => {
      const [word, next, created, unlisted] = list(item).map(text)
      return {
        word: word as Word,
        next: next || undefined,
        created: created ? Number(created) : undefined,
        isUnlisted: unlisted === '1',
      }
    })
  }

  /** isOrphan: it waits for another task, and none leads to it. */
  async mend(tasks: readonly { readonly id: string; readonly isOrphan: boolean }[]): Promise<MendAnswer[]> {
    const args = tasks.flatMap(({ id, isOrphan }) => [id, isOrphan ? '1' : ''])
    return list(await this.#runner.run('mend', args)).map(text) as MendAnswer[]
  }

  /** after: what the last answer gave; '' = from the beginning, then: there are no more. */
  async survey(
    lane: Lane,
    after: string,
    most: number,
  ): Promise<{ after: string; looked: number; entries: string[] }> {
    const [next, looked, ...entries] = list(await this.#runner.run('survey', [lane, after, most]))
    return { after: text(next), looked: Number(looked), entries: entries.map(text) }
  }

  /** Of so many that are listed, those that are not there. from: how many of the first are left out. */
  async listed(kind: ListedKind, from: number, most: number): Promise<{ looked: number; stale: string[] }> {
    const [looked, ...names] = list(await this.#runner.run('listed', [LISTS[kind], from, most]))
    return { looked: Number(looked), stale: names.map(text) }
  }

  /** Lists them, or lists them no more, whichever is right; how many were not as they should be. */
  async relist(kind: ListedKind, names: readonly string[]): Promise<number> {
    return Number(await this.#runner.run('relist', [LISTS[kind], ...names]))
  }

  /** Names of the consumers that have left. */
  async dismiss(): Promise<string[]> {
    return list(await this.#runner.run('dismiss', [])).map(text)
  }
}
