/** The command line, checked at the door. */

import { parseArgs } from 'node:util'
import type { Case } from './cases/case.ts'
import { SUITES, type Suite } from './cases/index.ts'
import type { Persistence } from './server.ts'
import { SYSTEM_IDS } from './systems/index.ts'
import type { SystemId } from './systems/system.ts'

export interface Options {
  readonly suite: Suite
  readonly size: 'full' | 'quick'
  readonly cases: readonly Case[]
  readonly systems: readonly SystemId[]
  readonly best: boolean
  readonly persistence: Persistence
  readonly rounds: number
  readonly json: string | undefined
  readonly profile: string | undefined
}

/** Nothing is measured: figures of earlier runs are drawn. */
export interface PlotOptions {
  readonly plot: readonly string[]
  readonly out: string
}

const MAX_ROUNDS = 50
const names = (cases: readonly Case[]): string => cases.map(({ name }) => name).join(', ')

export const USAGE = `usage: npm run bench -- [options]
  --quick             smaller counts, without the longest cases: two minutes instead of twenty
  --growth            how speed changes with tasks that wait and that are kept, up to a million
  --best              rivals at their best documented settings as well, in a second table
  --aof               Redis with appendonly yes, appendfsync everysec, for all
  --case <name,…>     only these cases: ${names(SUITES.default)};
                      with --growth: ${names(SUITES.growth)}
  --systems <name,…>  only these: ${SYSTEM_IDS.join(', ')}
  --rounds <n>        rounds that count, 1 to ${MAX_ROUNDS} (default 5); one more warms up
  --json <file>       every figure of every round, as JSON
  --profile <folder>  a CPU profile of each process, for DevTools (slows all down)
  --plot <file,…>     draws what such JSON files hold; measures nothing
  --out <folder>      for the drawings (default docs/plots)`

export class UsageError extends Error {}

/** Undefined: help was asked for. Throws UsageError. */
export function readOptions(args: readonly string[]): Options | PlotOptions | undefined {
  const values = parse(args)
  if (values.help) return undefined
  if (values.plot !== undefined) return { plot: values.plot.split(','), out: values.out ?? 'docs/plots' }
  if (values.out !== undefined) throw new UsageError('--out goes with --plot')
  const rounds = Number(values.rounds ?? 5)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) {
    throw new UsageError(`--rounds must be a whole number from 1 to ${MAX_ROUNDS}`)
  }
  const suite = values.growth ? 'growth' : 'default'
  const size = values.quick ? 'quick' : 'full'
  const known = SUITES[suite]
  const wanted = chosen(
    '--case',
    values.case,
    known.map(({ name }) => name),
  )
  const cases = known.filter((one) => wanted.includes(one.name))
  const isWhole = values.case === undefined
  return {
    ...{ suite, size, rounds, json: values.json, profile: values.profile },
    cases: isWhole && size === 'quick' ? cases.filter((one) => !one.fullOnly) : cases,
    systems: chosen('--systems', values.systems, SYSTEM_IDS),
    best: values.best === true,
    persistence: values.aof ? 'everysec' : 'none',
  }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ quick: flag, growth: flag, best: flag, aof: flag, help: flag },
        ...{ case: text, systems: text, rounds: text, json: text, profile: text, plot: text, out: text },
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
