/** Runs of random steps, each on an empty server; of a run that fails the shortest form is looked for. */

import fc from 'fast-check'
import { Connection } from '../../lib/redis/connection.ts'
import { startRedis } from '../support/redis.ts'
import { steps } from './commands.ts'
import { Model } from './model.ts'
import { Real } from './real.ts'
import { Stage } from './step.ts'

export interface Size {
  readonly runs: number
  /** Steps of a run, at most. */
  readonly most: number
  readonly seed: number
  /** Of a run that has failed, as its report says. */
  readonly path?: string | undefined
  readonly replayPath?: string | undefined
}

export interface Report {
  /** How to repeat it, and the steps that led to it; undefined: they agree. */
  readonly problem: string | undefined
  readonly runs: number
  readonly commands: number
}

const READY_TIMEOUT = 5_000
/** Ms after which no shorter form is looked for any more; a step takes 2 to 4 on a quiet machine. */
const patience = ({ runs, most }: Size): number => 30_000 + 10 * runs * most

export async function compare(size: Size): Promise<Report> {
  const { runs, most, seed, path, replayPath } = size
  await using redis = await startRedis()
  const connection = new Connection(redis.url, { role: 'model' })
  await connection.ready(READY_TIMEOUT)
  let commands = 0
  const property = fc.asyncProperty(steps(most, replayPath), async (chosen) => {
    const model = new Model()
    const stage = new Stage(model, ['w1', 'w2', 'w3'])
    const real = await Real.open(connection, (entry) => model.taken.indexOf(entry))
    for (const worker of stage.workers) await real.start(worker)
    try {
      await fc.asyncModelRun(() => ({ model: stage, real }), chosen)
    } catch (error) {
      throw new Error(`${stage.said.join('\n')}\n${(error as Error).message}`, { cause: error })
    } finally {
      commands += stage.said.length
    }
  })
  const options = { numRuns: runs, seed, interruptAfterTimeLimit: patience(size), includeErrorInReport: true }
  const details = await fc.check(property, { ...options, ...(path !== undefined && { path }) })
  connection.close()
  return {
    problem: details.failed ? await fc.asyncDefaultReportMessage(details) : undefined,
    runs: details.numRuns,
    commands,
  }
}
