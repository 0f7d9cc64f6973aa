/** The blocking read, on a connection of its own: an idle worker learns of new work the instant that it is there. */

import { LANES } from '../record.ts'
import { Connection } from '../redis/connection.ts'
import { GROUP, type Keys } from '../redis/keys.ts'
import type { ScriptReply } from '../redis/scripts.ts'
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
  #clientId: number | undefined

  /** onReady: after every (re)connect: what an earlier socket was given may be in the pending list. */
  constructor(target: RedisTarget, keys: Keys, onReady: () => void) {
    this.#streams = [...LANES.map((lane) => keys.stream(lane)), ...LANES.map(() => '>')]
    this.#connection = new Connection(target, {
      role: 'fetch',
      onReady: () => {
        this.#clientId = undefined
        onReady()
      },
    })
  }

  /**
   * Entries as they come, none after BLOCK ms; at most `count` of each lane. isWanted is asked at the last moment:
   * what is unblocked before it blocks must not block after all.
   */
  async read(worker: string, count: number, isWanted: () => boolean): Promise<Delivery[]> {
    await this.#connection.ready(READY_TIMEOUT)
    this.#clientId ??= await this.#connection.send((client) => client.client('ID'), READY_TIMEOUT)
    if (!isWanted()) return []
    const reply = await this.#connection.send(
      (client) =>
        client.callBuffer(
          ...(['XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', count, 'BLOCK', BLOCK, 'STREAMS'] as const),
          ...this.#streams,
        ),
      BLOCK + GRACE,
    )
    return ((reply ?? []) as ScriptReply[]).flatMap((item) => {
      const [stream, entries] = item as readonly ScriptReply[]
      const lane = LANES[this.#streams.indexOf(String(stream))]!
      return readEntries(lane, entries!)
    })
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
