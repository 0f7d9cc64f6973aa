import { LANES, STATE_OF } from '../../../lib/record.ts'
import { until } from '../../support/until.ts'
import { healthOf } from '../health.ts'
import { ENDED, type Junk, junkOf, litter, throwIn } from '../junk.ts'
import { P, Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

const MIB = 1024 * 1024
const SIZES = {
  short: { rounds: 3, tasks: 30, large: 8 * MIB },
  full: { rounds: 25, tasks: 200, large: 50 * MIB },
} as const
/** MiB that a worker may hold more at the end than after the first round. */
const GROWTH = 8

export const junk: Row = {
  id: 'T19',
  fault:
    'junk by hand in the streams, the records and on the channels: of no shape, too large, too deep, of nobody',
  pass: 'it is quarantined or its task fails; other tasks succeed; the memory of the worker is flat',
  async run({ size, seed, rig: options }) {
    const { rounds, tasks, large } = SIZES[size]
    const execArgv = [...(options.execArgv ?? []), '--expose-gc']
    await using rig = await Rig.start({ ...options, seed, execArgv })
    const { random, redis } = rig
    const { client } = redis
    const worker = await rig.worker({ lease: 2_000, concurrency: 5 })
    const problems: string[] = []
    const counts = { quarantined: 0, failed: 0 }
    const ended = new Set<string>()
    const heaps: number[] = []
    let peak = 0
    for (let round = 0; round < rounds; round++) {
      let n = 0
      const all = random.shuffled(junkOf(() => `junk-${round}-${++n}`, large))
      await Promise.all([
        rig.producer.spread(tasks, 500, (task) => rig.work(task, random.between(0, 20))),
        (async () => {
          for (const one of all) await throwIn(client, P, random.pick(LANES), one)
        })(),
        litter(client, P),
      ])
      const quarantined = all.filter(({ fate }) => fate === 'quarantined').length
      await until(
        `junk of round ${round} to be dealt with`,
        async () =>
          (await client.llen(`${P}:quarantine`)) >= quarantined &&
          (await Promise.all(LANES.map((lane) => client.xlen(`${P}:stream:${lane}`)))).every(
            (left) => left === 0,
          ),
      ).catch((error: Error) => problems.push(error.message))
      await rig.finish()
      counts.quarantined += await client.llen(`${P}:quarantine`)
      if ((await client.llen(`${P}:quarantine`)) !== quarantined)
        problems.push(`${await client.llen(`${P}:quarantine`)} quarantined, where ${quarantined} should be`)
      await client.del(`${P}:quarantine`)
      for (const one of all) {
        const fate = await fateOf(rig, one)
        if (one.record === 'ended') ended.add(one.id)
        if (fate !== one.fate) problems.push(`${one.is}: ${fate}, not ${one.fate}`)
        if (fate === 'failed') counts.failed += 1
        if (fate === 'parked') await rig.queue.cancel(one.id)
      }
      const health = await healthOf(worker)
      heaps.push(health.heap)
      peak = health.peak
      if (health.isPolluted) problems.push('what all objects inherit from was written on')
    }
    const growth = Math.max(...heaps.slice(1)) - heaps[0]!
    if (growth > GROWTH)
      problems.push(`the worker holds ${growth.toFixed(1)} MiB more than after the first round`)
    // A blocking read looks at no record: the handler runs, and its outcome is refused.
    const again = rig.journal.read().filter(({ verb, id }) => verb === 'start' && ended.has(id)).length
    const verdict = await rig.verdict()
    problems.push(...(worker.output.match(/^error (?!ERR_MILLRACE)/gm) ?? []))
    return {
      problems: [...problems, ...verdict.problems, ...rig.problems],
      figures: { ...figuresOf(verdict), ...counts, 'ended tasks run again': again },
      peaks: { 'RSS of the worker, MB': peak, 'heap growth, MB': Math.max(0, growth) },
    }
  },
}

async function fateOf(
  { redis: { client } }: Rig,
  { id, record, fate }: Junk,
): Promise<Junk['fate'] | string> {
  // Counted together, since a sample names no task.
  if (fate === 'quarantined') return fate
  const [entry, end] = await client.hmget(`${P}:task:${id}`, 'entry', 'end')
  if (record === 'ended' && end === ENDED) return 'dropped'
  return end ? STATE_OF[end[0]!]! : (entry?.split('/')[0] ?? 'gone')
}
