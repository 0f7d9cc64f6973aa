import { setTimeout as delay } from 'node:timers/promises'
import type { Child } from '../../support/processes.ts'
import { until } from '../../support/until.ts'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

/** Ms: more than the half second that a worker gives its handlers once it has aborted them. */
const LONG = 800
/** Calls that have not ended, at most. */
const MOST_OPEN = 60

const SIZES = {
  short: { restarts: 3, lines: 1, perSecond: 60 },
  full: { restarts: 100, lines: 2, perSecond: 100 },
} as const

export const rollingRestarts: Row = {
  id: 'T21',
  fault: 'rolling restarts by SIGTERM under load: the next worker is there before the old one leaves',
  pass: 'every task runs once, in its first attempt; every worker drains and ends by itself',
  async run({ size, seed, rig: options }) {
    const { restarts, lines, perSecond } = SIZES[size]
    await using rig = await Rig.start({ ...options, seed, mix: 0.1 })
    const { random } = rig
    const open = (): Promise<Child> => rig.worker({ lease: 5_000, concurrency: 5 })
    const problems: string[] = []
    const drains: number[] = []
    let isOver = false
    let left = restarts
    /** One worker after the other; several such lines side by side. */
    const line = async (): Promise<void> => {
      for (let old = await open(); left > 0; ) {
        left -= 1
        const next = await open()
        await delay(random.between(0, 200))
        if (left % 2 === 0) await busy(rig, old)
        const began = performance.now()
        old.signal('SIGTERM')
        const end = await old.ended
        drains.push(performance.now() - began)
        if (end !== 0) problems.push(`a worker ended by ${end}: ${old.output.slice(-300)}`)
        old = next
      }
    }
    const load = async (): Promise<void> => {
      for (let n = 0; !isOver; ) {
        const many = n + Math.ceil(perSecond / 2)
        await rig.producer.spread(many - n, 500, () => {
          // Now and then a long one, so that most drains wait for something.
          const time = random.pick([0, 5, 20, 60, 300])
          // Where the machine is too slow for all of them, the line is not to grow for as long as restarts take.
          if (rig.producer.unsettled.size < MOST_OPEN) rig.work(n, time)
          n += 1
        })
      }
    }
    await Promise.all([
      load(),
      Promise.all(Array.from({ length: lines }, line)).finally(() => {
        isOver = true
      }),
    ])
    await rig.finish()
    const again = rig.unaskedAttempts
    if (again.length > 0) problems.push(`${again.length} attempts were not the first`)
    const verdict = await rig.verdict({ extraRuns: 0 })
    return {
      problems: [...problems, ...verdict.problems, ...rig.problems],
      figures: { ...figuresOf(verdict), restarts: drains.length },
      recoveries: drains,
    }
  },
}

/** Resolves when this worker runs something long: it cannot leave well without waiting for it. */
async function busy(rig: Rig, worker: Child): Promise<void> {
  const [id] = rig.said(/^ready (\S+)$/gm, [worker])
  for (let hasIt = false; !hasIt; ) {
    const handle = rig.producer.call(() => rig.tasks.work(LONG, LONG), { expected: LONG })
    // On a busy machine it may have ended before anybody looked.
    const info = await until('a long task to begin', async () => {
      const now = await handle.info()
      return now && (now.state === 'running' || now.state === 'succeeded') && now
    })
    hasIt = info.state === 'running' && info.worker === id
  }
}
