/** The Lua scripts by name, run by digest; a server that has forgotten one is sent its source again. */

import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { isMissingScript } from './faults.ts'
import { sources } from './lua/embedded.ts'

export type ScriptName = keyof typeof sources

const digests = Object.fromEntries(
  Object.entries(sources).map(([name, source]) => [name, createHash('sha1').update(source).digest('hex')]),
) as Record<ScriptName, string>

/** What a script answers: strings as Buffers, numbers, lists of them. */
export type ScriptReply = Buffer | number | null | readonly ScriptReply[]

export async function runScript(
  client: Redis,
  script: ScriptName,
  prefix: string,
  argument: Buffer,
): Promise<ScriptReply> {
  try {
    return (await client.callBuffer('EVALSHA', digests[script], 1, prefix, argument)) as ScriptReply
  } catch (error) {
    if (!isMissingScript(error)) throw error
    return (await client.callBuffer('EVAL', sources[script], 1, prefix, argument)) as ScriptReply
  }
}

/** Those that follow each other: progress, then the outcome. All others are sent when they are first needed. */
const ORDERED: readonly ScriptName[] = ['enqueue', 'turn', 'progress']

/**
 * Sent on every new connection, ahead of all that follows on it: a script that had to be sent a second time would
 * lose its place, and the last progress of a task must reach Redis ahead of its outcome.
 */
export function loadScripts(client: Redis): void {
  for (const name of ORDERED) {
    // Who lacks the right to load still may run them, with EVAL.
    client.call('SCRIPT', 'LOAD', sources[name]).catch(() => {})
  }
}
