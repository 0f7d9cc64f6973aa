/** Sends scripts over one connection, each with a deadline. What the hot verbs and the operators' verbs share. */

import type { Reply } from './command.ts'
import type { Connection } from './connection.ts'
import { type FrameItem, frame } from './frame.ts'
import type { Keys } from './keys.ts'
import { runBehindPing, runInFull, runScript, type ScriptName } from './scripts.ts'

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
    return this.send(script, frame(args))
  }

  /** With its source: also a server that does not know it runs it now, and not behind what is sent after it. */
  runInFull(script: ScriptName, args: readonly FrameItem[]): Promise<Reply> {
    return this.connection.send(
      (client) => runInFull(client, script, this.keys.prefix, frame(args)),
      ANSWER_TIMEOUT,
    )
  }

  /** prefixes: of the queues that it is about, where it is more than this one. */
  send(script: ScriptName, argument: Buffer, prefixes?: readonly string[]): Promise<Reply> {
    return this.connection.send(
      (client) => runScript(client, script, prefixes ?? this.keys.prefix, argument),
      ANSWER_TIMEOUT,
    )
  }

  /** For a script whose messages are more urgent than its answer. */
  sendUrgently(script: ScriptName, argument: Buffer): Promise<Reply> {
    return this.connection.send(
      (client) => runBehindPing(client, script, this.keys.prefix, argument),
      ANSWER_TIMEOUT,
    )
  }
}
