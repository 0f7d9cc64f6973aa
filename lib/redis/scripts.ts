/** The Lua scripts by name, run by digest; a server that has forgotten one is sent its source again. */

import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { type Answer, send } from './command.ts'
import { isMissingScript } from './faults.ts'
import { sources } from './lua/embedded.ts'

export type ScriptName = keyof typeof sources

const digests = Object.fromEntries(
  Object.entries(sources).map(([name, source]) => [name, createHash('sha1').update(source).digest('hex')]),
) as Record<ScriptName, string>

/** How a script is sent. prefix: of the queue; of the one script for several queues, theirs. */
export type SendScript = (
  client: Redis,
  script: ScriptName,
  prefix: string | readonly string[],
  argument: Buffer,
  answer: Answer,
) => void

export const sendScript: SendScript = (client, script, prefix, argument, { resolve, reject }) => {
  const again = (error: unknown): void => {
    if (isMissingScript(error)) sendInFull(client, script, prefix, argument, { resolve, reject })
    else reject(error)
  }
  send(client, 'EVALSHA', [digests[script], ...keysOf(prefix), argument], { resolve, reject: again })
}

export const sendInFull: SendScript = (client, script, prefix, argument, answer) =>
  send(client, 'EVAL', [sources[script], ...keysOf(prefix), argument], answer)

const keysOf = (prefix: string | readonly string[]): string[] =>
  typeof prefix === 'string' ? ['1', prefix] : [String(prefix.length), ...prefix]

/**
 * As sendScript, so that those to whom the script publishes hear of it before its sender does. Redis writes its replies last
 * in, first out: the sender's would go first, and each write costs 10 to 20 µs. Behind a PING its reply has a place
 * in the row before the script runs, and what is published overtakes it.
 */
export const sendBehindPing: SendScript = (client, script, prefix, argument, answer) => {
  // In one write, or Redis would answer the first before it reads the second.
  client.stream.cork()
  send(client, 'PING', [], UNHEARD)
  sendScript(client, script, prefix, argument, answer)
  client.stream.uncork()
}

const nothing = (): void => {}
const UNHEARD: Answer = { resolve: nothing, reject: nothing }

/** Those that follow each other: progress, then the outcome. Others are sent when they are first needed. */
export const ORDERED: readonly ScriptName[] = ['enqueue', 'turn', 'progress']
/** What a worker needs when its links are bad, and could not send then: 35 kB each. */
export const FOR_TROUBLE: readonly ScriptName[] = ['reread', 'release']

/**
 * For every new connection, before it counts as ready: a script that had to be sent a second time would lose its
 * place, and the last progress of a task must reach Redis ahead of its outcome. What the server knows is not sent: they
 * are some 70 kB, and a slow connection has to answer in time. Resolves when what is missing has been written.
 */
export async function loadScripts(client: Redis, names: readonly ScriptName[] = ORDERED): Promise<void> {
  const asked = names.map((name) => digests[name])
  // Without the right to ask all are sent; who lacks the right to load still may run them, with EVAL.
  const known = await client.call('SCRIPT', 'EXISTS', ...asked).catch(() => [])
  names.forEach((name, index) => {
    if ((known as unknown[])[index] !== 1) client.call('SCRIPT', 'LOAD', sources[name]).catch(() => {})
  })
}
