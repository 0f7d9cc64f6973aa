import { GUARDS, type Guard } from '../guards.ts'
import type { Row } from '../row.ts'

/** Of every day: they fail fast. */
const SHORT: readonly string[] = ['fence', 'same answer', 'reaper gate']
/** Ms: as guards.json says, and else this. */
const PATIENCE = 16_000
/** Chance may spare a row: T2 without the fence 6 of 15 times. */
const TRIES = 8

/**
 * Does the suite see it when a guard is gone? Each is taken out of the workers' lib as it is loaded (../without.mjs), and
 * its row has to say what guards.json says it would. In the full size each row also has to pass with all its guards,
 * with no more patience than it has without one.
 */
export const guards = (rows: () => readonly Row[]): Row => ({
  id: 'GUARDS',
  fault: 'one guard at a time taken out of the workers',
  pass: 'the row that the guard is for fails, and says what the guard is for',
  runs: 1,
  async run({ size, seed }) {
    const problems: string[] = []
    const rowOf = (id: string): Row => rows().find((one) => one.id === id)!
    const chosen = GUARDS.filter(({ name }) => size === 'full' || SHORT.includes(name))
    const say = (text: string): unknown => size === 'full' && process.stderr.write(`  ${text}\n`)
    let proved = 0
    for (const guard of chosen) {
      const { problem, seen } = await prove(rowOf(guard.row), guard, seed)
      say(`${guard.name}: ${problem ?? `${guard.row} says: ${seen}`}`)
      if (problem === undefined) proved += 1
      else problems.push(problem)
    }
    const ids = size === 'full' ? [...new Set(chosen.map(({ row }) => row))] : []
    for (const id of ids) {
      const patience = Math.max(...chosen.filter(({ row }) => row === id).map(patienceOf))
      const told = await tell(rowOf(id), { seed, rig: { patience } })
      if (told.length > 0) problems.push(`${id} fails with all its guards: ${told.join('; ')}`)
      say(`${id} with all its guards: ${told.join('; ') || 'passed'}`)
    }
    return {
      problems,
      figures: {
        guards: chosen.length,
        proved,
        ...(size === 'full' && { 'rows with all guards': ids.length }),
      },
    }
  },
})

const patienceOf = ({ patience = PATIENCE }: Guard): number => patience

/** seen: what the row has said of it. */
async function prove(
  row: Row,
  guard: Guard,
  seed: number,
): Promise<{ readonly problem?: string; readonly seen?: string }> {
  const rig = {
    execArgv: ['--import', './spec/chaos/without.mjs'],
    env: { GUARD: guard.name },
    patience: patienceOf(guard),
  }
  const others: string[] = []
  for (let n = 0; n < TRIES; n++) {
    const told = await tell(row, { seed: seed + n, rig })
    // A text that is not where guards.json looks for it says nothing about the row.
    const broken = told.find((problem) => problem.includes('guards.json'))
    if (broken) throw new Error(broken)
    const seen = told.find((problem) => new RegExp(guard.seen).test(problem))
    if (seen !== undefined) return { seen }
    others.push(...told)
  }
  const without = `without the guard "${guard.name}"`
  if (others.length === 0) return { problem: `${row.id} passes ${without}` }
  return {
    problem: `${row.id} does not say /${guard.seen}/ ${without}, but ${others.slice(0, 3).join('; ')}`,
  }
}

const tell = (row: Row, run: Pick<Parameters<Row['run']>[0], 'seed' | 'rig'>): Promise<readonly string[]> =>
  row.run({ size: 'short', ...run }).then(
    ({ problems }) => problems,
    (error: Error) => [error.message],
  )
