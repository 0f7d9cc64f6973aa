/**
 * Commands that hot paths send, written to bytes by ourselves and handed to ioredis as it takes its own. Its own looks
 * at each argument several times, and it assigns a closure as it is written, which V8 makes among the long-lived
 * objects: the reply, the arguments and all that they refer to stay until the heap is collected as a whole. Without both
 * there were an eighth more calls with 100 in flight (docs/performance.md).
 */

import type { Command, Redis } from 'ioredis'

/** What Redis answers: strings as Buffers, numbers, lists of them. */
export type Reply = Buffer | number | null | readonly Reply[]

/** What becomes of a command. Called back once, as the reply is read: each promise on the way is a step and garbage. */
export interface Answer {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: unknown) => void
}

/** For ioredis, which wants to give it to somebody. */
const NOBODY = Promise.resolve()

/** What ioredis' client uses of a command. */
class Written implements Answer {
  readonly name: string
  /** For error messages and traces, which shall hold no payload. */
  readonly args: readonly never[] = []
  readonly resolve: Answer['resolve']
  readonly reject: Answer['reject']
  readonly promise = NOBODY
  /** ioredis notes that it has told of it, where somebody listens. */
  isTraced = false
  readonly #bytes: Buffer

  constructor(name: string, bytes: Buffer, { resolve, reject }: Answer) {
    this.name = name
    this.#bytes = bytes
    this.resolve = resolve
    this.reject = reject
  }

  /** Asked again where an error reply makes ioredis connect anew and send it once more (its `reconnectOnError`). */
  toWritable(): Buffer {
    return this.#bytes
  }

  /** Replies are taken as the parser gives them. */
  setReplyContext(): void {}
}

/** Deadlines, lost connections, and answers as promises: connection.ts. */
export function send(client: Redis, name: string, args: readonly (string | Buffer)[], answer: Answer): void {
  client.sendCommand(new Written(name, written(name, args), answer) as unknown as Command)
}

/** A list of strings, each behind its length in bytes. */
function written(name: string, args: readonly (string | Buffer)[]): Buffer {
  let size = 0
  let head = `*${args.length + 1}\r\n$${name.length}\r\n${name}\r\n`
  const pieces: (string | Buffer)[] = []
  for (const arg of args) {
    if (typeof arg === 'string') {
      head += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`
    } else {
      head += `$${arg.length}\r\n`
      pieces.push(head, arg)
      size += Buffer.byteLength(head) + arg.length
      head = '\r\n'
    }
  }
  const bytes = Buffer.allocUnsafe(size + Buffer.byteLength(head))
  let at = 0
  for (const piece of pieces) at += typeof piece === 'string' ? bytes.write(piece, at) : piece.copy(bytes, at)
  bytes.write(head, at)
  return bytes
}
