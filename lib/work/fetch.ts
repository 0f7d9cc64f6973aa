/**
 * The blocking read, on a connection of its own: an idle worker learns of new work the instant that it is there. What
 * is told to all workers comes on the same connection, so it arrives ahead of every entry that is delivered later.
 */

import { LANES } from '../record.ts'
import { type Reply, send } from '../redis/command.ts'
import { Connection } from '../redis/connection.ts'
import { GROUP, type Keys } from '../redis/keys.ts'
import type { RedisTarget } from '../redis/target.ts'
import { type Delivery, readEntries } from '../redis/wire.ts'

/** Never for ever: a read that blocks across a failover or on a half-open socket would never return. */
const BLOCK = 2_000
/** Past BLOCK by this much, the socket is replaced. */
const GRACE = 3_000
const READY_TIMEOUT = 5_000

export class Fetcher {
  readonly #connection: Connection
  /** The streams, then `>` for each. */
  readonly #streams: readonly string[]
  readonly #channel: string
  #clientId: number | undefined
  #listening: Promise<unknown> = Promise.resolve()

  /** onReady: after every (re)connect: what an earlier socket was given may be in the pending list. onWord: `P:control`. */
  constructor(target: RedisTarget, keys: Keys, onReady: () => void, onWord: (word: string) => void) {
    this.#channel = keys.control
    this.#streams = [...LANES.map((lane) => keys.stream(lane)), ...LANES.map(() => '>')]
    this.#connection = new Connection(target, {
      role: 'fetch',
      protocol: 3,
      onReady: () => {
        this.#clientId = undefined
        // With a deadline as all else: of a socket that is lost under it, ioredis may leave the promise open.
        this.#listening = this.#connection.send((client) => client.subscribe(this.#channel), READY_TIMEOUT)
        this.#listening.then(onReady, () => {
          if (this.#connection.isReady) this.#connection.client.disconnect(true)
        })
      },
    })
    this.#connection.client.on('messageBuffer', (_channel: Buffer, word: Buffer) => onWord(word.toString()))
  }

  /** Hears what is told to all, whether it reads or not. */
  listen(): void {
    this.#connection.connect()
  }

  /**
   * Entries as they come, none after BLOCK ms; at most `count` of each lane. isWanted is asked at the last moment:
   * what is unblocked before it blocks must not block after all.
   */
  async read(worker: string, count: number, isWanted: () => boolean): Promise<Delivery[]> {
    await this.#connection.ready(READY_TIMEOUT)
    await this.#listening
    this.#clientId ??= await this.#connection.send((client) => client.client('ID'), READY_TIMEOUT)
    if (!isWanted()) return []
    const how = ['GROUP', GROUP, worker, 'COUNT', String(count), 'BLOCK', String(BLOCK)]
    return this.#connection.ask(
      (client, answer) => send(client, 'XREADGROUP', [...how, 'STREAMS', ...this.#streams], answer),
      (reply) => this.#read(reply),
      BLOCK + GRACE,
    )
  }

  /** RESP3 gives a map: stream, entries, stream, entries, … */
  #read(reply: Reply): Delivery[] {
    const items = (reply ?? []) as Reply[]
    const entries: Delivery[] = []
    for (let i = 0; i + 1 < items.length; i += 2) {
      const lane = LANES[this.#streams.indexOf(String(items[i]))]!
      for (const entry of readEntries(lane, items[i + 1]!)) entries.push(entry)
    }
    return entries
  }

  /** Ends a read that blocks, cleanly: what was delivered before still arrives. */
  async unblock(commands: Connection): Promise<void> {
    const id = this.#clientId
    if (id === undefined) return
    // Without the right to do so the read ends by itself.
    await commands.send((client) => client.client('UNBLOCK', id), READY_TIMEOUT).catch(() => {})
  }

  close(): void {
    this.#connection.close()
  }
}
