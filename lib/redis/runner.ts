/** Sends scripts over one connection, each with a deadline. What the hot verbs and the operators' verbs share. */

import type { Reply } from './command.ts'
import type { Connection } from './connection.ts'
import { type FrameItem, frame } from './frame.ts'
import type { Keys } from './keys.ts'
import { type ScriptName, type SendScript, sendInFull, sendScript } from './scripts.ts'

/** An answer that takes longer means a socket that is replaced, and a call that is tried again. */
export const ANSWER_TIMEOUT = 5_000

export class Runner {
  readonly connection: Connection
  readonly keys: Keys

  constructor(connection: Connection, keys: Keys) {
    this.connection = connection
    this.keys = keys
  }

  run(script: ScriptName, args: readonly FrameItem[]): Promise<Reply> {
    return this.send(script, frame(args), asItIs)
  }

  /** With its source: also a server that does not know it runs it now, and not behind what is sent after it. */
  runInFull(script: ScriptName, args: readonly FrameItem[]): Promise<Reply> {
    return this.send(script, frame(args), asItIs, { how: sendInFull })
  }

  /** Answers what `read` makes of the reply. prefixes: of the queues that it is about, where it is more than this one. */
  send<T>(
    script: ScriptName,
    argument: Buffer,
    read: (reply: Reply) => T,
    { how = sendScript, prefixes = this.keys.prefix }: SendOptions = {},
  ): Promise<T> {
    return this.connection.ask(
      (client, answer) => how(client, script, prefixes, argument, answer),
      read,
      ANSWER_TIMEOUT,
    )
  }
}

interface SendOptions {
  readonly how?: SendScript
  readonly prefixes?: string | readonly string[]
}

const asItIs = (reply: Reply): Reply => reply
