import { setTimeout as delay } from 'node:timers/promises'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

const PERIOD = 50
/** Of half of the calls. */
const MIX = 0.2
/** Calls; there are about half as many tasks more. */
const SIZES = { short: { tasks: 450, ms: 3_000 }, full: { tasks: 8_000, ms: 40_000 } } as const

export const scriptFlush: Row = {
  id: 'T9',
  fault: 'SCRIPT FLUSH every 50 ms under load',
  pass: 'no error reaches a user: no call rejects, no queue or worker tells of an error, no task is fenced',
  async run({ size, seed, rig: options }) {
    const { tasks, ms } = SIZES[size]
    await using rig = await Rig.start({ ...options, seed, mix: MIX })
    const { random, redis, producer } = rig
    await Promise.all([rig.worker(), rig.worker()])
    let flushes = 0
    const stop = new AbortController()
    const flushing = (async () => {
      for (; !stop.signal.aborted; flushes++) {
        await redis.client.script('FLUSH')
        await delay(PERIOD)
      }
    })()
    await producer.spread(tasks, ms, (n) => {
      const time = random.between(0, 20)
      const steps = random.between(1, 5)
      // Progress has a script of its own, which must not come behind the outcome.
      const kind = random.pick(['steps', 'unawaited', 'awaited', 'awaited'])
      if (kind === 'steps') producer.call(() => rig.tasks.steps(steps, time), { expected: steps })
      else if (kind === 'unawaited') producer.call(() => rig.tasks.work(n, time))
      else rig.work(n, time)
    })
    await rig.finish()
    stop.abort()
    await flushing
    const verdict = await rig.verdict()
    const { fail, unknown } = verdict.calls
    const told = [...rig.errors.map(({ message }) => message), ...rig.said(/^(?:error|fenced|dead) .+$/gm)]
    const problems = [...verdict.problems, ...rig.problems]
    if (fail + unknown > 0) problems.push(`${fail + unknown} calls rejected`)
    if (told.length > 0) problems.push(`${told.length} errors were told: ${told.slice(0, 3).join('; ')}`)
    return {
      problems,
      figures: { ...figuresOf(verdict), flushes, errors: fail + unknown + told.length },
    }
  },
}
