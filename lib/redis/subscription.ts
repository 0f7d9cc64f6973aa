/**
 * The one channel on which outcomes and progress come to a client, on a connection of its own. It subscribes again
 * after every loss of its socket; what was told meanwhile is lost, so whoever listens then reads what he waits for.
 */

import { toError } from '../report.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { FrameReader } from './frame.ts'
import type { RedisTarget } from './target.ts'

const READY_TIMEOUT = 5_000

/** Who listens. */
export interface Inbox {
  /** value undefined: a large one, which the record has. */
  readonly onReply: (id: string, what: string, value: Buffer | undefined) => void
  /** Subscribed, again or for the first time: replies from before may have been missed. */
  readonly onSubscribed: () => Promise<void>
  readonly onError: (error: Error) => void
}

export interface Subscription {
  /** Finds out whether the socket is half open; it is replaced if so. */
  check(): void
  close(): void
}

export class Channel implements Subscription {
  readonly #connection: Connection
  readonly #name: string
  readonly #inbox: Inbox
  #isSubscribed = false

  constructor(
    target: RedisTarget,
    name: string,
    inbox: Inbox,
    onProblem: NonNullable<ConnectionOptions['onProblem']>,
  ) {
    this.#name = name
    this.#inbox = inbox
    this.#connection = new Connection(target, {
      role: 'replies',
      onReady: () => void this.#subscribe(),
      onProblem,
    })
    const { client } = this.#connection
    client.on('close', () => {
      this.#isSubscribed = false
    })
    client.on('messageBuffer', (_channel: Buffer, message: Buffer) => this.#receive(message))
    this.#connection.connect()
  }

  check(): void {
    if (this.#connection.isReady)
      void this.#connection.send((redis) => redis.ping(), READY_TIMEOUT).catch(() => {})
  }

  close(): void {
    this.#connection.close()
  }

  async #subscribe(): Promise<void> {
    try {
      await this.#connection.send((redis) => redis.subscribe(this.#name), READY_TIMEOUT)
      this.#isSubscribed = true
      await this.#inbox.onSubscribed()
    } catch {
      // Not subscribed: start over with a new socket. Not read: the next look at what is waited for will.
      if (!this.#isSubscribed) this.#connection.client.disconnect(true)
    }
  }

  /** Items of id, what and value, three each: lua/shared/settle.lua. */
  #receive(message: Buffer): void {
    try {
      const reader = new FrameReader(message)
      for (let items = reader.list(); items > 0; items -= 3) {
        this.#inbox.onReply(reader.text(), reader.text(), reader.optional())
      }
    } catch (error) {
      this.#inbox.onError(toError(error))
    }
  }
}
