/**
 * `npm run bench`: Millrace side by side with BullMQ, bee-queue and the floor, in one run. It starts a Redis and
 * measuring processes of its own, on loopback alone, and ends them with itself, also on ctrl-C. See bench/cases/ for
 * what is measured, bench/measure/ for how, bench/systems/ for what each system is asked to do, bench/plot/ for the
 * figures that are drawn from it.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type DevRedis, RedisServerMissingError, startDevRedis } from '../lib/dev-redis.ts'
import { type Build, build } from './bench/build.ts'
import { Crew } from './bench/crew.ts'
import { describeMachine } from './bench/machine.ts'
import { type Options, readOptions, USAGE, UsageError } from './bench/options.ts'
import { plot } from './bench/plot/index.ts'
import { endProgress, showProgress } from './bench/progress.ts'
import { reportOf, textOf } from './bench/report.ts'
import { run } from './bench/run.ts'
import { argumentsFor, Server } from './bench/server.ts'

/** Whatever hangs, it is over then: no case begins later, and orders have a deadline of their own. */
const TIME_LIMIT_MS = { full: 60 * 60_000, quick: 104_000 }

const note = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

const interrupted = new AbortController()
let built: Build | undefined
let redis: DevRedis | undefined
let server: Server | undefined
let crew: Crew | undefined

/** Safe twice, and at any time: ctrl-C may come between two of these. */
async function end(): Promise<void> {
  await crew?.end()
  server?.close()
  await redis?.stop()
  built?.remove()
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

async function measure(options: Options): Promise<void> {
  const { size, suite, profile, persistence } = options
  const startedAt = new Date()
  const machine = describeMachine()
  note('building lib')
  built = await build()
  interrupted.signal.throwIfAborted()
  redis = await startDevRedis({ useEnv: false, args: argumentsFor(persistence), onNote: note })
  note(`${redis.from}, ${redis.url}`)
  server = new Server(redis.url, persistence)
  if (profile !== undefined) mkdirSync(profile, { recursive: true })
  crew = new Crew({
    ...{ place: { url: redis.url, library: built.library }, entry: built.entry },
    profiles: profile === undefined ? undefined : resolve(profile),
  })
  interrupted.signal.throwIfAborted()
  const result = await run(
    { crew, server },
    {
      ...options,
      // Growth has one case, and best settings and files on disk take their time.
      timeLimit: TIME_LIMIT_MS[options.best || persistence !== 'none' || suite === 'growth' ? 'full' : size],
      signal: interrupted.signal,
      onProgress: showProgress,
    },
  )
  endProgress()
  const seconds = Math.round((Date.now() - startedAt.getTime()) / 1_000)
  const about = { machine: { ...machine, redis: await server.version() }, startedAt, seconds }
  const report = await reportOf(options, result, about)
  console.log(textOf(options, result, report))
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`)
  if (result.cases.some(({ failures }) => failures.length > 0)) process.exitCode = 1
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === undefined) console.log(USAGE)
  else if ('plot' in options) for (const file of plot(options)) console.log(file)
  else await measure(options)
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
