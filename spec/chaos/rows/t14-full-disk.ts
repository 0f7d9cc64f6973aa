import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { until } from '../../support/until.ts'
import { judge } from '../oracle.ts'
import { Refusals } from '../refusals.ts'
import { P, Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

const LEASE = 1_000
const SIZES = { short: { tasks: 150, times: 1 }, full: { tasks: 3_000, times: 8 } } as const
/** Between two full disks, ms. */
const PERIOD = 1_000

export const fullDisk: Row = {
  id: 'T14',
  fault: 'the disk of the append-only file is full, in the middle of a write (RLIMIT_FSIZE), and free again',
  pass: 'calls are refused with a typed error (MISCONF); nothing lost then, nor after kill -9 and a restart from that file',
  async run({ size, seed, rig: options }) {
    const { tasks, times } = SIZES[size]
    // With `always` Redis ends itself at such a write.
    const redisArgs = ['--appendonly', 'yes', '--appendfsync', 'everysec']
    await using rig = await Rig.start({ ...options, seed, redis: redisArgs, fillable: true })
    const { random, producer, redis } = rig
    await Promise.all([1, 2].map(() => rig.worker({ lease: LEASE })))
    const refusals = new Refusals(/^MISCONF /)
    const freedAt: number[] = []
    const breaking = (async () => {
      for (let n = 0; n < times; n++) {
        await delay(random.between(PERIOD / 2, PERIOD))
        await redis.fillDisk(random.between(0, 20_000))
        await until(
          'a write to fail',
          async () => (await persistence(redis.client)).last_write_status === 'err',
        )
        await delay(LEASE * (0.5 + 1.5 * random.next()))
        await redis.freeDisk()
        freedAt.push(Date.now())
        await until(
          'Redis to write again',
          async () => (await persistence(redis.client)).last_write_status === 'ok',
        )
      }
    })()
    await producer.spread(tasks, times * (PERIOD + 2 * LEASE), (n) => {
      const ms = random.pick([0, 5, 20, 300])
      refusals.watch(producer.call(() => rig.tasks.work(n, ms), { expected: n }))
    })
    await breaking
    for (let n = 0; n < 10; n++) rig.work(tasks + n)
    await rig.finish()
    const claims = rig.claims()
    const verdict = await rig.verdict({ extraRuns: 0 })
    // What was written around the failures is what Redis comes back with.
    await until('the file to hold everything', async () => {
      const { pending_bio_fsync, buffer_length } = await persistence(redis.client)
      return pending_bio_fsync === '0' && buffer_length === '0'
    })
    await redis.restart()
    const after = await judge(redis.client, P, rig.journal, { extraRuns: 0 })
    const problems = [...verdict.problems, ...rig.problems, ...refusals.problems]
    problems.push(...after.problems.map((problem) => `after a restart: ${problem}`))
    if (claims.length > 0) problems.push(`${claims.length} live workers were taken for dead: ${claims[0]}`)
    return {
      problems,
      figures: {
        ...figuresOf(verdict),
        times,
        refused: refusals.count,
        'lost after a restart': after.lost.length,
        claims: claims.length,
      },
      recoveries: rig.resumes(freedAt),
    }
  },
}

/** What INFO says of the append-only file, without `aof_`. */
async function persistence(client: Redis): Promise<Record<string, string>> {
  const info = await client.info('persistence')
  return Object.fromEntries([...info.matchAll(/^aof_(\w+):(\S*)/gm)].map(([, name, value]) => [name, value]))
}
