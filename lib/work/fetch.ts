/** The blocking read, on a connection of its own: an idle worker learns of new work the instant that it is there. */

import { LANES } from '../record.ts'
import { Connection } from '../redis/connection.ts'
import { GROUP, type Keys } from '../redis/keys.ts'
import type { ScriptReply } from '../redis/scripts.ts'
import { type RawEntry, readEntries } from '../redis/store.ts'
import type { RedisTarget } from '../redis/target.ts'

/** Never for ever: a read that blocks across a failover or on a half-open socket would never return. */
const BLOCK = 2_000
/** Past BLOCK by this much, the socket is replaced. */
const GRACE = 3_000
const READY_TIMEOUT = 5_000

export class Fetcher {
  readonly #connection: Connection
  readonly #keys: Keys
  #clientId: number | undefined

  /** onReady: after every (re)connect: what an earlier socket was given may be in the pending list. */
  constructor(target: RedisTarget, keys: Keys, onReady: () => void) {
    this.#keys = keys
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
  async read(worker: string, count: number, isWanted: () => boolean): Promise<RawEntry[]> {
    await this.#connection.ready(READY_TIMEOUT)
    this.#clientId ??= await this.#connection.send((client) => client.client('ID'), READY_TIMEOUT)
    if (!isWanted()) return []
    const streams = LANES.map((lane) => this.#keys.stream(lane))
    const reply = await this.#connection.send(
      (client) =>
        client.callBuffer(
          ...(['XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', count, 'BLOCK', BLOCK, 'STREAMS'] as const),
          ...streams,
          ...LANES.map(() => '>'),
        ),
      BLOCK + GRACE,
    )
    return ((reply ?? []) as ScriptReply[]).flatMap((item) => {
      const [stream, entries] = item as readonly ScriptReply[]
      const lane = LANES[streams.indexOf(String(stream))]!
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
