/** `npm start`: the main job at work. Callers are here, workers are processes of their own, one is killed. */

import { type ChildProcess, spawn } from 'node:child_process'
import { Redis } from 'ioredis'
import { RedisServerMissingError, startDevRedis } from '../lib/dev-redis.ts'
import type { TaskHandle } from '../lib/index.ts'

interface Step {
  step: number
  steps: number
  pid: number
  attempt: number
}

const isTerminal = process.stdout.isTTY === true
const say = (line = ''): void => console.log(line)
const title = (text: string): void => say(`\n${isTerminal ? `\x1b[1m${text}\x1b[0m` : text}`)

const redis = await startDevRedis({ onNote: say }).catch((error: Error) => {
  console.error(error.message)
  process.exit(error instanceof RedisServerMissingError ? 69 : 1)
})
say(`Redis: ${redis.from}`)
process.env.REDIS_URL = redis.url
// A namespace of its own: REDIS_URL may be somebody's real server.
process.env.DEMO_NAMESPACE = `millrace-demo-${process.pid}`

const { queue, fib, greet, crunch } = await import('./demo-tasks.ts')
const workers = new Map<number, ChildProcess>()

function startWorker(): void {
  const worker = spawn(
    process.execPath,
    ['--import', 'tsx', new URL('./demo-tasks.ts', import.meta.url).pathname],
    {
      stdio: ['pipe', 'inherit', 'inherit'],
    },
  )
  workers.set(worker.pid as number, worker)
  worker.once('exit', () => workers.delete(worker.pid as number))
}

async function stopWorkers(): Promise<void> {
  const ended = [...workers.values()].map((worker) => new Promise((resolve) => worker.once('exit', resolve)))
  for (const worker of workers.values()) worker.kill('SIGTERM')
  await Promise.all(ended)
}

async function times(handle: TaskHandle): Promise<string> {
  const info = await handle.info()
  if (!info?.startedAt || !info.finishedAt) return ''
  const waited = info.startedAt.getTime() - info.createdAt.getTime()
  return `waited ${waited} ms, ran ${info.finishedAt.getTime() - info.startedAt.getTime()} ms`
}

/** Somebody's real server is left as it was found. */
async function removeKeys(url: string, pattern: string): Promise<void> {
  const client = new Redis(url)
  for await (const keys of client.scanStream({ match: pattern, count: 500 })) {
    if (keys.length > 0) await client.del(...keys)
  }
  client.disconnect()
}

/** One line that moves on a terminal, every fifth step elsewhere. */
function drawProgress({ step, steps, pid, attempt }: Step): void {
  const filled = Math.round((step / steps) * 30)
  const line = `  [${'#'.repeat(filled)}${'.'.repeat(30 - filled)}] ${step}/${steps}  process ${pid}, attempt ${attempt}`
  if (isTerminal) process.stdout.write(`\r${line}${step === steps ? '\n' : ''}`)
  else if (step % 5 === 0 || step === 1) say(line)
}

async function watch(handle: TaskHandle, onStep: (step: Step) => void): Promise<void> {
  for await (const step of handle.progress()) onStep(step as Step)
}

try {
  startWorker()
  startWorker()
  say(`Workers: processes ${[...workers.keys()].join(' and ')}`)
  await greet('first').get({ timeout: 30_000 })

  title('1. RPC: await fib(100_000).get()')
  const call = fib(100_000)
  const digits = (await call.get({ timeout: 30_000 })).toString()
  say(
    `  ${digits.length.toLocaleString('en')} digits: ${digits.slice(0, 12)}…${digits.slice(-12)}  (${await times(call)})`,
  )

  title("2. Background: greet('world'), and its result later, by id")
  const { id, enqueued } = greet('world')
  await enqueued
  say(`  accepted as ${id}; the caller goes on`)
  const later = queue.handle<string>(id)
  say(`  ${await later.get({ timeout: 30_000 })}  (${await times(later)})`)

  title('3. Progress: a long task says how far it is')
  const long = crunch(20, 60)
  await watch(long, drawProgress)
  await long.get()

  title('4. kill -9 of the worker in mid-task: the task goes on elsewhere')
  const unlucky = crunch(15, 80)
  let killed: number | undefined
  await watch(unlucky, (step) => {
    drawProgress(step)
    if (step.step < 5 || killed !== undefined) return
    killed = step.pid
    process.kill(killed, 'SIGKILL')
    say(`${isTerminal ? '\n' : ''}  kill -9 ${killed}; its lease ends in at most 1.5 s`)
  })
  const survivor = await unlucky.get({ timeout: 30_000 })
  const info = await unlucky.info()
  say(
    `  ended on process ${survivor}: attempt ${info?.attempt}, crashes ${info?.crashes}, state ${info?.state}`,
  )

  say('\nNext:')
  say('  examples/            one capability a file; each says in its first lines how to run it')
  say('  npm run redis        a Redis to run them against (nothing to install)')
  say('  README.md            the five-minute tour; npm test runs everything')
} finally {
  await stopWorkers()
  await queue.close()
  if (redis.pid === undefined) await removeKeys(redis.url, `${process.env.DEMO_NAMESPACE}:*`)
  await redis.stop()
}
