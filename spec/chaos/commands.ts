/** What Millrace asks of Redis, as it is seen on the way. */

import { createHash } from 'node:crypto'
import { sources } from '../../lib/redis/lua/embedded.ts'
import type { ScriptName } from '../../lib/redis/scripts.ts'
import { type Command, isNothing } from '../support/resp.ts'
import { GUARDS } from './guards.ts'

/** By its digest and its text; those of workers without one of their guards too. */
const names = new Map<string, ScriptName>()
for (const [name, source] of Object.entries(sources)) {
  for (const text of [source, ...GUARDS.map(({ cut, put }) => source.replaceAll(cut, () => put))]) {
    names.set(createHash('sha1').update(text).digest('hex'), name as ScriptName)
    names.set(text, name as ScriptName)
  }
}

/** The script that is run by it. */
export const scriptOf = ({ name, args }: Command): ScriptName | undefined =>
  name === 'EVALSHA' || name === 'EVAL' ? names.get(String(args[0])) : undefined

/** In the frame of a turn: worker, want and the limits; each further item is outcomes. */
const BEFORE_OUTCOMES = 5

/** A turn that brings outcomes. */
export const bringsOutcomes = (command: Command): boolean =>
  scriptOf(command) === 'turn' && command.args[3]!.readUInt32BE(1) > BEFORE_OUTCOMES

/** A blocking read that was given entries. */
export const isDelivery = ({ name }: Command, reply: Buffer): boolean =>
  name === 'XREADGROUP' && !isNothing(reply)
