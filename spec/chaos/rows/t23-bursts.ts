import { setTimeout as delay } from 'node:timers/promises'
import { type Child, start } from '../../support/processes.ts'
import { until } from '../../support/until.ts'
import type { CallerPlan, Told } from '../caller.ts'
import { healthOf } from '../health.ts'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

const MIB = 1024 * 1024
/** buffered: what the caller may keep while Redis is away: the burst, at least; patience: for how long it keeps a call. */
const SIZES = {
  short: { cap: 500, outage: 2_500, buffered: 2 * MIB, patience: 1_000 },
  full: { cap: 1_000, outage: 20_000, buffered: 4 * MIB, patience: 5_000 },
} as const
/** About every 5 ms, KiB each. */
const FLOW = 10
/** MiB that the heap of the caller may grow by while Redis is away. */
const GROWTH = 16

export const bursts: Row = {
  id: 'T23',
  fault: 'a burst of twice the cap; then Redis killed with AOF always, and a producer that goes on calling',
  pass: 'what is over the cap, and what cannot be sent, is refused by typed errors; the heap of the caller is bounded',
  async run({ size, seed, rig: options }) {
    const { cap, outage, buffered, patience } = SIZES[size]
    const redis = ['--appendonly', 'yes', '--appendfsync', 'always']
    await using rig = await Rig.start({ ...options, seed, redis })
    const plan: CallerPlan = {
      queue: { maxQueued: cap, maxBuffered: buffered, enqueueTimeout: patience },
      ...{ burst: 2 * cap, flow: FLOW, bytes: 1_024 },
    }
    await using caller = start('spec/chaos/caller.ts', {
      args: [JSON.stringify(plan)],
      env: { REDIS_URL: rig.redis.url, JOURNAL: rig.journal.file },
      execArgv: ['--expose-gc'],
    })
    const problems: string[] = []
    const burst = await lastOf(caller, 'burst')
    if (burst.ok !== cap || burst.full !== cap)
      problems.push(
        `of ${2 * cap} calls ${burst.ok} were accepted and ${burst.full} too many, where ${cap} may wait`,
      )

    await rig.worker({ lease: 1_000 })
    await goesOn(caller)
    const before = (await healthOf(caller)).heap
    const downAt = Date.now()
    await rig.redis.kill()
    const heaps: number[] = []
    while (Date.now() < downAt + outage) {
      await delay(200 + rig.random.between(0, 100))
      heaps.push((await healthOf(caller)).heap)
    }
    if ((await lastOf(caller, 'told')).refused === 0)
      problems.push('no call was refused while Redis was away')
    await rig.redis.restart()
    const upAt = Date.now()
    await goesOn(caller)
    const resumed = Date.now() - upAt
    const after = (await healthOf(caller)).heap
    caller.signal('SIGTERM')
    const all = await lastOf(caller, 'all')
    if ((await caller.ended) !== 0) problems.push(`the caller ended badly: ${caller.output.slice(-300)}`)

    await rig.finish()
    const verdict = await rig.verdict()
    const answered = all.ok + all.full + all.refused
    if (all.untyped > 0) problems.push(`${all.untyped} calls were told by other errors than they should`)
    if (answered !== all.calls) problems.push(`${all.calls - answered} calls were told nothing`)
    const [peak, rest] = [Math.max(...heaps) - before, after - before]
    if (peak > GROWTH) problems.push(`the heap grew by ${peak.toFixed(1)} MiB while Redis was away`)
    if (rest > GROWTH / 2) problems.push(`${rest.toFixed(1)} MiB of it stayed`)
    return {
      problems: [...problems, ...verdict.problems, ...rig.problems],
      figures: { ...figuresOf(verdict), 'rejected as full': all.full, 'rejected without Redis': all.refused },
      peaks: { 'heap growth, MB': Math.max(0, peak), 'of it left, MB': Math.max(0, rest) },
      recoveries: [resumed],
    }
  },
}

/** What the caller has printed last under this word. */
async function lastOf(caller: Child, word: string): Promise<Told> {
  const told = await until(`the caller to print ${word}`, () =>
    [...caller.output.matchAll(new RegExp(`^${word} (.*)\\n`, 'gm'))].at(-1),
  )
  return JSON.parse(told[1]!) as Told
}

/** Resolves when calls are accepted again. */
async function goesOn(caller: Child): Promise<void> {
  const { ok } = await lastOf(caller, 'told')
  await until('calls to be accepted', async () => (await lastOf(caller, 'told')).ok > ok + 100, 30_000)
}
