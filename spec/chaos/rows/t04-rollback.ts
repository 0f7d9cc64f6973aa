import { cpSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestRedis } from '../../support/redis.ts'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'
import { outside, type Window } from '../windows.ts'

const LEASE = 3_000
const SIZES = { short: { tasks: 200, rollbacks: 1 }, full: { tasks: 2_000, rollbacks: 8 } } as const
/** Between two rollbacks, ms, besides the windows. */
const PERIOD = 1_000

/** How a copy is made, and how Redis comes back with it once it is killed. */
const COPIES = {
  aof: {
    // Every answer is in the file before it is given, so that the copy has all that was answered before it began.
    args: ['--appendonly', 'yes', '--appendfsync', 'always'],
    async keep({ dir }: TestRedis) {
      cpSync(join(dir, 'appendonlydir'), join(dir, 'copy'), { recursive: true })
    },
    putBack({ dir }: TestRedis) {
      rmSync(join(dir, 'appendonlydir'), { recursive: true })
      renameSync(join(dir, 'copy'), join(dir, 'appendonlydir'))
    },
  },
  rdb: {
    args: ['--save', ''],
    async keep({ client }: TestRedis) {
      await client.save()
    },
    putBack() {},
  },
} as const

export const rollback: Row = {
  id: 'T4',
  fault: 'Redis is killed and comes back with its append-only file or snapshot of about a second ago',
  pass: 'only what was accepted in that second is missing, and who waits for it is told that it is lost; the rest ends',
  runs: 10,
  async run({ size, seed, rig: options }) {
    const { tasks, rollbacks } = SIZES[size]
    const { args, keep, putBack } = COPIES[seed % 2 === 0 ? 'rdb' : 'aof']
    await using rig = await Rig.start({
      ...{ ...options, seed, mix: 0.1, redis: args },
      queue: { enqueueTimeout: 30_000 },
    })
    const { random, redis } = rig
    await Promise.all([1, 2].map(() => rig.worker({ lease: LEASE })))
    const windows: Window[] = []
    const upAt: number[] = []
    const settingBack = (async () => {
      for (let n = 0; n < rollbacks; n++) {
        await delay(random.between(PERIOD / 2, PERIOD))
        const from = Date.now()
        await keep(redis)
        await delay(random.between(700, 1_300))
        await redis.kill()
        windows.push({ from, to: Date.now() })
        putBack(redis)
        await redis.restart()
        upAt.push(Date.now())
      }
    })()
    // A backlog, so that there are tasks of all kinds: not begun, running, and ended since the copy.
    for (let n = 0; n < tasks / 4; n++) rig.work(-n, random.between(0, 300))
    await rig.producer.spread(tasks, rollbacks * 2 * PERIOD, (n) =>
      rig.work(n, random.pick([0, 5, 300, 1_500])),
    )
    await settingBack
    for (let n = 0; n < 10; n++) rig.work(tasks + n)
    const expect = { mayLose: true, extraRuns: Number.POSITIVE_INFINITY }
    await rig.finish(60_000, expect)
    const claims = rig.claims()
    const verdict = await rig.verdict(expect)
    const told = rig.journal.read().filter(({ verb, rest }) => verb === 'settled' && rest[0] === 'lost')
    const problems = [...verdict.problems, ...rig.problems, ...outside(rig.journal, verdict.lost, windows)]
    if (claims.length > 0) problems.push(`${claims.length} live workers were taken for dead: ${claims[0]}`)
    const { lost, 'extra runs': reruns, ...figures } = figuresOf(verdict)
    return {
      problems,
      figures: {
        ...figures,
        rollbacks,
        'lost in window': lost!,
        'told so': told.length,
        reruns: reruns!,
        claims: claims.length,
      },
      recoveries: rig.resumes(upAt),
    }
  },
}
