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
}

export class Examiner {
  readonly #runner: Runner

  constructor(connection: Connection, keys: Keys) {
    this.#runner = new Runner(connection, keys)
  }

  /** names: keys without P. */
  async examine(names: readonly string[]): Promise<Examined[]> {
    return list(await this.#runner.run('examine', names)).map((item) => {
      const [word, next, created] = list(item).map(text)
      return {
        word: word as Word,
        next: next || undefined,
        created: created ? Number(created) : undefined,
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

  /** Names of the consumers that have left. */
  async dismiss(): Promise<string[]> {
    return list(await this.#runner.run('dismiss', [])).map(text)
  }
}
