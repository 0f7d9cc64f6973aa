/**
 * The floor: plain ioredis that does the same hops and nothing else. XADD in pipelines; XREADGROUP, then XACK and XDEL
 * for all that one read brought; replies in one PUBLISH per read. No record, no running mark, no result, no recovery:
 * what a queue pays above this is what its promises cost.
 */

import { Redis } from 'ioredis'
import { type Handler, type Payload, type System, Unavailable } from './system.ts'

const STREAM = 'floor:stream'
const GROUP = 'workers'
const REPLIES = 'floor:replies'
/** Entries to a pipeline, and pipelines in flight. */
const PIPELINE = 256
const LANES = 4
const BLOCK_MS = 1_000

/** One protocol, so that replies have one shape. */
const connect = (url: string): Redis => new Redis(url, { protocol: 2 })

type Entry = [id: string, fields: string[]]

/** Calls of one tick leave together, in pipelines. */
class Calls {
  readonly #redis: Redis
  readonly #awaited = new Map<number, (value: unknown) => void>()
  #batch: { fields: string[]; accepted: (() => void) | undefined }[] = []
  #last = 0

  constructor(redis: Redis) {
    this.#redis = redis
  }

  enqueue(payload: Payload): Promise<void> {
    return new Promise((resolve) => this.#add(['c', JSON.stringify(payload)], resolve))
  }

  call(payload: Payload): Promise<unknown> {
    const id = ++this.#last
    this.#add(['c', JSON.stringify(payload), 'id', String(id)], undefined)
    return new Promise((resolve) => this.#awaited.set(id, resolve))
  }

  receive(message: string): void {
    for (const [id, value] of JSON.parse(message) as [number, unknown][]) {
      this.#awaited.get(id)?.(value)
      this.#awaited.delete(id)
    }
  }

  #add(fields: string[], accepted: (() => void) | undefined): void {
    if (this.#batch.push({ fields, accepted }) === 1) queueMicrotask(() => void this.#send())
  }

  async #send(): Promise<void> {
    const batch = this.#batch
    this.#batch = []
    await inPipelines(this.#redis, batch.length, (n) => batch[n]!.fields)
    for (const { accepted } of batch) accepted?.()
  }
}

async function inPipelines(redis: Redis, count: number, fields: (n: number) => string[]): Promise<void> {
  const lane = async (first: number): Promise<void> => {
    for (let start = first * PIPELINE; start < count; start += LANES * PIPELINE) {
      const pipeline = redis.pipeline()
      for (let n = start; n < Math.min(start + PIPELINE, count); n++) pipeline.xadd(STREAM, '*', ...fields(n))
      await pipeline.exec()
    }
  }
  await Promise.all(Array.from({ length: LANES }, (_, first) => lane(first)))
}

async function runEntry(
  [, fields]: Entry,
  handler: Handler,
  done: () => void,
): Promise<[number, unknown] | undefined> {
  const value = await handler(JSON.parse(fields[1]!) as Payload, done)
  return fields.length > 2 ? [Number(fields[3]), value] : undefined
}

export const system: System = {
  title: 'floor',
  semantics: 'XREADGROUP, then XACK and XDEL once per read; nothing else is kept or checked',

  async openProducer({ url }, { rpc, lanes }) {
    if (lanes) throw new Unavailable('the floor has one stream')
    const redis = connect(url)
    const calls = new Calls(redis)
    const subscriber = rpc ? connect(url) : undefined
    await subscriber?.subscribe(REPLIES)
    subscriber?.on('message', (_channel, message) => calls.receive(message))
    await redis.ping()
    return {
      enqueue: (payload) => calls.enqueue(payload),
      enqueueMany: (count, make) => inPipelines(redis, count, (n) => ['c', JSON.stringify(make(n))]),
      async enqueueDelayed() {
        throw new Unavailable('the floor delays nothing')
      },
      async add() {
        throw new Unavailable('the floor gives no ids')
      },
      async lookUp() {
        throw new Unavailable('the floor keeps nothing')
      },
      async counts() {
        throw new Unavailable('the floor counts nothing')
      },
      call: (payload) => calls.call(payload),
      async close() {
        subscriber?.disconnect()
        redis.disconnect()
      },
    }
  },

  async openWorker({ url }, { concurrency, handler, done }) {
    const reader = connect(url)
    const writer = connect(url)
    await writer.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM').catch((error: Error) => {
      if (!error.message.startsWith('BUSYGROUP')) throw error
    })
    let isOpen = true
    const read = async (): Promise<Entry[]> => {
      const options = ['COUNT', concurrency, 'BLOCK', BLOCK_MS, 'STREAMS', STREAM, '>'] as const
      const reply = (await reader.call('XREADGROUP', 'GROUP', GROUP, 'w', ...options)) as [string, Entry[]][]
      return reply?.[0]?.[1] ?? []
    }
    const loop = async (): Promise<void> => {
      let acknowledged: Promise<unknown> = Promise.resolve()
      while (isOpen) {
        const entries = await read()
        if (entries.length === 0) continue
        const replies = await Promise.all(entries.map((entry) => runEntry(entry, handler, done)))
        const ids = entries.map(([id]) => id)
        const awaited = replies.filter((reply) => reply !== undefined)
        // One batch is acknowledged while the next is read; alone, a task is acknowledged before the next is taken.
        await acknowledged
        const pipeline = writer
          .pipeline()
          .xack(STREAM, GROUP, ...ids)
          .xdel(STREAM, ...ids)
        if (awaited.length > 0) pipeline.publish(REPLIES, JSON.stringify(awaited))
        acknowledged = pipeline.exec()
        if (concurrency === 1) await acknowledged
      }
    }
    const running = loop().catch((error: Error) => {
      // Closing ends the blocking read this way.
      if (isOpen) throw error
    })
    return {
      async close() {
        isOpen = false
        reader.disconnect()
        await running
        await writer.quit()
      },
    }
  },

  countOpen: (redis) => redis.xlen(STREAM),
  countCompleted: async () => undefined,
  countRecords: async () => 0,
}
