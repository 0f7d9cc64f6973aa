/** The command line, checked at the door. */

import { parseArgs } from 'node:util'
import { CASES, type Case } from './cases.ts'
import { SYSTEM_IDS } from './systems/index.ts'
import type { SystemId } from './systems/system.ts'

export interface Options {
  readonly size: 'full' | 'quick'
  readonly cases: readonly Case[]
  readonly systems: readonly SystemId[]
  readonly rounds: number
  readonly json: string | undefined
  readonly profile: string | undefined
}

const MAX_ROUNDS = 50

export const USAGE = `usage: npm run bench -- [options]
  --quick             smaller counts: two minutes instead of ten
  --case <name,…>     only these cases: ${CASES.map(({ name }) => name).join(', ')}
  --systems <name,…>  only these: ${SYSTEM_IDS.join(', ')}
  --rounds <n>        rounds that count, 1 to ${MAX_ROUNDS} (default 5); one more warms up
  --json <file>       every figure of every round, as JSON
  --profile <folder>  a CPU profile of each process, for DevTools (slows all down)`

export class UsageError extends Error {}

/** Undefined: help was asked for. Throws UsageError. */
export function readOptions(args: readonly string[]): Options | undefined {
  const values = parse(args)
  if (values.help) return undefined
  const rounds = Number(values.rounds ?? 5)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) {
    throw new UsageError(`--rounds must be a whole number from 1 to ${MAX_ROUNDS}`)
  }
  const names = CASES.map(({ name }) => name)
  const cases = chosen('--case', values.case, names)
  const systems = chosen('--systems', values.systems, SYSTEM_IDS)
  return {
    ...{ rounds, systems, json: values.json, profile: values.profile },
    size: values.quick ? 'quick' : 'full',
    cases: CASES.filter(({ name }) => cases.includes(name)),
  }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ quick: flag, help: flag },
        ...{ case: text, systems: text, rounds: text, json: text, profile: text },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** In their own order, whichever order they were asked for in. */
function chosen<T extends string>(option: string, given: string | undefined, known: readonly T[]): T[] {
  if (given === undefined) return [...known]
  const names = given.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !known.some((other) => other === name))
  if (unknown.length > 0) {
    throw new UsageError(`${option}: unknown ${unknown.join(', ')} (known: ${known.join(', ')})`)
  }
  return known.filter((name) => names.includes(name))
}
