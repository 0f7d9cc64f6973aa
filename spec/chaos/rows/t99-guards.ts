import { GUARDS } from '../guards.ts'
import type { Row } from '../row.ts'

/** Of every day: they fail fast. */
const SHORT: readonly string[] = ['fence', 'same answer', 'reaper gate']
/** Ms: what hangs without its guard hangs for good. */
const PATIENCE = 12_000
/** What is left to chance may spare a row once. */
const TRIES = 3

/** Does the suite see it when a guard is gone? Each is taken out of the workers' lib as it is loaded: ../without.mjs. */
export const guards = (rows: () => readonly Row[]): Row => ({
  id: 'GUARDS',
  fault: 'one guard at a time taken out of the workers',
  pass: 'the row that the guard is for fails',
  runs: 1,
  async run({ size, seed }) {
    const problems: string[] = []
    const chosen = GUARDS.filter(({ name }) => size === 'full' || SHORT.includes(name))
    for (const { name, row: id } of chosen) {
      const row = rows().find((one) => one.id === id)!
      if (!(await fails(row, name, seed))) problems.push(`${id} passes without the guard "${name}"`)
    }
    return { problems, figures: { guards: chosen.length, proved: chosen.length - problems.length } }
  },
})

async function fails(row: Row, guard: string, seed: number): Promise<boolean> {
  const rig = {
    execArgv: ['--import', './spec/chaos/without.mjs'],
    env: { GUARD: guard },
    patience: PATIENCE,
  }
  for (let n = 0; n < TRIES; n++) {
    const { problems } = await row
      .run({ size: 'short', seed: seed + n, rig })
      .catch((error: Error) => ({ problems: [error.message] }))
    // A text that is not where guards.json looks for it says nothing about the row.
    const broken = problems.find((problem) => problem.includes('guards.json'))
    if (broken) throw new Error(broken)
    if (problems.length > 0) return true
  }
  return false
}
