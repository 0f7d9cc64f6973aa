import { setTimeout as delay } from 'node:timers/promises'
import type { Child } from '../../support/processes.ts'
import { until } from '../../support/until.ts'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

const LEASE = 1_000
const SIZES = { short: { tasks: 150, outages: 2 }, full: { tasks: 3_000, outages: 10 } } as const

export const outages: Row = {
  id: 'T12',
  fault: 'Redis away about as long as the lease or longer, paused or killed; everybody returns at once',
  pass: 'no worker that lives is taken for dead; one that has died meanwhile is; nothing lost',
  async run({ size, seed, rig: options }) {
    const { tasks, outages } = SIZES[size]
    const redis = ['--appendonly', 'yes', '--appendfsync', 'always']
    await using rig = await Rig.start({
      ...options,
      seed,
      mix: 0.1,
      redis,
      queue: { enqueueTimeout: 30_000 },
    })
    const { random } = rig
    const open = (): Promise<Child> => rig.worker({ lease: LEASE, maxCrashes: 20 })
    const alive = await Promise.all([open(), open(), open()])
    const killed: Child[] = []
    const returnedAt: number[] = []
    const breaking = (async () => {
      for (let outage = 0; outage < outages; outage++) {
        await delay(random.between(LEASE / 2, LEASE))
        // A little less than the lease is as bad as more: of some it has ended, and of others not.
        const length = LEASE * random.pick([0.7 + 0.3 * random.next(), 1 + 2 * random.next()])
        const isPause = outage % 2 === 0
        if (isPause) rig.redis.pause()
        else await rig.redis.kill()
        await delay(length)
        if (outage === outages - 1) {
          const victim = alive.pop()!
          killed.push(victim)
          victim.signal('SIGKILL')
        }
        if (isPause) rig.redis.resume()
        else await rig.redis.restart()
        returnedAt.push(Date.now())
      }
    })()
    await rig.producer.spread(tasks, outages * 2.5 * LEASE, (n) => rig.work(n, random.pick([0, 5, 50, 500])))
    await breaking
    await rig.finish()
    const lastId = rig.said(/^ready (\S+)$/gm, killed).at(-1) as string
    await until('the dead worker to be found', () =>
      rig.said(/^recovered (.+)$/gm).some((line) => line.includes(lastId)),
    )
    const claims = rig.claims(killed)
    const verdict = await rig.verdict({ extraRuns: Number.POSITIVE_INFINITY })
    const problems = [...verdict.problems, ...rig.problems, ...rerunsOfLiving(rig, killed)]
    if (claims.length > 0) problems.push(`${claims.length} live workers were taken for dead: ${claims[0]}`)
    return {
      problems,
      figures: { ...figuresOf(verdict), outages, claims: claims.length },
      recoveries: rig.recoveries(returnedAt),
    }
  },
}

/** A handler may have ended while Redis was away, and its process before it could say so: that one runs again, no other. */
function rerunsOfLiving(rig: Rig, killed: readonly Child[]): string[] {
  const dead = new Set(killed.map(({ pid }) => String(pid)))
  const runner = new Map<string, string>()
  const again: string[] = []
  for (const { verb, id, rest } of rig.journal.read()) {
    // Another attempt is due then.
    if (verb === 'threw') runner.delete(id)
    if (verb !== 'start') continue
    const before = runner.get(id)
    if (before !== undefined && !dead.has(before)) again.push(id)
    runner.set(id, rest[1] as string)
  }
  return again.length > 0 ? [`${again.length} tasks of living workers ran again: ${again[0]}`] : []
}
