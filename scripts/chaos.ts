/**
 * `npm run chaos`: the fault suite. It starts Redis servers, proxies and worker processes of its own, on loopback alone,
 * breaks them, and judges from outside what came of it. spec/chaos/ has the rows; `npm test` runs a short form of each.
 */

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Size } from '../spec/chaos/row.ts'
import { ROWS } from '../spec/chaos/rows/index.ts'
import { type Line, markdownOf, runRow, tableOf } from './chaos/report.ts'

const USAGE = `usage: npm run chaos -- [options]
  --only <id,…>     only these rows: ${ROWS.map(({ id }) => id).join(', ')}
  --seed <n>        the seed of the first run of each row; the next run takes the next (default 1)
  --runs <n>        runs of each row (default: what the row says, 3 to 20)
  --size <size>     short or full (default full)
  --minutes <n>     begins no run later (default 240)
  --json <file>     every run with its seed and figures, as JSON
  --markdown <file> the table, as docs/reliability.md has it`

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seed: { type: 'string', default: '1' },
    runs: { type: 'string' },
    size: { type: 'string', default: 'full' },
    minutes: { type: 'string', default: '240' },
    json: { type: 'string' },
    markdown: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

function complain(what: string): never {
  console.error(`${what}\n\n${USAGE}`)
  process.exit(2)
}

function whole(name: 'seed' | 'runs' | 'minutes'): number {
  const number = Number(values[name])
  if (!Number.isSafeInteger(number) || number < 1) complain(`--${name} must be a whole number from 1`)
  return number
}

if (values.help) {
  console.log(USAGE)
  process.exit(0)
}
if (values.size !== 'short' && values.size !== 'full') complain('--size must be short or full')
const size: Size = values.size
const chosen = values.only?.split(',').map((id) => id.trim().toUpperCase())
const unknown = chosen?.filter((id) => !ROWS.some((row) => row.id === id)) ?? []
if (unknown.length > 0) complain(`--only: there is no ${unknown.join(', ')}`)
const deadline = performance.now() + whole('minutes') * 60_000

// A fault that strikes beside the load may fail before its row waits for it, and the row tells of it then.
process.on('unhandledRejection', (error) => process.stderr.write(`  ${(error as Error).message}\n`))

const lines: Line[] = []
for (const row of ROWS.filter(({ id }) => chosen === undefined || chosen.includes(id))) {
  const runs = values.runs === undefined ? (size === 'short' ? 1 : (row.runs ?? 3)) : whole('runs')
  const seeds = Array.from({ length: runs }, (_, n) => whole('seed') + n)
  lines.push(await runRow(row, { seeds, size, deadline }, (text) => process.stderr.write(text)))
}
console.log(tableOf(lines))
if (values.json) writeFileSync(values.json, `${JSON.stringify({ size, lines }, undefined, 2)}\n`)
if (values.markdown) writeFileSync(values.markdown, markdownOf(lines))
if (lines.some(({ failures }) => failures.length > 0)) process.exitCode = 1
