import { setTimeout as delay } from 'node:timers/promises'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

const LEASE = 1_500
const PERIOD = 100
const SIZES = {
  short: { tasks: 300, kills: 25, pauses: 1 },
  full: { tasks: 6_000, kills: 300, pauses: 6 },
} as const

export const clientKill: Row = {
  id: 'T11',
  fault: 'connections killed by their type every 100 ms under load; CLIENT PAUSE for longer than the lease',
  pass: 'nothing lost, one outcome each; no worker is taken for dead',
  async run({ size, seed, rig: options }) {
    const { tasks, kills, pauses } = SIZES[size]
    await using rig = await Rig.start({ ...options, seed, mix: 0.1, queue: { enqueueTimeout: 30_000 } })
    const { random, redis } = rig
    await Promise.all([1, 2, 3].map(() => rig.worker({ lease: LEASE })))
    const faultsAt: number[] = []
    let killed = 0
    const breaking = (async () => {
      for (let pause = 0; pause < pauses; pause++) {
        for (let kill = 0; kill < kills / pauses; kill++) {
          await delay(PERIOD)
          const type = kill % 2 === 0 ? 'normal' : 'pubsub'
          killed += Number(await redis.client.call('CLIENT', 'KILL', 'TYPE', type))
        }
        faultsAt.push(Date.now())
        // WRITE lets those in that only read; ALL nobody.
        const length = Math.round(LEASE * (1.2 + random.next()))
        await redis.client.call('CLIENT', 'PAUSE', length, random.pick(['ALL', 'WRITE']))
        await delay(length)
      }
    })()
    const ms = kills * PERIOD + pauses * 2 * LEASE
    await rig.producer.spread(tasks, ms, (n) => rig.work(n, random.pick([0, 5, 20, 300])))
    await breaking
    await rig.finish()
    const claims = rig.claims()
    const verdict = await rig.verdict()
    const problems = [...verdict.problems, ...rig.problems]
    if (claims.length > 0) problems.push(`${claims.length} live workers were taken for dead: ${claims[0]}`)
    return {
      problems,
      figures: { ...figuresOf(verdict), killed, pauses, 'false recoveries': claims.length },
      recoveries: rig.recoveries(faultsAt),
    }
  },
}
