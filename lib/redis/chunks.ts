/** The chunks of tasks that yield, on the wire: written by workers (chunk.lua), read by callers (chunks.lua). */

import type { FrameItem } from './frame.ts'
import type { Runner } from './runner.ts'
import { list, type Place, text } from './wire.ts'

/** Of a task's buffer, and of what a reader is given at once: bytes at most, but one chunk always fits. */
const MAX_BUFFERED = 4 * 1024 * 1024
const MAX_PAGE = 1024 * 1024

/** What a running handler has yielded, in a row. */
export interface ChunkBatch extends Place {
  readonly id: string
  readonly attempt: number
  /** What does not fit waits, or the oldest go for it: always, or while nobody reads. */
  readonly how: 'wait' | 'drop' | 'unread'
  /** Chunks in the buffer, at most. */
  readonly most: number
  /** Number of the first one of these; those of an attempt count from 1. */
  readonly first: number
  readonly chunks: readonly Buffer[]
}

export interface Written {
  /** Number of the last chunk that there is: what follows in the batch found no room. */
  readonly last: number
  /** `unread`: nobody has come yet, or said anything for long. */
  readonly reader: 'reads' | 'unread' | 'left'
}

export interface ChunkRequest {
  readonly id: string
  /** `<client>.<n>`. */
  readonly reader: string
  /** begin: from now on it is this one that reads. leave: nobody reads any more. */
  readonly how: 'begin' | 'read' | 'leave'
  /** Of the attempt that it has read from; '': of none yet. */
  readonly place: string
  /** Number of the next chunk that it wants of that attempt: it has those before. */
  readonly next: number
  /** Chunks, at most. */
  readonly most: number
}

/** taken: another one reads now. none: there is no such task. */
export type ChunkPage =
  | { readonly state: 'taken' | 'left' | 'none' }
  | {
      readonly state: 'ok'
      readonly place: string
      readonly attempt: number
      /** Where it goes on: as it asked, or in another attempt. */
      readonly next: number
      /** Of the first chunk that there is: those from `next` to it were dropped. */
      readonly first: number
      readonly chunks: readonly Buffer[]
    }

export interface ChunkStore {
  /** 'fenced': the task is not this worker's any more. */
  write(batch: ChunkBatch): Promise<Written | 'fenced'>
  read(request: ChunkRequest): Promise<ChunkPage>
}

export class RedisChunks implements ChunkStore {
  readonly #runner: Runner

  constructor(runner: Runner) {
    this.#runner = runner
  }

  async write({
    id,
    lane,
    entry,
    attempt,
    how,
    most,
    first,
    chunks,
  }: ChunkBatch): Promise<Written | 'fenced'> {
    const args: FrameItem[] = [id, lane, entry, attempt, how, most, MAX_BUFFERED, first, ...chunks]
    const [last, reader] = list(await this.#runner.run('chunk', args))
    if (Number(last) < 0) return 'fenced'
    return { last: Number(last), reader: text(reader) as Written['reader'] }
  }

  async read({ id, reader, how, place, next, most }: ChunkRequest): Promise<ChunkPage> {
    const reply = list(await this.#runner.run('chunks', [id, reader, how, place, next, most, MAX_PAGE]))
    const state = text(reply[0]) as ChunkPage['state']
    if (state !== 'ok') return { state }
    const [, at, attempt, from, first, ...chunks] = reply
    return {
      ...{ state, place: text(at), attempt: Number(text(attempt)) },
      ...{ next: Number(from), first: Number(first), chunks: chunks as Buffer[] },
    }
  }
}
