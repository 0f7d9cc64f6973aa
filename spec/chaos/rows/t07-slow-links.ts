import type { Shape } from '../../support/link.ts'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

/** A slow connection that stands already carries beats, reads and small tasks. */
const SLOW = 1_024
/**
 * A new connection asks which scripts the server knows; the first of all brings 70 kB of them. Its first answer has to
 * come within 5 s, and a reconnecting worker reads again what it holds.
 */
const SLOWEST_NEW = 12 * 1_024
const SIZES = {
  short: { lease: 1_500, ms: 2_000, anew: false },
  full: { lease: 5_000, ms: 8_000, anew: true },
} as const

const SHAPES: readonly Shape[] = [{ delay: [100, 300] }, { rate: SLOW }, { packet: 1 }]

export const slowLinks: Row = {
  id: 'T7',
  fault:
    '200 ms each way, give or take 100; 1 KiB/s (12 KiB/s for connections that are made anew); a byte per packet',
  pass: 'no worker is taken for dead; one run each',
  async run({ size, seed, rig: options }) {
    const { lease, ms, anew } = SIZES[size]
    await using rig = await Rig.start({ ...options, seed })
    const { random, proxy, producer } = rig
    // This one is never slow: it would find the others dead.
    await rig.worker({ lease, concurrency: 1 })
    for (let i = 0; i < 2; i++) await rig.worker({ lease, concurrency: 5 }, 'proxy')
    let n = 0
    const work = (): void => rig.work(n++, random.between(0, 100))
    for (const shape of [...SHAPES].sort(() => random.next() - 0.5)) {
      proxy.shape = shape
      await producer.spread(ms / 100, ms, work)
      await rig.finish()
      if (!anew) continue
      proxy.shape = shape.rate ? { rate: SLOWEST_NEW } : shape
      proxy.cut()
      await producer.spread(ms / 100, ms, work)
      await rig.finish()
    }
    proxy.shape = {}
    const claims = rig.claims()
    const verdict = await rig.verdict({ extraRuns: 0 })
    const problems = [...verdict.problems, ...rig.problems]
    if (claims.length > 0) problems.push(`taken for dead: ${claims.join(' ')}`)
    return { problems, figures: { ...figuresOf(verdict), 'false recoveries': claims.length } }
  },
}
