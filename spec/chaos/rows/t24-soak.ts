import { writeFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { LANES } from '../../../lib/record.ts'
import { GROUP } from '../../../lib/redis/keys.ts'
import type { Child } from '../../support/processes.ts'
import { until } from '../../support/until.ts'
import { descriptorsOf, healthOf } from '../health.ts'
import { judge } from '../oracle.ts'
import { P, Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

const LEASE = 1_000
const SIZES = {
  short: { rounds: 3, tasks: 150, ms: 700 },
  full: { rounds: 40, tasks: 2_000, ms: 3_000 },
} as const
/** What is held when all is idle, and by how much it may grow over all rounds after the first. */
const MOST = {
  'Redis, KB': 256,
  'worker, KB': 2_048,
  'consumers without a worker': 0,
  pending: 0,
  keys: 0,
  connections: 0,
  'descriptors of Redis': 0,
  'descriptors of the worker': 0,
} as const

const WORKER_ROLES = ['commands', 'fetch', 'heartbeat']

type Held = Record<keyof typeof MOST, number>

export const soak: Row = {
  id: 'T24',
  fault: 'rounds of load with workers that come and go, by SIGTERM and kill -9',
  pass: 'memory, consumers, pending entries, connections and descriptors are flat',
  async run({ size, seed, rig: options }) {
    const { rounds, tasks, ms } = SIZES[size]
    const execArgv = [...(options.execArgv ?? []), '--expose-gc']
    await using rig = await Rig.start({ ...options, seed, execArgv })
    const { random } = rig
    const open = (): Promise<Child> => rig.worker({ lease: LEASE, concurrency: 10, maxCrashes: 20 })
    const veteran = await open()
    let other = await open()
    const problems: string[] = []
    const samples: Held[] = []
    const sums: Record<string, number> = {}
    for (let round = 0; round < rounds; round++) {
      const churn = (async () => {
        const [old, next] = [other, await open()]
        old.signal(random.pick(['SIGTERM', 'SIGKILL']))
        await old.ended
        other = next
      })()
      await rig.producer.spread(tasks, ms, (n) => {
        if (n % 10 > 0) rig.work(n, random.between(0, 40))
        else rig.producer.call(() => rig.tasks.steps(3, 5), { expected: 3 })
      })
      await churn
      await rig.finish()
      await idle(rig)
      // A process that got no time for a lease was taken for dead: that is told here, and judged in other rows.
      const verdict = await judge(rig.redis.client, P, rig.journal, { extraRuns: Number.POSITIVE_INFINITY })
      problems.push(...verdict.problems.map((problem) => `round ${round}: ${problem}`))
      for (const [name, value] of Object.entries(figuresOf(verdict))) sums[name] = (sums[name] ?? 0) + value
      await forget(rig)
      samples.push(await look(rig, veteran))
    }
    for (const worker of [veteran, other]) worker.signal('SIGTERM')
    const slopes = Object.fromEntries(
      Object.keys(MOST).map((name) => [
        name,
        slopeOf(samples.slice(1).map((held) => held[name as keyof Held])),
      ]),
    )
    for (const [name, most] of Object.entries(MOST)) {
      const growth = slopes[name]! * (samples.length - 2)
      if (growth > most) {
        const all = samples.map((held) => Math.round(held[name as keyof Held])).join(' ')
        problems.push(`${name} grew by ${growth.toFixed(1)}: ${all}`)
      }
    }
    return {
      problems: [...problems, ...rig.problems],
      figures: { ...sums, 'living taken for dead': veteran.output.match(/^dead /gm)?.length ?? 0 },
      peaks: Object.fromEntries(Object.entries(slopes).map(([name, slope]) => [`${name} per round`, slope])),
    }
  },
}

/** Resolves when nothing is in line or held, those who have gone are forgotten, and those who came are all there. */
async function idle({ redis: { client }, queue }: Rig): Promise<void> {
  const streams = LANES.map((lane) => `${P}:stream:${lane}`)
  await until('two workers with their connections, and nothing in line or held', async () => {
    const connections = await connectionsOf(client)
    const roles = WORKER_ROLES.map((role) =>
      connections.filter((line) => line.includes(` name=millrace:${role} `)),
    )
    if (roles.some(({ length }) => length < 2)) return false
    const lengths = await Promise.all(streams.map((stream) => client.xlen(stream)))
    if (lengths.some((length) => length > 0) || (await queue.counts()).running > 0) return false
    return (await client.zcard(`${P}:workers`)) === 2
  })
}

const connectionsOf = async (client: Redis): Promise<string[]> =>
  ((await client.client('LIST')) as string).trim().split('\n')

/** What has ended is gone as when its retention is over, at once; the journal begins anew. */
async function forget({ redis: { client }, journal }: Rig): Promise<void> {
  const keys: string[] = []
  for await (const some of client.scanStream({ match: `${P.replace(/[{}]/g, '?')}:task:*`, count: 1_000 })) {
    keys.push(...(some as string[]))
  }
  const pipeline = client.pipeline()
  for (const key of keys) pipeline.pexpire(key, 1)
  await pipeline.exec()
  await until('ended tasks to expire', async () => {
    const left = await Promise.all(keys.map((key) => client.exists(key)))
    return left.every((there) => there === 0)
  })
  writeFileSync(journal.file, '')
}

async function look({ redis }: Rig, veteran: Child): Promise<Held> {
  const { client } = redis
  const workers = await client.zrange(`${P}:workers`, '0', '-1')
  let [strangers, pending] = [0, 0]
  for (const lane of LANES) {
    const consumers = (await client.xinfo('CONSUMERS', `${P}:stream:${lane}`, GROUP)) as unknown[][]
    for (const consumer of consumers) {
      if (!workers.includes(String(consumer[1]))) strangers += 1
      pending += Number(consumer[3])
    }
  }
  const memory = /used_memory:(\d+)/.exec(await client.info('memory'))!
  const { heap, descriptors } = await healthOf(veteran)
  return {
    'Redis, KB': Number(memory[1]) / 1_024,
    'worker, KB': heap * 1_024,
    ...{ 'consumers without a worker': strangers, pending, keys: await client.dbsize() },
    connections: (await connectionsOf(client)).length,
    'descriptors of Redis': descriptorsOf(redis.pid),
    'descriptors of the worker': descriptors,
  }
}

/** Of the line that lies nearest to them all, for each step. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const over = values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0)
  const under = values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0)
  return under === 0 ? 0 : over / under
}
