/** One connection through the proxy: what passes on it, in either direction, and what does not. */

import type { Socket } from 'node:net'
import { Link, type Shape } from './link.ts'
import { type Command, isSubscribing, isTold, Splitter, stringsOf } from './resp.ts'

/**
 * What becomes of a reply: it passes, or it is lost and the connection is cut, falls silent (half open), or goes on
 * without it. The last is for connections that have one command under way at a time: the reply to the next would be
 * taken for this one's.
 */
export type Fate = 'pass' | 'cut' | 'silence' | 'swallow'

export interface Connection {
  /** What the client has told by CLIENT SETNAME, such as `millrace:fetch`. */
  readonly name: string
}

/** What a spec says of all connections, at any time. */
export interface Hooks {
  /** Bytes towards the client pass through this; replies are whole in them. */
  rewrite: (chunk: Buffer) => Buffer
  /** Decides about each reply, once it is whole. */
  fate: (command: Command, reply: Buffer) => Fate
  /** What is answered in the place of Redis, which does not hear of the command; undefined: Redis is asked. */
  answer: (command: Command) => string | undefined
  /** How bytes pass, in either direction of each connection. */
  shape: Shape
}

/** A client's connection and the one to Redis that stands for it. */
export class Pair implements Connection {
  name = ''
  isSilent = false
  readonly #hooks: Hooks
  readonly #client: Socket
  readonly #upstream: Socket
  readonly #toClient: Link
  readonly #toRedis: Link
  readonly #requests = new Splitter()
  readonly #replies = new Splitter()
  /** Commands without a reply so far, in their order; with an answer where Redis was not asked. */
  readonly #open: { readonly command: Command; readonly answer: string | undefined }[] = []

  constructor(client: Socket, upstream: Socket, hooks: Hooks) {
    this.#hooks = hooks
    this.#client = client
    this.#upstream = upstream
    this.#toClient = new Link(client, () => hooks.shape)
    this.#toRedis = new Link(upstream, () => hooks.shape)
    for (const socket of [client, upstream]) {
      socket.on('error', () => {})
      socket.on('close', () => this.end())
    }
    client.on('data', (chunk) => this.#asked(chunk))
    upstream.on('data', (chunk) => this.#replied(chunk))
  }

  end(): void {
    this.#client.destroy()
    this.#upstream.destroy()
  }

  reset(): void {
    this.#client.resetAndDestroy()
    this.#upstream.resetAndDestroy()
  }

  #asked(chunk: Buffer): void {
    if (this.isSilent) return
    const passed: Buffer[] = []
    for (const request of this.#requests.push(chunk)) {
      const [word, ...args] = stringsOf(request)
      const name = String(word).toUpperCase()
      if (name === 'CLIENT' && /^setname$/i.test(String(args[0]))) this.name = String(args[1])
      const command: Command = { name, args, from: this.name }
      const answer = this.#hooks.answer(command)
      if (answer !== undefined || !isSubscribing(name)) this.#open.push({ command, answer })
      if (answer === undefined) passed.push(request)
    }
    this.#toRedis.push(Buffer.concat(passed))
    this.#toClient.push(Buffer.concat(this.#answers()))
  }

  #replied(chunk: Buffer): void {
    const passed: Buffer[] = []
    let isCut = false
    for (const reply of this.#replies.push(chunk)) {
      if (this.isSilent) break
      const asked = isTold(reply) ? undefined : this.#open.shift()
      const fate = asked ? this.#hooks.fate(asked.command, reply) : 'pass'
      if (fate === 'pass') passed.push(reply, ...this.#answers())
      if (fate === 'swallow') passed.push(...this.#answers())
      if (fate === 'silence') this.isSilent = true
      isCut = fate === 'cut'
      if (isCut) break
    }
    if (passed.length > 0) this.#toClient.push(this.#hooks.rewrite(Buffer.concat(passed)))
    if (isCut) this.end()
  }

  /** Those that are next in line. */
  #answers(): Buffer[] {
    const answers: Buffer[] = []
    while (this.#open[0]?.answer !== undefined) answers.push(Buffer.from(this.#open.shift()!.answer!))
    return answers
  }
}
