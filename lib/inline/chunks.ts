/** What tasks of an inline queue yield: the moves of chunk.lua and chunks.lua in this process. There is one client. */

import type { ChunkBatch, ChunkPage, ChunkRequest, ChunkStore, Written } from '../redis/chunks.ts'
import type { Ledger } from './ledger.ts'
import type { Series } from './record.ts'

const MAX_BUFFERED = 4 * 1024 * 1024

export interface InlineChunksOptions {
  readonly ledger: Ledger
  /** Its reader may come for more. */
  readonly onChunks: (id: string) => void
  /** There is room again in the buffer of this task. */
  readonly onRoom: (id: string) => void
}

export class InlineChunks implements ChunkStore {
  readonly #options: InlineChunksOptions

  constructor(options: InlineChunksOptions) {
    this.#options = options
  }

  async write(batch: ChunkBatch): Promise<Written | 'fenced'> {
    const { ledger, onChunks } = this.#options
    const { id, entry, attempt, how, most, first, chunks } = batch
    const record = ledger.records.get(id)
    if (record?.state !== 'running' || record.entry !== entry) return 'fenced'
    const isNew = record.series?.place !== entry
    const series: Series = isNew ? newSeries(entry, attempt) : record.series!
    record.series = series
    const { buffer } = series
    const wasEmpty = buffer.length === 0
    const reader = record.reader === undefined ? 'unread' : record.reader === '' ? 'left' : 'reads'
    const mayDrop = how === 'drop' || reader === 'left' || (how === 'unread' && reader !== 'reads')
    const fits = (chunk: Buffer): boolean =>
      buffer.length === 0 || (buffer.length < most && series.bytes + chunk.length <= MAX_BUFFERED)
    series.wanted = 0
    for (const chunk of chunks.slice(series.last + 1 - first)) {
      while (mayDrop && !fits(chunk)) series.bytes -= buffer.shift()!.length
      if (!fits(chunk)) {
        series.wanted = Math.ceil(buffer.length / 2)
        break
      }
      // What was packed may be part of something larger.
      buffer.push(Buffer.from(chunk))
      series.last += 1
      series.bytes += chunk.length
    }
    if (isNew || (wasEmpty && buffer.length > 0)) onChunks(id)
    return { last: series.last, reader }
  }

  async read({ id, reader, how, place, next, most }: ChunkRequest): Promise<ChunkPage> {
    const { ledger, onChunks, onRoom } = this.#options
    const record = ledger.records.get(id)
    if (!record) return { state: 'none' }
    if (how !== 'begin' && record.reader !== reader) return { state: how === 'leave' ? 'left' : 'taken' }
    if (record.reader && record.reader !== reader) onChunks(id)
    record.reader = how === 'leave' ? '' : reader
    const series = record.series ?? newSeries('', 0)
    const { buffer } = series
    const from = place === series.place ? next : series.taken + 1
    while (series.taken < Math.min(from - 1, series.last)) {
      series.taken += 1
      if (series.taken > series.last - buffer.length) series.bytes -= buffer.shift()!.length
    }
    if (series.wanted > 0 && (buffer.length < series.wanted || how === 'leave')) {
      series.wanted = 0
      onRoom(id)
    }
    if (how === 'leave') return { state: 'left' }
    const gone = series.last - buffer.length
    const first = Math.max(from, gone + 1)
    const chunks = buffer.slice(first - gone - 1, first - gone - 1 + most)
    return { state: 'ok', place: series.place, attempt: series.attempt, next: from, first, chunks }
  }
}

const newSeries = (place: string, attempt: number): Series => ({
  ...{ place, attempt, last: 0, taken: 0, bytes: 0, wanted: 0 },
  buffer: [],
})
