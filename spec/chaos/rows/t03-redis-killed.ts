import { setTimeout as delay } from 'node:timers/promises'
import { Rig } from '../rig.ts'
import { figuresOf, type Result, type Row, type Run } from '../row.ts'
import { outside, type Window } from '../windows.ts'

const LEASE = 2_000
const SIZES = {
  short: { tasks: 150, kills: 1, ms: 1_500 },
  full: { tasks: 3_000, kills: 6, ms: 12_000 },
} as const
/** What `everysec` may lose: Redis puts a write off for two seconds at most. */
const EVERYSEC = 2_000

export const redisKilled: Row = {
  id: 'T3',
  fault: 'kill -9 of Redis under load, with its append-only file at `always` and at `everysec`; restart',
  pass: 'always: nothing lost and nothing run twice; everysec: at most the last two seconds; waits settle, workers go on',
  runs: 10,
  async run(run) {
    const always = await under('always', run)
    const everysec = await under('everysec', run)
    return {
      problems: [...always.problems, ...everysec.problems],
      figures: Object.fromEntries([
        ...Object.entries(always.figures).map(([name, value]) => [name, value + everysec.figures[name]!]),
        ['lost with everysec', everysec.figures.lost!],
      ]),
      recoveries: [...always.recoveries!, ...everysec.recoveries!],
    }
  },
}

async function under(fsync: 'always' | 'everysec', { size, seed, rig: options }: Run): Promise<Result> {
  const { tasks, kills, ms } = SIZES[size]
  const redis = ['--appendonly', 'yes', '--appendfsync', fsync]
  await using rig = await Rig.start({ ...options, seed, mix: 0.1, redis, queue: { enqueueTimeout: 30_000 } })
  const { random } = rig
  await Promise.all([1, 2].map(() => rig.worker({ lease: LEASE })))
  const windows: Window[] = []
  const upAt: number[] = []
  const killing = (async () => {
    for (let kill = 0; kill < kills; kill++) {
      await delay((ms / kills) * (0.3 + 0.4 * random.next()))
      await rig.redis.kill()
      windows.push({ from: Date.now() - EVERYSEC, to: Date.now() })
      await delay(random.between(0, 600))
      await rig.redis.restart()
      upAt.push(Date.now())
    }
  })()
  await rig.producer.spread(tasks, ms, (n) => rig.work(n, random.pick([0, 5, 20, 300])))
  await killing
  // Some that are called last, so that there is an outcome behind every restart.
  for (let n = 0; n < 10; n++) rig.work(tasks + n)
  const expect =
    fsync === 'always' ? { extraRuns: 0 } : { mayLose: true, extraRuns: Number.POSITIVE_INFINITY }
  await rig.finish(60_000, expect)
  const claims = rig.claims()
  const verdict = await rig.verdict(expect)
  const problems = [...verdict.problems, ...rig.problems, ...outside(rig.journal, verdict.lost, windows)]
  if (claims.length > 0) problems.push(`${claims.length} live workers were taken for dead: ${claims[0]}`)
  return {
    problems: problems.map((problem) => `${fsync}: ${problem}`),
    figures: { ...figuresOf(verdict), kills, claims: claims.length },
    recoveries: rig.resumes(upAt),
  }
}
