import { compare } from '../../model/property.ts'
import type { Row } from '../row.ts'

const SIZES = {
  short: { runs: 60, most: 40 },
  full: { runs: 400, most: 80 },
} as const

export const model: Row = {
  id: 'MODEL',
  fault:
    'random steps of callers, operators and three workers, deaths and scripts that come twice among them',
  pass: 'Redis and a model in memory agree on every answer and on the whole keyspace after each step',
  async run({ size, seed }) {
    const { problem, runs, commands } = await compare({ ...SIZES[size], seed })
    return { problems: problem === undefined ? [] : [problem], figures: { runs, commands } }
  },
}
