import { setTimeout as delay } from 'node:timers/promises'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

const LEASE = 800
const SIZES = { short: { tasks: 60, pauses: 2 }, full: { tasks: 400, pauses: 6 } } as const

export const pauses: Row = {
  id: 'T2',
  fault: 'SIGSTOP for three leases, then SIGCONT: in handlers, between reply and outcome',
  pass: 'late outcomes are refused, one outcome each; a worker that was declared dead never works under its old id',
  runs: 20,
  async run({ size, seed, rig: options }) {
    const { tasks, pauses } = SIZES[size]
    await using rig = await Rig.start({ ...options, seed, mix: 0.1 })
    const { random } = rig
    const worker = () => rig.worker({ lease: LEASE, concurrency: 5, maxCrashes: 20 })
    const [sleepy] = [await worker(), await worker()]
    const stoppedAt: number[] = []
    const stopping = (async () => {
      for (let pause = 0; pause < pauses; pause++) {
        // Long and short tasks, so that it is stopped in a handler as well as between two.
        await delay(random.between(50, 400))
        sleepy.signal('SIGSTOP')
        stoppedAt.push(Date.now())
        await delay(3 * LEASE)
        sleepy.signal('SIGCONT')
        await delay(LEASE)
      }
    })()
    await rig.producer.spread(tasks, pauses * 4 * LEASE, (n) => rig.work(n, random.pick([0, 5, 300])))
    await stopping
    await rig.finish()
    const ids = [...sleepy.output.matchAll(/^(ready|dead) (\S+)$/gm)]
    const dead = ids.filter(([, what]) => what === 'dead').map(([, , id]) => id)
    const again = ids.filter(
      ([, what, id], at) => what === 'ready' && ids.slice(0, at).some(([, , other]) => other === id),
    )
    const verdict = await rig.verdict({ extraRuns: Number.POSITIVE_INFINITY })
    return {
      problems: [
        ...verdict.problems,
        ...rig.problems,
        ...again.map(([, , id]) => `the id ${id} lived again`),
      ],
      figures: {
        ...figuresOf(verdict),
        pauses,
        'declared dead': dead.length,
        fenced: sleepy.output.match(/^fenced /gm)?.length ?? 0,
      },
      recoveries: rig.recoveries(stoppedAt),
    }
  },
}
