/**
 * `npm run bench`: Millrace side by side with BullMQ, bee-queue and the floor, in one run. It starts a Redis and
 * measuring processes of its own, on loopback alone, and ends them with itself, also on ctrl-C. See bench/cases.ts for
 * what is measured, bench/measure.ts for how, bench/systems/ for what each system is asked to do.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { resolve } from 'node:path'
import { type DevRedis, RedisServerMissingError, startDevRedis } from '../lib/dev-redis.ts'
import { type Build, buildLibrary } from './bench/build.ts'
import { Crew } from './bench/crew.ts'
import { type Options, readOptions, USAGE, UsageError } from './bench/options.ts'
import { endProgress, showProgress } from './bench/progress.ts'
import { type Line, linesOf, tableOf } from './bench/report.ts'
import { type RunResult, run } from './bench/run.ts'
import { Server } from './bench/server.ts'
import { loadSystem } from './bench/systems/index.ts'

/** Whatever hangs, it is over then: no case begins later, and orders have a deadline of their own. */
const TIME_LIMIT_MS = 20 * 60_000

const note = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

const interrupted = new AbortController()
let build: Build | undefined
let redis: DevRedis | undefined
let server: Server | undefined
let crew: Crew | undefined

/** Safe twice, and at any time: ctrl-C may come between two of these. */
async function end(): Promise<void> {
  await crew?.end()
  server?.close()
  await redis?.stop()
  build?.remove()
}

function endOn(signal: NodeJS.Signals, code: number): void {
  process.once(signal, () => {
    interrupted.abort(new Error(`ended by ${signal}`))
    process.exitCode = code
    void end()
  })
}
endOn('SIGINT', 130)
endOn('SIGTERM', 143)
endOn('SIGHUP', 129)

async function main(options: Options): Promise<void> {
  const { cases, systems, rounds, size, profile } = options
  const startedAt = new Date()
  note('building lib')
  build = await buildLibrary()
  interrupted.signal.throwIfAborted()
  redis = await startDevRedis({ useEnv: false, onNote: note })
  note(`${redis.from}, ${redis.url}`)
  server = new Server(redis.url)
  if (profile !== undefined) mkdirSync(profile, { recursive: true })
  crew = new Crew({
    place: { url: redis.url, build: build.folder },
    profiles: profile === undefined ? undefined : resolve(profile),
  })
  interrupted.signal.throwIfAborted()
  const result = await run(
    { crew, server },
    {
      ...{ cases, systems, rounds, size, timeLimit: TIME_LIMIT_MS },
      signal: interrupted.signal,
      onProgress: showProgress,
    },
  )
  endProgress()
  const lines = linesOf(result)
  const machine = {
    cpus: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    node: process.version,
    redis: await server.version(),
  }
  const seconds = Math.round((Date.now() - startedAt.getTime()) / 1_000)
  await print(options, result, lines, { ...machine, seconds })
  if (options.json !== undefined) writeJson(options, result, lines, { ...machine, startedAt, seconds })
  if (result.cases.some(({ failures }) => failures.length > 0)) process.exitCode = 1
}

async function print(
  { systems, rounds, size }: Options,
  result: RunResult,
  lines: readonly Line[],
  about: { cpus: string; node: string; redis: string; seconds: number },
): Promise<void> {
  console.log(`\n${tableOf(lines)}\n`)
  console.log(
    `Medians (min–max) of ${rounds} interleaved rounds, ${size} counts; ratios are medians of each round's Millrace / rival.`,
  )
  console.log(
    `/s: higher is better; µs, B: lower is better. ${about.cpus}; Node ${about.node}, Redis ${about.redis}; ${about.seconds} s.`,
  )
  for (const id of systems) {
    const { title, semantics } = await loadSystem(id)
    console.log(`  ${title}: ${semantics}.`)
  }
  for (const failure of result.cases.flatMap(({ failures }) => failures)) console.log(`FAILED ${failure}`)
  if (result.skipped.length > 0) console.log(`out of time, not measured: ${result.skipped.join(', ')}`)
}

function writeJson(options: Options, result: RunResult, lines: readonly Line[], about: object): void {
  const cases = result.cases.map(({ case: one, tasks, seconds, rounds, failures }) => ({
    ...{ name: one.name, tasks, seconds, failures },
    rounds: Object.fromEntries(rounds),
  }))
  const { systems, size } = options
  const all = { ...about, systems, size, lines, cases, skipped: result.skipped }
  writeFileSync(options.json!, `${JSON.stringify(all, null, 2)}\n`)
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options) await main(options)
  else console.log(USAGE)
} catch (error) {
  if (error instanceof UsageError) {
    note(`${error.message}\n${USAGE}`)
    process.exitCode = 64
  } else if (!interrupted.signal.aborted) {
    note(error instanceof RedisServerMissingError ? error.message : String((error as Error).stack))
    process.exitCode = error instanceof RedisServerMissingError ? 69 : 1
  }
} finally {
  await end()
}
