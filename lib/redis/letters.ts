/** Letters from one queue to another, on the wire: what is written by scripts (lua/shared/away.lua) and brought by workers. */

import { MalformedDataError } from '../errors.ts'
import type { Lane } from '../record.ts'
import type { Connection } from './connection.ts'
import { FrameReader } from './frame.ts'
import type { Keys } from './keys.ts'
import { Runner } from './runner.ts'
import { type Input, list, text } from './wire.ts'

interface Letter {
  /** As it lies in the outbox. */
  readonly bytes: Buffer
  /** Where it goes: a queue of this Redis and namespace, or `@<name>` of the option `others`. */
  readonly queue: string
  readonly id: string
}

/** A task is to be made there. */
export interface CallLetter extends Letter {
  readonly kind: 'call'
  readonly trip: string
  /** Ms since it was called. */
  readonly age: number
  readonly lane: Lane
  /** Packed. */
  readonly wishes: Buffer
  /** With its head. */
  readonly call: Buffer
  /** So many outcomes of parents lie in the record that stands for it. */
  readonly inputs: number
  /** How it ends is wanted here. */
  readonly isWanted: boolean
}

export type AnyLetter =
  | CallLetter
  /** How does it stand? */
  | (Letter & { readonly kind: 'watch'; readonly trip: string; readonly age: number })
  | (Letter & { readonly kind: 'cancel'; readonly reason: string })
  /** A task of this queue has ended so. */
  | (Letter & { readonly kind: 'end'; readonly trip: string; readonly outcome: Input })

/** again: it ended badly on an earlier trip, and is to be redriven. */
export type Watched = 'open' | 'lost' | 'again' | Input

export interface KeptFor {
  /** Ms. */
  readonly resultTtl: number
  readonly failedTtl: number
  readonly maxFailed: number
}

/** Of one queue: its outbox, and what letters to it come to. */
export class Letters {
  readonly #runner: Runner

  constructor(connection: Connection, keys: Keys) {
    this.#runner = new Runner(connection, keys)
  }

  /** At most `most` that are due; for `lease` ms nobody else gets them. wait: ms until the next; undefined: there is none. */
  async claim(most: number, lease: number): Promise<{ wait: number | undefined; letters: AnyLetter[] }> {
    const reply = await this.#runner.run('outbox', [most, lease])
    if (!Buffer.isBuffer(reply)) throw new MalformedDataError('outbox answered with something else')
    const reader = new FrameReader(reply)
    const count = reader.list() - 1
    const wait = Number(reader.text())
    const letters = Array.from({ length: count }, () => readLetter(reader))
    return { wait: wait < 0 ? undefined : wait, letters }
  }

  /** They have arrived. */
  async brought(letters: readonly AnyLetter[]): Promise<void> {
    await this.#runner.run(
      'brought',
      letters.map(({ bytes }) => bytes),
    )
  }

  /** How a task of this queue stands, which `home` has sent here or waits for. */
  async watch(home: string, id: string, trip: string, kind: 'call' | 'redriven' | 'watch'): Promise<Watched> {
    const [word, letter, value] = list(await this.#runner.run('watch', [home, id, trip, kind]))
    const state = text(word)
    if (state === 'ended') return { letter: text(letter), value: value as Buffer }
    return state as 'open' | 'lost' | 'again'
  }

  /** How a task of another queue ended, for the record that stands for it in this one. */
  async arrive(id: string, trip: string, { letter, value }: Input, kept: KeptFor): Promise<void> {
    const { resultTtl, failedTtl, maxFailed } = kept
    await this.#runner.run('arrive', [id, trip, letter, value, resultTtl, failedTtl, maxFailed])
  }
}

function readLetter(reader: FrameReader): AnyLetter {
  const items = reader.list()
  const bytes = reader.bytes()
  const kind = reader.text()
  const letter = { bytes, queue: reader.text(), id: reader.text() }
  const rest = reader.bytes()
  const age = Number(reader.text())
  if (kind === 'cancel') return { ...letter, kind, reason: rest.toString() }
  if (kind === 'end') return { ...letter, kind, ...readEnd(rest) }
  const trip = rest.toString('latin1')
  if (kind === 'watch') return { ...letter, kind, trip, age }
  if (kind !== 'call' || items !== 11) throw new MalformedDataError('a letter of another shape')
  const lane = reader.text() as Lane
  const wishes = reader.bytes()
  const call = reader.bytes()
  const inputs = Number(reader.text())
  return { ...letter, kind, trip, age, lane, wishes, call, inputs, isWanted: reader.text() === '1' }
}

/** `<trip> <letter> <value>` */
function readEnd(rest: Buffer): { trip: string; outcome: Input } {
  const first = rest.indexOf(' ')
  const trip = rest.toString('latin1', 0, first)
  return {
    trip,
    outcome: { letter: rest.toString('latin1', first + 1, first + 2), value: rest.subarray(first + 3) },
  }
}
