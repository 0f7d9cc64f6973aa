/**
 * Progress on its way to Redis: by the script that records it, or by the one that also makes the calls that hear of it. That
 * one is large, as all are that make tasks, and most tasks have no use for it.
 */

import { isFull } from './faults.ts'
import type { FrameItem } from './frame.ts'
import type { Runner } from './runner.ts'
import { type Place, text } from './wire.ts'

export interface ProgressReport extends Place {
  readonly id: string
  readonly value: Buffer
  /** Grows with each newer value of the task. */
  readonly version: number
  /** There are calls that hear of it, as far as its worker knows. */
  readonly hears: boolean
}

/** fenced: the task is not this worker's any more · unheard: it is recorded, and there are calls that hear of it, which were not made. */
export type ProgressAnswer = 'done' | 'fenced' | 'unheard'
const ANSWERS: Record<string, ProgressAnswer> = { d: 'done', f: 'fenced', h: 'unheard' }

export class ProgressScripts {
  readonly #runner: Runner
  #isSent = false

  constructor(runner: Runner) {
    this.#runner = runner
  }

  /** What became of each, in their order. */
  async send(reports: readonly ProgressReport[]): Promise<ProgressAnswer[]> {
    const heard = reports.filter(({ hears }) => hears)
    if (heard.length === 0) return this.#record(reports)
    const others = reports.filter(({ hears }) => !hears)
    // Both are written now: outcomes follow on the same connection.
    const [made, recorded] = await Promise.all([
      this.#hear(heard),
      others.length > 0 ? this.#record(others) : [],
    ])
    return reports.map(({ hears }) => (hears ? made : recorded).shift()!)
  }

  async #record(reports: readonly ProgressReport[]): Promise<ProgressAnswer[]> {
    return readAnswers(await this.#runner.run('progress', argsOf(reports)))
  }

  async #hear(reports: readonly ProgressReport[]): Promise<ProgressAnswer[]> {
    const how = this.#isSent ? 'run' : 'runInFull'
    this.#isSent = true
    try {
      return readAnswers(await this.#runner[how]('hear', argsOf(reports)))
    } catch (error) {
      if (!isFull(error)) throw error
      // No room for new tasks. The progress is recorded all the same.
      const answers = await this.#record(reports)
      return answers.map((answer) => (answer === 'fenced' ? answer : 'done'))
    }
  }
}

function argsOf(reports: readonly ProgressReport[]): FrameItem[] {
  return reports.flatMap(({ id, lane, entry, value, version }) => [id, lane, entry, value, version])
}

const readAnswers = (reply: Parameters<typeof text>[0]): ProgressAnswer[] =>
  Array.from(text(reply), (letter) => ANSWERS[letter] ?? 'fenced')
