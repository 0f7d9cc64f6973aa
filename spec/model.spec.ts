/**
 * The scripts against a model of them in memory: random steps of callers, operators and three workers, on both, and all
 * that can be seen compared after each. spec/model/model.ts says what has to happen. Longer, or once more:
 *
 *   MODEL_RUNS=400 MODEL_COMMANDS=80 npm test -- spec/model.spec.ts
 *   MODEL_SEED=… MODEL_PATH=… MODEL_REPLAY=… npm test -- spec/model.spec.ts      as the failure says
 */

import { test } from 'node:test'
import { compare } from './model/property.ts'

const { MODEL_RUNS = '60', MODEL_COMMANDS = '40', MODEL_SEED, MODEL_PATH, MODEL_REPLAY } = process.env

test('Redis and the model agree after every step', async (t) => {
  const { problem, runs, commands } = await compare({
    runs: Number(MODEL_RUNS),
    most: Number(MODEL_COMMANDS),
    seed: Number(MODEL_SEED ?? Math.floor(Math.random() * 2 ** 31)),
    path: MODEL_PATH,
    replayPath: MODEL_REPLAY,
  })
  t.diagnostic(`${runs} runs, ${commands} steps`)
  if (problem) throw new Error(problem)
})
