import { setTimeout as delay } from 'node:timers/promises'
import type { Child } from '../../support/processes.ts'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

const LEASE = 1_000
/** Calls; in the full size they make 10,000 tasks and some. */
const SIZES = {
  short: { tasks: 300, kills: 3, workers: 2, ms: 4_000 },
  full: { tasks: 8_000, kills: 50, workers: 3, ms: 60_000 },
} as const

export const kills: Row = {
  id: 'T1',
  fault: 'workers killed by kill -9, at random, under load',
  pass: 'nothing lost, one outcome each; no more extra runs than tasks that were in flight at the kills',
  runs: 20,
  async run({ size, seed, rig: options }) {
    const { tasks, kills, workers, ms } = SIZES[size]
    await using rig = await Rig.start({ ...options, seed, mix: 0.1 })
    const { random } = rig
    // A task may be hit by more than two deaths here: it must not be taken for poison.
    const open = (): Promise<Child> => rig.worker({ lease: LEASE, concurrency: 10, maxCrashes: 20 })
    const alive = await Promise.all(Array.from({ length: workers }, open))
    const killedAt: number[] = []
    const killing = (async () => {
      for (let kill = 0; kill < kills; kill++) {
        await delay((ms / kills) * (0.5 + random.next()))
        const victim = alive.splice(random.between(0, alive.length - 1), 1)[0]!
        victim.signal('SIGKILL')
        killedAt.push(Date.now())
        alive.push(await open())
      }
    })()
    await rig.producer.spread(tasks, ms, (n) => rig.work(n, random.between(0, 60)))
    await killing
    await rig.finish()
    const verdict = await rig.verdict({ extraRuns: rig.inFlight(killedAt) })
    return {
      problems: [...verdict.problems, ...rig.problems],
      figures: { ...figuresOf(verdict), kills, cut: verdict.cut },
      recoveries: rig.recoveries(killedAt),
    }
  },
}
