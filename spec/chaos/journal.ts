/**
 * What happened, as those who did it saw it: one file that many processes append to, a line each, written in one
 * piece (O_APPEND). It lies outside of Redis, so it stays true whatever is done to Redis.
 *
 *   producer: invoke <id> [<how it has to end> <task>] · ok <id> · fail <id> · unknown <id> · settled <id> <state> [<value>]
 *             after <id> <id of one whose result it is given> … · tied <id> <tag of its callbacks> · flow <flow> <state>
 *   handler:  start <id> <attempt> <pid> · end <id> <attempt> <pid> · threw <id> <attempt> <pid>
 *             got <id> <attempt> <value> … · for <id> <tag> <case>: a callback, and what it was set off by
 */

import { appendFileSync, readFileSync } from 'node:fs'

export type Verb =
  | ('invoke' | 'ok' | 'fail' | 'unknown' | 'settled' | 'after' | 'tied' | 'flow')
  | ('start' | 'end' | 'threw' | 'got' | 'for')

export interface Line {
  readonly verb: Verb
  readonly id: string
  /** What else the verb says. */
  readonly rest: readonly string[]
  /** Epoch ms. */
  readonly at: number
}

export class Journal {
  readonly file: string

  constructor(file: string) {
    this.file = file
  }

  note(verb: Verb, id: string, ...rest: (string | number)[]): void {
    appendFileSync(this.file, `${[Date.now(), verb, id, ...rest].join(' ')}\n`)
  }

  /** Many lines in one piece. */
  noteAll(verb: Verb, ids: readonly string[]): void {
    if (ids.length > 0) appendFileSync(this.file, ids.map((id) => `${Date.now()} ${verb} ${id}\n`).join(''))
  }

  read(): Line[] {
    let text = ''
    try {
      text = readFileSync(this.file, 'utf8')
    } catch {
      // Nobody has written yet.
    }
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [at, verb, id, ...rest] = line.split(' ')
        return { at: Number(at), verb: verb as Verb, id: id!, rest }
      })
  }
}
